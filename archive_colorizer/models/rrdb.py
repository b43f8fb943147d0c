"""Residual-in-residual dense blocks: ESRGAN's generator, and its discriminator.

After Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks" (2018). Names
of the generator's parts are those of the public releases. The Keras release's RRDN is the same but
for ReLU and one pixel shuffle at the end. B batch, C channel, H height, W width.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

RESIDUAL_SCALE: Final = 0.2
CHANNELS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RRDBConfig:
    """Settings of the family."""

    scale: int = 4
    """1 restores, 2 and 4 enlarge."""
    blocks: int = 23
    features: int = 64
    growth: int = 32
    unshuffle: int = 1
    """Blocks of so many pixels become channels first (Real-ESRGAN x2: 2)."""
    slope: float = 0.2
    """Of the activations below zero: 0.2 (ESRGAN's), or 0 (RRDN's ReLU)."""
    upsampling: Literal["nearest", "shuffle"] = "nearest"
    """nearest: twice as large and a convolution, once or twice (ESRGAN's); shuffle: one convolution
    and one pixel shuffle (RRDN's)."""

    def __post_init__(self) -> None:
        if self.scale not in (1, 2, 4):
            raise ValueError(f"scale={self.scale}: must be 1, 2 or 4")
        if self.upsampling == "shuffle" and self.unshuffle > 1:
            raise ValueError(f"unshuffle={self.unshuffle}: must be 1 where pixels are shuffled")
        if not 0 <= self.slope < 1:
            raise ValueError(f"slope={self.slope}: must be at least 0 and under 1")
        if self.unshuffle not in (1, 2, 4):
            raise ValueError(f"unshuffle={self.unshuffle}: must be 1, 2 or 4")
        if min(self.blocks, self.features, self.growth) < 1:
            raise ValueError(f"{self}: all must be at least 1")


class DenseBlock(nn.Module):
    """Five convolutions that each see all maps before them, added to the input times 0.2."""

    def __init__(self, features: int, growth: int, slope: float) -> None:
        super().__init__()
        self.slope = slope
        for i in range(1, 5):
            layer = nn.Conv2d(features + (i - 1) * growth, growth, 3, padding=1)
            self.add_module(f"conv{i}", layer)
        self.conv5 = nn.Conv2d(features + 4 * growth, features, 3, padding=1)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        maps = x_bchw
        for i in range(1, 5):
            layer = self.get_submodule(f"conv{i}")
            maps = torch.cat((maps, F.leaky_relu(layer(maps), self.slope)), dim=1)
        out: Tensor = x_bchw + RESIDUAL_SCALE * self.conv5(maps)
        return out


class RRDB(nn.Module):
    """Three dense blocks, added to the input times 0.2."""

    def __init__(self, features: int, growth: int, slope: float) -> None:
        super().__init__()
        for i in range(1, 4):
            self.add_module(f"rdb{i}", DenseBlock(features, growth, slope))

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        inner = x_bchw
        for i in range(1, 4):
            inner = self.get_submodule(f"rdb{i}")(inner)
        return x_bchw + RESIDUAL_SCALE * inner


class RRDBNet(nn.Module):
    """RGB in, RGB out, `scale` times as large."""

    def __init__(self, config: RRDBConfig) -> None:
        super().__init__()
        self.config = config
        width, shuffled = config.features, config.upsampling == "shuffle"
        self.conv_first = nn.Conv2d(CHANNELS * config.unshuffle**2, width, 3, padding=1)
        blocks = (RRDB(width, config.growth, config.slope) for _ in range(config.blocks))
        self.body = nn.Sequential(*blocks)
        self.conv_body = nn.Conv2d(width, width, 3, padding=1)
        doublings = 0 if shuffled else (config.scale * config.unshuffle).bit_length() - 1
        self.ups = [f"conv_up{i + 1}" for i in range(doublings)]
        for name in self.ups:
            self.add_module(name, nn.Conv2d(width, width, 3, padding=1))
        before = CHANNELS * config.scale**2 if shuffled else width
        self.conv_hr = nn.Conv2d(width, before, 3, padding=1)
        self.conv_last = nn.Conv2d(CHANNELS if shuffled else width, CHANNELS, 3, padding=1)

    @property
    def scale(self) -> int:
        """How many times as large."""
        return self.config.scale

    def forward(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W), about [0, 1]; any sides."""
        height, width = rgb_b3hw.shape[2:]
        block, scale = self.config.unshuffle, self.config.scale
        whole = F.pad(rgb_b3hw, (0, -width % block, 0, -height % block), mode="replicate")
        first = self.conv_first(F.pixel_unshuffle(whole, block))
        x = first + self.conv_body(self.body(first))
        for name in self.ups:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = F.leaky_relu(self.get_submodule(name)(x), self.config.slope)
        x = self.conv_hr(x)
        if self.config.upsampling == "shuffle":
            x = F.pixel_shuffle(x, scale)
        else:
            x = F.leaky_relu(x, self.config.slope)
        out: Tensor = self.conv_last(x)
        out = out[:, :, : scale * height, : scale * width]
        return rgb_b3hw + out if scale == block == 1 else out

    def enlarge(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W) float32 in [0, 1]."""
        out: Tensor = self(rgb_b3hw)
        return out.float().clamp(0, 1)


class Discriminator(nn.Module):
    """A logit for each picture of any sides from 32: strided convolutions, a mean over space."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 3, 1, 1), nn.LeakyReLU(0.2)]
        channels = width
        for out, stride in ((1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2)):
            layers += [
                nn.Conv2d(channels, width * out, 4 if stride == 2 else 3, stride, 1, bias=False),
                nn.BatchNorm2d(width * out),
                nn.LeakyReLU(0.2),
            ]
            channels = width * out
        self.layers = nn.Sequential(*layers)
        self.last = nn.Linear(channels, 1)

    def forward(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B,)."""
        logits: Tensor = self.last(self.layers(rgb_b3hw * 2 - 1).mean(dim=(2, 3)))
        return logits[:, 0]


def relativistic_loss(wanted_b: Tensor, other_b: Tensor) -> Tensor:
    """Relativistic average GAN loss (Jolicoeur-Martineau 2018): one must beat the other's mean.

    The discriminator's loss has real as `wanted`, the generator's has made.
    """
    better = (wanted_b - other_b.mean()).float()
    worse = (other_b - wanted_b.mean()).float()
    return (F.softplus(-better).mean() + F.softplus(worse).mean()) / 2


OLD: Final = (
    (re.compile(r"model\.1\.sub\.(\d+)\.RDB(\d)\.conv(\d)\.0\.(\w+)"), r"body.\1.rdb\2.conv\3.\4"),
    (re.compile(r"model\.1\.sub\.\d+\.(weight|bias)"), r"conv_body.\1"),
    (re.compile(r"model\.0\.(\w+)"), r"conv_first.\1"),
    (re.compile(r"model\.3\.(\w+)"), r"conv_up1.\1"),
    (re.compile(r"model\.6\.(\w+)"), r"conv_up2.\1"),
    (re.compile(r"model\.8\.(\w+)"), r"conv_hr.\1"),
    (re.compile(r"model\.10\.(\w+)"), r"conv_last.\1"),
)  # fmt: skip
"""ESRGAN's first release (x4): RDBs numbered inside nested containers."""
BSRGAN: Final = (
    (re.compile(r"RRDB_trunk\.(\d+)\.RDB(\d)\.(conv\d\.\w+)"), r"body.\1.rdb\2.\3"),
    (re.compile(r"trunk_conv\.(\w+)"), r"conv_body.\1"),
    (re.compile(r"upconv(\d)\.(\w+)"), r"conv_up\1.\2"),
    (re.compile(r"HRconv\.(\w+)"), r"conv_hr.\1"),
)


def from_public(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and our names for a public state dict: BasicSR's, ESRGAN's first one, or BSRGAN's.

    Raises:
        ValueError: it has none of these layouts, or other tensors than such a network.
    """
    if "model.0.weight" in state:
        state = {_rename(name, OLD): value for name, value in state.items()}
    elif any(name.startswith("RRDB_trunk.") for name in state):
        state = {_rename(name, BSRGAN): value for name, value in state.items()}
    if not {"conv_first.weight", "body.0.rdb1.conv1.weight"} <= state.keys():
        raise ValueError("no known RRDB layout (conv_first, model.0 or RRDB_trunk)")
    first, growth = state["conv_first.weight"], state["body.0.rdb1.conv1.weight"].shape[0]
    unshuffle = math.isqrt(first.shape[1] // 3)
    ups = sum(f"conv_up{i}.weight" in state for i in range(1, 5))
    blocks = {name.split(".")[1] for name in state if name.startswith("body.")}
    return {
        "scale": 2**ups // unshuffle, "blocks": len(blocks), "features": first.shape[0],
        "growth": growth, "unshuffle": unshuffle,
    }, dict(state)  # fmt: skip


RRDN: Final = (
    (re.compile(r"F_(\d+)_(\d)_(\d)\.(\w+)"), r"body.\1.rdb\2.conv\3.\4"),
    (re.compile(r"LFF_(\d+)_(\d)\.(\w+)"), r"body.\1.rdb\2.conv5.\3"),
    (re.compile(r"Pre_blocks_conv\.(\w+)"), r"conv_first.\1"),
    (re.compile(r"post_blocks_conv\.(\w+)"), r"conv_body.\1"),
    (re.compile(r"PreShuffle\.(\w+)"), r"conv_hr.\1"),
    (re.compile(r"SR\.(\w+)"), r"conv_last.\1"),
)
"""The Keras release's RRDN; its blocks are numbered from 1."""


def from_rrdn(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and our names for the Keras release's RRDN, kernels turned as torch has them.

    TensorFlow's pixel shuffle has the place within a block before the colour, torch's after it.

    Raises:
        ValueError: it has other tensors than such a network.
    """
    found = {
        re.sub(
            r"^body\.(\d+)", lambda block: f"body.{int(block[1]) - 1}", _rename(name, RRDN)
        ): value
        for name, value in state.items()
    }
    if not {"conv_hr.weight", "conv_hr.bias", "body.0.rdb1.conv1.weight"} <= found.keys():
        raise ValueError("no known RRDN layout (PreShuffle, F_1_1_1)")
    for part in ("weight", "bias"):
        value = found[f"conv_hr.{part}"]
        blocks = value.reshape(-1, CHANNELS, *value.shape[1:])
        found[f"conv_hr.{part}"] = blocks.transpose(0, 1).reshape(value.shape)
    return {
        "scale": math.isqrt(len(found["conv_hr.bias"]) // CHANNELS),
        "blocks": len({name.split(".")[1] for name in found if name.startswith("body.")}),
        "features": len(found["conv_first.bias"]),
        "growth": len(found["body.0.rdb1.conv1.weight"]),
        "slope": 0.0, "upsampling": "shuffle",
    }, found  # fmt: skip


def _rename(name: str, rules: tuple[tuple[re.Pattern[str], str], ...]) -> str:
    for pattern, ours in rules:
        if pattern.fullmatch(name):
            return pattern.sub(ours, name)
    return name


def build(config: RRDBConfig) -> nn.Module:
    """An untrained network."""
    return RRDBNet(config)
