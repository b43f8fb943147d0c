"""How BigGAN inversion learns: MSE, a perceptual loss, and a hinge GAN by projection.

After Kim et al., "BigColor" (2022): 1.0 MSE, 0.2 VGG16 features, 0.03 hinge; Adam 1e-4 for encoder
and generator, 3e-5 for the discriminator, betas 0 and 0.999, rates times 0.9 an epoch; real
pictures are shown to the discriminator 1.2 times as colourful. Reference system E has figures of
its own: jobs/settings/e-biggan-inversion.toml. It adds the hinge loss to the generator's alone;
here it reaches the encoder, too, as published. B batch, H height, W width.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.labels import find_label, number_classes
from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.colour import LUMA_WEIGHTS
from archive_colorizer.metrics.features import open_features, perceptual_loss
from archive_colorizer.metrics.lpips import load_lpips
from archive_colorizer.models.biggan import (
    Discriminator,
    Generator,
    from_public,
    init_orthogonal,
)
from archive_colorizer.models.biggan_inversion import (
    BigGANInversion,
    hinge_discriminator_loss,
    hinge_generator_loss,
)
from archive_colorizer.settings.kinds import Weight
from archive_colorizer.settings.schema import Setting, settings
from archive_colorizer.training.feed import FeedConfig, PairSampler, drawn
from archive_colorizer.training.recipe import Batch, Phase, Sample
from archive_colorizer.weights.state import read_state

Distance = Callable[[Tensor, Tensor], Tensor]
"""Two (B, 3, H, W) in [0, 1] -> a number."""


@settings("recipe")
class BigGANInversionRecipeConfig:
    """Settings of the recipe; learning rate and schedule are the loop's."""

    classes: tuple[str, ...] = ()
    """As `data.classes`, which sets it: words of pictures' names."""
    mse: Weight = 1.0
    """Weight of the mean squared error."""
    perceptual: Weight = 0.2
    """Weight of the distance of features; needs `vgg`, or `lpips_backbone` and `lpips_heads`."""
    perceptual_by: Literal["vgg16", "lpips"] = "vgg16"
    """Features whose distance it is."""
    vgg: str = ""
    """File with VGG16's public weights; or `builtin:encoder`, EfficientNet-Lite2 in its place."""
    lpips_backbone: str = ""
    """File with AlexNet's or VGG16's public weights."""
    lpips_heads: str = ""
    """File with LPIPS' learned 1x1 weights for that backbone."""
    hinge: Weight = 0.03
    """Weight of the adversarial hinge loss."""
    enhance: Weight = 1.2
    """Saturation of the real pictures that the discriminator sees."""
    discriminator_rate: Annotated[float, Setting(gt=0)] = 0.3
    """Learning rate of the discriminator, as a share of the loop's."""
    generator: str = ""
    """File with a public BigGAN generator's weights to begin with."""
    discriminator: str = ""
    """File with a public BigGAN discriminator's weights to begin with."""


@dataclass(frozen=True, slots=True)
class LabelledSampler:
    """Pairs as `PairSampler` gives them, with `class_b`, int64."""

    feed: FeedConfig
    numbers: Mapping[str, int]

    def __call__(self, library: Library, rng: np.random.Generator) -> Sample:
        """Draw one pair. Pictures without a class were left out when the library was gathered."""
        item = drawn(library, rng)
        label = find_label(item.name, self.numbers)
        assert label is not None, item.name
        return {**PairSampler(self.feed).of(item, rng), "class_b": np.array(label, np.int64)}


