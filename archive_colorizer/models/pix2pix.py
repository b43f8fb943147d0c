"""pix2pix: U-Net generator and PatchGAN discriminator. B batch, C channel, H height, W width.

After Isola, Zhu, Zhou & Efros, "Image-to-Image Translation with Conditional Adversarial Networks"
(2017). Resolution and kernel size are settings: the generator halves its input as often as the
resolution allows (256: 8 times, 320: 6, 512: 9, 1024: 10).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.colour import rgb_to_lab
from archive_colorizer.models.padding import at_any_sides
from archive_colorizer.models.spec import Prediction, certain

"""Lab units of an output of 1 where the generator gives ab."""
DROPOUT_LEVELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Pix2PixConfig:
    """Settings of the family."""

    in_channels: int = 1
    """1 takes grey, 3 takes RGB (grey three times when it colours)."""
    out_channels: int = 2
    """2 gives ab, 3 gives RGB."""
    resolution: int = 256
    """Edge in pixels that it is trained for (RESOL); decides the depth."""
    kernel: int = 4
    """Edge of every convolution (KSIZE), the discriminator's too."""
    width: int = 64
    """Channels of the first level; they double up to eight times as many."""
    norm: Literal["batch", "instance"] = "batch"
    """Instance norm has no parameters; the convolutions then have biases."""
    lightness: bool = False
    """With one channel in: it is L over 50 less 1, not grey (the public colorization models)."""
    dropout: float = 0.5
    """In the first three levels after the innermost."""

    def __post_init__(self) -> None:
        if self.in_channels not in (1, 3) or self.out_channels not in (2, 3):
            raise ValueError(
                f"{self.in_channels} channels in, {self.out_channels} out: 1 or 3, 2 or 3"
            )
        if self.norm not in ("batch", "instance"):
            raise ValueError(f"norm={self.norm}: must be batch or instance")
        if self.resolution < 8 or self.depth < 3:
            raise ValueError(f"resolution={self.resolution}: must be a multiple of 8")
        if not 2 <= self.kernel <= 9:
            raise ValueError(f"kernel={self.kernel}: must be 2 to 9")

    @property
    def depth(self) -> int:
        """How often the resolution can be halved."""
        return (self.resolution & -self.resolution).bit_length() - 1


class Generator(nn.Module):
    """U-Net with skips at every level. Any sides; they are padded to 2^depth inside."""

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        levels = range(config.depth)
        widths = [config.in_channels, *(config.width * min(2**i, 8) for i in levels)]
        innermost = config.depth - 1
        self.down = nn.ModuleList(
            _down(a, b, config, first=i == 0, normed=0 < i < innermost)
            for i, (a, b) in enumerate(pairwise(widths))
        )
        self.up = nn.ModuleList(
            _up(widths[i + 1] * (1 if i == innermost else 2), widths[i], config,
                dropout=config.dropout if innermost - DROPOUT_LEVELS <= i < innermost else 0.0)
            for i in range(innermost, 0, -1)
        )  # fmt: skip
        self.last = nn.Sequential(
            nn.ReLU(), _transposed(2 * config.width, config.out_channels, config.kernel, bias=True)
        )

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in training."""
        return int(2**self.config.depth)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, in_channels, H, W) in [-1, 1] -> (B, out_channels, H, W) in [-1, 1].

        Sides must be multiples of 2^depth.
        """
        skips = []
        for down in self.down:
            x_bchw = down(x_bchw)
            skips.append(x_bchw)
        x_bchw = skips.pop()
        for up in self.up:
            x_bchw = torch.cat((skips.pop(), up(x_bchw)), dim=1)
        return torch.tanh(self.last(x_bchw))

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """As `spec.Colorizer.predict`; one colour for each pixel, so only the picture counts.

        Any sides; doubt is 0.
        """
        if self.config.lightness:
            gray_b1hw = rgb_to_lab(gray_b1hw.expand(-1, 3, -1, -1))[:, :1] / 100
        x_bchw = gray_b1hw.expand(-1, self.config.in_channels, -1, -1) * 2 - 1
        out_bchw = at_any_sides(self, x_bchw, self.size_multiple)
        if self.config.out_channels == 2:
            return certain(out_bchw * AB_SCALE)
        return certain(rgb_to_lab((out_bchw + 1) / 2)[:, 1:])

    def translate(self, rgb_b3hw: Tensor) -> Tensor:
        """A picture in another style: (B, 3, H, W) in [0, 1] -> the same. Needs 3 channels."""
        return (at_any_sides(self, rgb_b3hw * 2 - 1, self.size_multiple) + 1) / 2


