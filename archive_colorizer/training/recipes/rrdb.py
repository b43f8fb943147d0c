"""How ESRGAN learns (Wang et al. 2018): first L1 alone, then a relativistic GAN from there.

The first run is `recipe.adversarial = 0` (the default: the PSNR model). The second one starts from
its weights (`--init`) with adversarial 0.005, l1 0.01 and perceptual 1. B batch, H height, W width.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.metrics.features import open_features, perceptual_loss
from archive_colorizer.models.rrdb import Discriminator, RRDBNet, relativistic_loss
from archive_colorizer.settings.kinds import Channels, LowJpeg, Weight
from archive_colorizer.settings.schema import settings
from archive_colorizer.training.feed import FeedConfig
from archive_colorizer.training.low_high_sampler import EnlargeSampler
from archive_colorizer.training.on_device.enlarging import EnlargeDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase


@settings("recipe")
class RRDBRecipeConfig:
    """Settings of the recipe; the learning rate is the loop's."""

    l1: Weight = 1.0
    """Weight of the mean absolute error."""
    adversarial: Weight = 0.0
    """Weight of the discriminator's verdict; 0 trains the PSNR model, without a discriminator."""
    perceptual: Weight = 0.0
    """Weight of the distance of VGG19's block5_conv4 before its activation; needs `vgg`."""
    vgg: str = ""
    """File with VGG19's public weights; or `builtin:encoder`, EfficientNet-Lite2 in its place."""
    jpeg: LowJpeg = 0
    """Low pictures go through JPEG of this quality to 95; 0 leaves it out."""
    discriminator_width: Channels = 64
    """Channels of the discriminator's first level."""


class RRDBRecipe:
    """The generator alone, or the discriminator and then the generator."""

    goal = "generator/l1"

    def __init__(
        self,
        model: RRDBNet,
        config: RRDBRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        self._config, self._generator = config, model
        self._features = open_features("vgg19", config.vgg, config.perceptual)
        self.sampler = EnlargeSampler(feed, model.scale, config.jpeg)
        self.device_sampler = EnlargeDeviceSampler(feed, model.scale, config.jpeg)
        self._modules: dict[str, nn.Module] = {"generator": model}
        generator = Phase("generator", ("generator",), _adam(model), self.generator_loss)
        self._phases: tuple[Phase, ...] = (generator,)
        if config.adversarial:
            self._discriminator = Discriminator(config.discriminator_width)
            self._modules["discriminator"] = self._discriminator
            optimizer = _adam(self._discriminator)
            first = Phase("discriminator", ("discriminator",), optimizer, self.discriminator_loss)
            self._phases = (first, generator)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The generator is the one that is shipped."""
        return self._modules

    @property
    def phases(self) -> Sequence[Phase]:
        """The generator's alone, or the discriminator's before it."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """(B, 3, scale H, scale W)."""
        made: Tensor = self._generator(batch["low_b3hw"])
        return made

    def discriminator_loss(self, batch: Batch, made_b3hw: Tensor) -> Mapping[str, Tensor]:
        """Real ones must be more real than made ones are on average."""
        real = self._discriminator(batch["high_b3hw"])
        made = self._discriminator(made_b3hw.detach())
        return {"total": relativistic_loss(real, made)}

    def generator_loss(self, batch: Batch, made_b3hw: Tensor) -> Mapping[str, Tensor]:
        """L1, and where they weigh something VGG's features and the discriminator's opinion."""
        config, truth = self._config, batch["high_b3hw"]
        l1 = F.l1_loss(made_b3hw.float(), truth)
        total, named = config.l1 * l1, {"l1": l1}
        if self._features is not None:
            self._features.to(made_b3hw.device)
            named["perceptual"] = perceptual_loss(self._features, made_b3hw.float(), truth)
            total = total + config.perceptual * named["perceptual"]
        if config.adversarial:
            real = self._discriminator(truth).detach()
            named["gan"] = relativistic_loss(self._discriminator(made_b3hw), real)
            total = total + config.adversarial * named["gan"]
        return {"total": total, **named}


def _adam(module: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), betas=(0.9, 0.99), fused=True)