class BigGANInversionRecipe:
    """The discriminator, then encoder and generator together."""

    goal = "generator/mse"

    def __init__(
        self,
        model: BigGANInversion,
        config: BigGANInversionRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        if translates:
            raise ConfigError("biggan_inversion colours: it cannot learn from sources in colour")
        numbers = number_classes(config.classes)
        limit = model.config.n_classes
        if not numbers or max(numbers.values()) >= limit:
            raise ConfigError(
                "biggan_inversion learns with classes: --classes WORD,... (words of the pictures' "
                f"names), or WORD=N,... with N under {limit}"
            )
        if feed.crop_px != model.config.resolution:
            raise ConfigError(
                f"feed.crop_px={feed.crop_px}: must be model.resolution={model.config.resolution}"
            )
        self._config, self._model = config, model
        self._discriminator = Discriminator(model.config)
        init_orthogonal(model)
        init_orthogonal(self._discriminator)
        _fill(self._discriminator, config.discriminator)
        _fill(model.generator, config.generator)
        self._distance = _open_distance(config)
        self.sampler = LabelledSampler(feed, numbers)
        first = Phase(
            "discriminator", ("discriminator",), _adam(self._discriminator.parameters()),
            self.discriminator_loss, clip_norm=float("inf"), lr_scale=config.discriminator_rate,
        )  # fmt: skip
        second = Phase(
            "generator", ("model",), _adam(_list_trained(model)), self.generator_loss,
            clip_norm=float("inf"),
        )  # fmt: skip
        self._phases = (first, second)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Encoder and generator are shipped as one."""
        return {"model": self._model, "discriminator": self._discriminator}

    @property
    def phases(self) -> Sequence[Phase]:
        """The discriminator, then encoder and generator."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """(B, 3, resolution, resolution) in [-1, 1]."""
        gray, model = batch["source_bchw"], self._model
        config = model.config
        z_bd = torch.randn(len(gray), config.z_size, device=gray.device) * config.z_std
        made: Tensor = model(gray, z_bd, model.generator.embed(batch["class_b"], len(gray)))
        return made

    def discriminator_loss(self, batch: Batch, made_b3hw: Tensor) -> Mapping[str, Tensor]:
        """Hinge; real pictures are shown more colourful than they are."""
        real = 2 * enhance(batch["target_b3hw"], self._config.enhance) - 1
        real_b = self._discriminator(real, batch["class_b"])
        made_b = self._discriminator(made_b3hw.detach(), batch["class_b"])
        return {
            "total": hinge_discriminator_loss(real_b, made_b),
            "real": real_b.float().mean(),
            "fake": made_b.float().mean(),
        }

    def generator_loss(self, batch: Batch, made_b3hw: Tensor) -> Mapping[str, Tensor]:
        """Near in pixels and in features, and what the discriminator likes."""
        config, truth = self._config, batch["target_b3hw"]
        made = (made_b3hw.float() + 1) / 2
        mse = F.mse_loss(made_b3hw.float(), 2 * truth - 1)
        hinge = hinge_generator_loss(self._discriminator(made_b3hw, batch["class_b"]))
        total, named = config.mse * mse + config.hinge * hinge, {"mse": mse, "hinge": hinge}
        if self._distance is not None:
            named["perceptual"] = self._distance(made, truth)
            total = total + config.perceptual * named["perceptual"]
        return {"total": total, **named}


def enhance(rgb_b3hw: Tensor, factor: float) -> Tensor:
    """Colours moved away from grey of the same luma, (B, 3, H, W) in [0, 1]."""
    weights = torch.tensor(LUMA_WEIGHTS, dtype=rgb_b3hw.dtype, device=rgb_b3hw.device)
    luma = (rgb_b3hw * weights.view(3, 1, 1)).sum(dim=1, keepdim=True)
    return (luma + factor * (rgb_b3hw - luma)).clamp(0, 1)


def _list_trained(model: BigGANInversion) -> list[nn.Parameter]:
    """All but what makes BigGAN's own map, which the encoder's stands for."""
    before = range(model.config.map_block)
    unused = ("generator.linear.", *(f"generator.blocks.{i}." for i in before))
    return [value for name, value in model.named_parameters() if not name.startswith(unused)]


def _adam(parameters: object) -> torch.optim.Adam:
    return torch.optim.Adam(parameters, betas=(0.0, 0.999), fused=True)  # type: ignore[arg-type]


def _fill(network: Generator | Discriminator, path: str) -> None:
    """Put a public state dict into one of the two networks; nothing where none is named."""
    if not path:
        return
    try:
        network.load_state_dict(from_public(read_state(Path(path)), network.config, type(network)))
    except ValueError as error:
        raise LocationError(f"{path}: not this BigGAN's weights: {error}") from error


def _open_distance(config: BigGANInversionRecipeConfig) -> Distance | None:
    if config.perceptual_by == "vgg16" or not config.perceptual:
        network = open_features("vgg16", config.vgg, config.perceptual)
        if network is None:
            return None
        return lambda made, truth: perceptual_loss(network.to(made.device), made, truth)
    if config.vgg:
        raise ConfigError(
            f"--perceptual-from {config.vgg} (recipe.vgg): LPIPS has the two files that "
            "recipe.lpips_backbone and recipe.lpips_heads name, and no other network"
        )
    if not config.lpips_backbone or not config.lpips_heads:
        raise ConfigError(
            "the perceptual loss needs LPIPS' two files: --set recipe.lpips_backbone=FILE (AlexNet "
            "or VGG16) and recipe.lpips_heads=FILE, or --set recipe.perceptual=0"
        )
    lpips = load_lpips(config.lpips_backbone, config.lpips_heads)[0].requires_grad_(False)
    return lambda made, truth: lpips.to(made.device)(made, truth).mean()
