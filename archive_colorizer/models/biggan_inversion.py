"""Reference system E: an encoder finds the map from which BigGAN paints the picture in colour.

After Kim et al., "BigColor: Colorization using a Generative Color Prior for Natural Images" (2022).
The map is 16x16 (`map_px`): larger ones lose vividness, smaller ones bleed. By default the encoder
is the published one: its norms are linear in the generator's embedding of the class, and its last
block has no dropout. The paper that is system E says otherwise, which `class_mlp` and
`dropout_last` do. B batch, C channel, H height, W width, D a vector's length.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.biggan import (
    BigGANConfig,
    ConditionalBatchNorm,
    Generator,
)
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.spec import Prediction, certain


@dataclass(frozen=True, slots=True, kw_only=True)
class BigGANInversionConfig(BigGANConfig):
    """Settings of the family: those of the generator, and of what stands before it."""

    classes: tuple[str, ...] = ()
    """Their names, in order; empty where they have numbers only (ImageNet's)."""
    dropout: float = 0.2
    """After each of the encoder's blocks but the last."""
    dropout_last: bool = False
    """After the encoder's last block, too (system E)."""
    class_mlp: int = 0
    """Channels of a hidden layer between a class's embedding and the scale and bias of the
    encoder's norms: an MLP, as system E has it. 0: none, as published."""
    z_std: float = 0.8
    """Standard deviation of the noise (BigColor 0.8, system E 1)."""

    def __post_init__(self) -> None:
        BigGANConfig.__post_init__(self)
        if self.classes and len(set(self.classes)) != self.n_classes:
            raise ValueError(f"classes={self.classes}: must be {self.n_classes} different names")
        if not 0 <= self.dropout < 1 or self.z_std < 0:
            raise ValueError(
                f"dropout={self.dropout}, z_std={self.z_std}: must be 0 to under 1, at least 0"
            )
        if self.class_mlp < 0:
            raise ValueError(f"class_mlp={self.class_mlp}: must be at least 0")

    @property
    def condition(self) -> int:
        """Length of the vector that the encoder's norms are linear in."""
        return self.class_mlp or self.shared_dim


class EncoderBlock(nn.Module):
    """Pre-activation, conditioned on a class. (B, I, H, W) -> (B, O, H, W), or halved sides."""

    def __init__(self, inputs: int, outputs: int, config: BigGANInversionConfig) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm(config.condition, inputs, spectral=False)
        self.norm2 = ConditionalBatchNorm(config.condition, outputs, spectral=False)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x_bchw: Tensor, condition_bd: Tensor, *, halve: bool) -> Tensor:
        """Residual: norm, ReLU, pooling, 3x3, norm, ReLU, 3x3, beside a 1x1 shortcut."""
        inner = F.relu(self.norm1(x_bchw, condition_bd))
        if halve:
            inner, x_bchw = F.avg_pool2d(inner, 2), F.avg_pool2d(x_bchw, 2)
        inner = F.relu(self.norm2(self.conv1(inner), condition_bd))
        out: Tensor = self.conv2(inner) + self.shortcut(x_bchw)
        return out


class Encoder(nn.Module):
    """Grey to the map at which the generator begins; its widths mirror the generator's."""

    def __init__(self, config: BigGANInversionConfig) -> None:
        super().__init__()
        # Its output layer is each norm's own: scale and bias are linear in the hidden layer.
        self.mlp = (
            nn.Sequential(nn.Linear(config.shared_dim, config.class_mlp), nn.ReLU())
            if config.class_mlp
            else nn.Identity()
        )
        self.blocks = nn.ModuleList()
        inputs = 1
        for outputs in reversed(config.widths[config.map_block :]):
            self.blocks.append(EncoderBlock(inputs, outputs, config))
            inputs = outputs
        self.dropout = nn.Dropout(config.dropout)
        self._dropped = len(self.blocks) - (not config.dropout_last)

    def forward(self, gray_b1hw: Tensor, embedding_bd: Tensor) -> Tensor:
        """The map.

        Args:
            gray_b1hw: (B, 1, resolution, resolution) in [0, 1].
            embedding_bd: (B, shared_dim), of the generator.

        Returns:
            (B, config.map_channels, map_px, map_px).
        """
        x_bchw, condition_bd = gray_b1hw, self.mlp(embedding_bd)
        for i, block in enumerate(self.blocks):
            x_bchw = block(x_bchw, condition_bd, halve=i > 0)
            if i < self._dropped:
                x_bchw = self.dropout(x_bchw)
        return x_bchw


