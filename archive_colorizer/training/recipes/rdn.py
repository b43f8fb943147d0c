"""How the residual dense network learns: L1 (Zhang et al. 2018). B batch, H height, W width."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.models.rdn import RDN
from archive_colorizer.settings.kinds import LowJpeg
from archive_colorizer.settings.schema import settings
from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.low_high_sampler import EnlargeSampler
from archive_colorizer.training.on_device.enlarging import EnlargeDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase


@settings("recipe")
class RDNRecipeConfig:
    """Settings of the recipe; the learning rate is the loop's."""

    jpeg: LowJpeg = 0
    """Low pictures go through JPEG of this quality to 95; 0 leaves it out. The noise-cancelling
    weights of reference system D were trained at 50."""


class RDNRecipe:
    """One module, one phase."""

    goal = "rdn/l1"

    def __init__(
        self,
        model: RDN,
        config: RDNRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        self._model = model
        self.sampler = EnlargeSampler(feed, model.scale, config.jpeg)
        self.device_sampler = EnlargeDeviceSampler(feed, model.scale, config.jpeg)
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        self._phases = (Phase("rdn", ("model",), optimizer, self.loss),)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network alone, which is shipped."""
        return {"model": self._model}

    @property
    def phases(self) -> Sequence[Phase]:
        """One phase, for the network."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """(B, 3, scale H, scale W)."""
        made: Tensor = self._model(batch["low_b3hw"])
        return made

    def loss(self, batch: Batch, made_b3hw: Tensor) -> Mapping[str, Tensor]:
        """Mean absolute error."""
        return {"l1": F.l1_loss(made_b3hw.float(), batch["high_b3hw"])}
