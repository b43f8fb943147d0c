"""How reference system C's third model learns: L1 on ab and VGG19's block5_conv4.

Adam or RAdam (0.9, 0.999); the loop's `step` schedule lowers the learning rate after epoch 20, as
the system does. Its first version used cross-entropy alone and called MAE its perceptual loss.
B batch, H height, W width.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.metrics.features import open_features, perceptual_loss
from archive_colorizer.models.colour import lab_to_rgb, rgb_to_lab
from archive_colorizer.models.unet_perceptual import UNetPerceptual
from archive_colorizer.settings.kinds import Weight
from archive_colorizer.settings.schema import settings
from archive_colorizer.training.feed import FeedConfig, PairSampler
from archive_colorizer.training.on_device.pairs import PairDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase


@settings("recipe")
class UNetPerceptualRecipeConfig:
    """Settings of the recipe; learning rate and schedule are the loop's."""

    l1: Weight = 1.0
    """Weight of the mean absolute error of ab, in units of 110."""
    perceptual: Weight = 0.01
    """Weight of the distance of VGG19's features; needs `vgg`."""
    vgg: str = ""
    """File with VGG19's public weights; or `builtin:encoder`, EfficientNet-Lite2 in its place."""
    optimizer: Literal["adam", "radam"] = "adam"
    """Optimizer."""


class UNetPerceptualRecipe:
    """One module, one phase."""

    goal = "unet/l1"

    def __init__(
        self,
        model: UNetPerceptual,
        config: UNetPerceptualRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        if translates:
            raise ConfigError("unet_perceptual colours: it cannot learn from sources in colour")
        self._config, self._model = config, model
        self._features = open_features("vgg19", config.vgg, config.perceptual)
        self.sampler = PairSampler(feed)
        self.device_sampler = PairDeviceSampler(feed)
        kind = torch.optim.RAdam if config.optimizer == "radam" else torch.optim.Adam
        self._phases = (Phase("unet", ("model",), kind(model.parameters()), self.loss),)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network alone, which is shipped."""
        return {"model": self._model}

    @property
    def phases(self) -> Sequence[Phase]:
        """One phase, for the network."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """(B, 2, H, W) in [-1, 1]."""
        made: Tensor = self._model(batch["source_bchw"])
        return made

    def loss(self, batch: Batch, made_b2hw: Tensor) -> Mapping[str, Tensor]:
        """L1 on ab, and the distance of VGG19's features."""
        lab = rgb_to_lab(batch["target_b3hw"])
        l1 = F.l1_loss(made_b2hw.float(), (lab[:, 1:] / AB_SCALE).clamp(-1, 1))
        if self._features is None:
            return {"total": self._config.l1 * l1, "l1": l1}
        self._features.to(made_b2hw.device)
        rgb = lab_to_rgb(torch.cat((lab[:, :1], made_b2hw.float() * AB_SCALE), dim=1))
        seen = perceptual_loss(self._features, rgb, batch["target_b3hw"])
        total = self._config.l1 * l1 + self._config.perceptual * seen
        return {"total": total, "l1": l1, "perceptual": seen}