class BigGANInversion(nn.Module):
    """The encoder and the generator that paints. Any sides; the picture is made square inside."""

    def __init__(self, config: BigGANInversionConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.generator = Generator(config)

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in training."""
        return self.config.resolution // self.config.map_px

    def forward(self, gray_b1hw: Tensor, z_bd: Tensor, embedding_bd: Tensor) -> Tensor:
        """A picture in colour.

        Args:
            gray_b1hw: (B, 1, resolution, resolution) sRGB-encoded grey in [0, 1].
            z_bd: (B, config.z_size), as `noise` gives.
            embedding_bd: (B, shared_dim), as `generator.embed` gives.

        Returns:
            (B, 3, resolution, resolution) in [-1, 1]; its lightness is not the grey's.
        """
        map_bchw = self.encoder(gray_b1hw, embedding_bd)
        return self.generator.forward_from(map_bchw, z_bd, embedding_bd)

    def noise(self, count: int, seed: int) -> Tensor:
        """Noise that depends on its arguments alone, (count, config.z_size) from N(0, z_std^2)."""
        source = torch.Generator().manual_seed(seed)
        z_bd = torch.randn(count, self.config.z_size, generator=source) * self.config.z_std
        return z_bd.to(self.generator.shared.weight.device)

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
        class_b: Tensor | None = None,
        seed: int = 0,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; the first three knobs have no effect. Doubt is 0.

        Args:
            gray_b1hw: (B, 1, H, W) in [0, 1], any sides: it is stretched to the resolution, and ab
                are brought back. The caller keeps its lightness: what is painted has another.
            temperature: no effect.
            vividness: no effect.
            hints_b3hw: no effect: the family was published without hints.
            class_b: (B,) int64, what each picture shows, -1 where it is not known; None where it
                is known of none. Unknown gives the mean of all classes.
            seed: of the noise, which is the same for each picture.

        Raises:
            ValueError: not one class for each picture, or a class that there is not.
        """
        count, edge = len(gray_b1hw), self.config.resolution
        embedding_bd = self.generator.embed(class_b, count)
        z_bd = self.noise(1, seed).expand(count, -1)
        rgb_b3hw = self(_resize(gray_b1hw, (edge, edge)), z_bd, embedding_bd).float()
        ab_b2hw = rgb_to_lab((rgb_b3hw + 1) / 2)[:, 1:]
        return certain(_resize(ab_b2hw, (gray_b1hw.shape[2], gray_b1hw.shape[3])))


def hinge_discriminator_loss(real_b: Tensor, made_b: Tensor) -> Tensor:
    """Hinge loss (Lim & Ye 2017): logits of real pictures above 1, of made ones below -1."""
    return F.relu(1 - real_b.float()).mean() + F.relu(1 + made_b.float()).mean()


def hinge_generator_loss(made_b: Tensor) -> Tensor:
    """The generator's side of it: logits of made pictures as high as may be."""
    return -made_b.float().mean()


def _resize(x_bchw: Tensor, sides: tuple[int, int]) -> Tensor:
    if x_bchw.shape[2:] == sides:
        return x_bchw
    return F.interpolate(x_bchw, sides, mode="bilinear", align_corners=False, antialias=True)


def build(config: BigGANInversionConfig) -> nn.Module:
    """Both networks, untrained. For training from the start see `biggan.init_orthogonal`."""
    return BigGANInversion(config)