class PatchDiscriminator(nn.Module):
    """PatchGAN: one logit for each patch of the pair.

    With the paper's kernel of 4 a patch is 70 pixels wide, and 256 in gives 30x30 out.
    """

    def __init__(self, in_channels: int, width: int = 64, kernel: int = 4) -> None:
        super().__init__()
        padding = (kernel - 1) // 2
        layers: list[nn.Module] = [
            nn.Conv2d(in_channels, width, kernel, 2, padding),
            nn.LeakyReLU(0.2),
        ]
        for inputs, outputs, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [
                nn.Conv2d(width * inputs, width * outputs, kernel, stride, padding, bias=False),
                nn.BatchNorm2d(width * outputs),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, kernel, 1, padding))

    def forward(self, source_bchw: Tensor, target_bchw: Tensor) -> Tensor:
        """Logits (B, 1, H', W') of the pair being real; channels add up to `in_channels`."""
        logits: Tensor = self.layers(torch.cat((source_bchw, target_bchw), dim=1))
        return logits


def init_normal(module: nn.Module, std: float = 0.02) -> None:
    """Weights from N(0, 0.02), norms' gains from N(1, 0.02), biases 0 (the paper's appendix)."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(part.weight, 0.0, std)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.normal_(part.weight, 1.0, std)
        else:
            continue
        if part.bias is not None:
            nn.init.zeros_(part.bias)


def _down(
    inputs: int, outputs: int, config: Pix2PixConfig, *, first: bool, normed: bool
) -> nn.Sequential:
    kernel, bias = config.kernel, config.norm == "instance"
    return nn.Sequential(
        nn.Identity() if first else nn.LeakyReLU(0.2),
        nn.Conv2d(inputs, outputs, kernel, 2, (kernel - 1) // 2, bias=bias),
        _norm(outputs, config) if normed else nn.Identity(),
    )


def _up(inputs: int, outputs: int, config: Pix2PixConfig, *, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        _transposed(inputs, outputs, config.kernel, bias=config.norm == "instance"),
        _norm(outputs, config),
        nn.Dropout(dropout) if dropout else nn.Identity(),
    )


def _norm(channels: int, config: Pix2PixConfig) -> nn.Module:
    return nn.InstanceNorm2d(channels) if config.norm == "instance" else nn.BatchNorm2d(channels)


def _transposed(inputs: int, outputs: int, kernel: int, *, bias: bool) -> nn.ConvTranspose2d:
    """Doubles the sides, whatever the kernel."""
    padding = (kernel - 1) // 2
    extra = 2 + 2 * padding - kernel
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding, extra, bias=bias)


def from_public(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and our names for a public U-Net generator (pytorch-CycleGAN-and-pix2pix).

    Its levels are nested: the first at `model.model.1`, each further one at `.model.3`.

    Args:
        state: `model.model.0.weight` and so on, without `module.`.

    Returns:
        Settings of the family (resolution by the depth, `lightness` where one channel goes in), and
        the tensors.

    Raises:
        ValueError: a tensor of a level is missing, or there are more than the layout has.
    """
    inner = "model.model.1."
    depth = 1
    while f"{inner}model.1.weight" in state:
        depth += 1
        inner += "model.3."
    places = [("model.model.0", "down.0.1"), ("model.model.3", "last.1")]
    at = "model.model.1."
    for level in range(1, depth):
        up, innermost = f"up.{depth - 1 - level}", level == depth - 1
        places += [(f"{at}model.1", f"down.{level}.1")]
        places += [] if innermost else [(f"{at}model.2", f"down.{level}.2")]
        places += [(f"{at}model.{3 if innermost else 5}", f"{up}.1"),
                   (f"{at}model.{4 if innermost else 6}", f"{up}.2")]  # fmt: skip
        at += "model.3."
    found: dict[str, Tensor] = {}
    for theirs, ours in places:
        tensors = {k: v for k, v in state.items() if k.rpartition(".")[0] == theirs}
        if not tensors and not ours.endswith(".2"):
            raise ValueError(f"{theirs}.weight is missing")
        found |= {f"{ours}.{key.rpartition('.')[2]}": v for key, v in tensors.items()}
    if len(found) != len(state) or depth < 3:
        raise ValueError(f"{len(state) - len(found)} tensors too many, {depth} levels")
    first, last = found["down.0.1.weight"], found["last.1.weight"]
    batch = "down.1.2.weight" in found
    config = {
        "in_channels": first.shape[1],
        "out_channels": last.shape[1],
        "width": first.shape[0],
        "kernel": first.shape[2],
        "resolution": 2**depth,
        "norm": "batch" if batch else "instance",
        "lightness": first.shape[1] == 1,
    }
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    if not batch:
        found = {name: v for name, v in found.items() if not name.endswith(statistics)}
    return config, found


def build(config: Pix2PixConfig) -> nn.Module:
    """An untrained generator."""
    return Generator(config)
