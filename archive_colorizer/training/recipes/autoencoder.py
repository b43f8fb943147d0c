"""How reference system B's autoencoder learns: one loss, on RGB in [0, 1].

The system does not state its loss; the mean absolute error is ours.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.autoencoder import Autoencoder
from archive_colorizer.training.feed import FeedConfig, PairFeed
from archive_colorizer.training.photographs import Photograph
from archive_colorizer.training.recipe import Batch, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoencoderRecipeConfig:
    """Settings of the recipe; the learning rate is the loop's (2e-4)."""

    feed: FeedConfig = field(default_factory=FeedConfig)
    beta1: float = 0.5


class AutoencoderRecipe:
    """One module, one phase."""

    def __init__(
        self,
        model: Autoencoder,
        targets: Sequence[Photograph],
        config: AutoencoderRecipeConfig,
        sources: Sequence[Photograph] | None = None,
    ) -> None:
        self._model = model
        self._feed = PairFeed(targets, sources, config.feed)
        optimizer = torch.optim.Adam(model.parameters(), betas=(config.beta1, 0.999))
        self._phases = (Phase("autoencoder", ("model",), optimizer, self.loss),)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network."""
        return {"model": self._model}

    @property
    def phases(self) -> Sequence[Phase]:
        """One."""
        return self._phases

    def batches(self, seed: int, first_step: int) -> Iterator[Batch]:
        """Pairs in [0, 1]."""
        return self._feed.batches(seed, first_step)

    def forward(self, batch: Batch) -> Tensor:
        """(B, 3, H, W), about [0, 1]."""
        rgb: Tensor = self._model(batch["source_bchw"].expand(-1, 3, -1, -1))
        return rgb

    def loss(self, batch: Batch, rgb_b3hw: Tensor) -> Mapping[str, Tensor]:
        """Mean absolute error."""
        return {"l1": F.l1_loss(rgb_b3hw.float(), batch["target_b3hw"])}
