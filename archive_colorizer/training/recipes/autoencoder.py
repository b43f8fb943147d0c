"""Training of reference system B's autoencoder: one loss, on RGB in [0, 1].

The system does not state its loss; the mean absolute error is ours.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.models.autoencoder import Autoencoder
from archive_colorizer.settings.kinds import Momentum
from archive_colorizer.settings.schema import settings
from archive_colorizer.training.feed import FeedConfig, PairSampler
from archive_colorizer.training.on_device.pairs import PairDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase


@settings("recipe")
class AutoencoderRecipeConfig:
    """Settings of the recipe; the learning rate is the loop's (2e-4)."""

    beta1: Momentum = 0.5
    """Adam's decay of the mean gradient."""


class AutoencoderRecipe:
    """One module, one phase."""

    goal = "autoencoder/l1"

    def __init__(
        self,
        model: Autoencoder,
        config: AutoencoderRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        self._model = model
        self.sampler = PairSampler(feed, gray=not translates)
        self.device_sampler = PairDeviceSampler(feed, gray=not translates)
        optimizer = torch.optim.Adam(model.parameters(), betas=(config.beta1, 0.999), fused=True)
        self._phases = (Phase("autoencoder", ("model",), optimizer, self.loss),)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network alone, which is shipped."""
        return {"model": self._model}

    @property
    def phases(self) -> Sequence[Phase]:
        """One phase, for the network."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """(B, 3, H, W), about [0, 1]."""
        rgb: Tensor = self._model(batch["source_bchw"].expand(-1, 3, -1, -1))
        return rgb

    def loss(self, batch: Batch, rgb_b3hw: Tensor) -> Mapping[str, Tensor]:
        """Mean absolute error."""
        return {"l1": F.l1_loss(rgb_b3hw.float(), batch["target_b3hw"])}
