"""How pix2pix learns: an adversarial loss and 100 times L1 (Isola et al. 2017).

The discriminator has its turn first, then the generator against it; each is frozen in the other's.
B batch, C channel, H height, W width.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.pix2pix import Generator, PatchDiscriminator, init_normal
from archive_colorizer.settings.kinds import Channels, Momentum, Weight
from archive_colorizer.settings.schema import settings
from archive_colorizer.training.feed import FeedConfig, PairSampler
from archive_colorizer.training.recipe import Batch, Phase


@settings("recipe")
class Pix2PixRecipeConfig:
    """Settings of the recipe; learning rate and schedule are the loop's (2e-4, linear)."""

    gan: Literal["bce", "lsgan"] = "bce"
    """Adversarial loss: binary cross-entropy or least squares."""
    l1: Weight = 100.0
    """Weight of the mean absolute error."""
    adversarial: Weight = 1.0
    """Weight of the discriminator's verdict in the generator's loss."""
    beta1: Momentum = 0.5
    """Adam's decay of the mean gradient."""
    discriminator_width: Channels = 64
    """Channels of the discriminator's first level."""


class Pix2PixRecipe:
    """Two modules, two phases, one shared forward of the generator."""

    goal = "generator/l1"

    def __init__(
        self,
        model: Generator,
        config: Pix2PixRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        shape = (model.config.in_channels, model.config.out_channels)
        if translates and shape != (3, 3):
            raise ConfigError(f"model: a translation needs 3 channels in and out, not {shape}")
        self._config, self._generator = config, model
        self.sampler = PairSampler(feed, gray=not translates)
        channels = model.config.in_channels + model.config.out_channels
        self._discriminator = PatchDiscriminator(
            channels, config.discriminator_width, model.config.kernel
        )
        init_normal(model)
        init_normal(self._discriminator)
        self._phases = (
            Phase("discriminator", ("discriminator",), self._adam(self._discriminator),
                  self.discriminator_loss, clip_norm=float("inf")),
            Phase("generator", ("generator",), self._adam(model),
                  self.generator_loss, clip_norm=float("inf")),
        )  # fmt: skip

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The generator is the one that is shipped."""
        return {"generator": self._generator, "discriminator": self._discriminator}

    @property
    def phases(self) -> Sequence[Phase]:
        """The discriminator, then the generator."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """The generator's pictures for the sources, in [-1, 1]."""
        fake: Tensor = self._generator(self._source(batch))
        return fake

    def discriminator_loss(self, batch: Batch, fake_bchw: Tensor) -> Mapping[str, Tensor]:
        """Half the sum of the losses on the true pair and on the made one."""
        source = self._source(batch)
        real = self._gan_loss(self._discriminator(source, self._target(batch)), real=True)
        fake = self._gan_loss(self._discriminator(source, fake_bchw.detach()), real=False)
        return {"total": (real + fake) / 2, "real": real, "fake": fake}

    def generator_loss(self, batch: Batch, fake_bchw: Tensor) -> Mapping[str, Tensor]:
        """Passing for real, and being near."""
        logits = self._discriminator(self._source(batch), fake_bchw)
        gan = self._gan_loss(logits, real=True)
        l1 = F.l1_loss(fake_bchw.float(), self._target(batch))
        return {
            "total": self._config.adversarial * gan + self._config.l1 * l1,
            "gan": gan,
            "l1": l1,
        }

    def _adam(self, module: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(module.parameters(), betas=(self._config.beta1, 0.999), fused=True)

    def _source(self, batch: Batch) -> Tensor:
        return batch["source_bchw"].expand(-1, self._generator.config.in_channels, -1, -1) * 2 - 1

    def _target(self, batch: Batch) -> Tensor:
        rgb_b3hw = batch["target_b3hw"]
        if self._generator.config.out_channels == 3:
            return rgb_b3hw * 2 - 1
        return (rgb_to_lab(rgb_b3hw)[:, 1:] / AB_SCALE).clamp(-1, 1)

    def _gan_loss(self, logits: Tensor, *, real: bool) -> Tensor:
        wanted = torch.full_like(logits, float(real), dtype=torch.float32)
        if self._config.gan == "lsgan":
            return F.mse_loss(logits.float(), wanted)
        return F.binary_cross_entropy_with_logits(logits.float(), wanted)
