"""Residual dense network: enlarging, and taking away noise and JPEG artefacts.

After Zhang et al., "Residual Dense Network for Image Super-Resolution" (2018). Public are two:
the paper's (D 16, C 8, G 64, pixel shuffle), and the noise-cancelling one that reference system D
uses (D 20, C 6, G 64, nearest upsampling). B batch, C channel, H height, W width.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

CHANNELS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class RDNConfig:
    """Settings of the family."""

    scale: int = 2
    """1 restores, 2 and 4 enlarge."""
    blocks: int = 16
    """D: residual dense blocks."""
    convolutions: int = 8
    """C: of each block."""
    growth: int = 64
    """G: channels that each convolution adds."""
    features: int = 64
    """G0: channels between the blocks."""
    upsampling: Literal["shuffle", "nearest"] = "shuffle"
    """shuffle: the paper's; nearest: the noise-cancelling weights'."""

    def __post_init__(self) -> None:
        if self.scale not in (1, 2, 4):
            raise ValueError(f"scale={self.scale}: must be 1, 2 or 4")
        if min(self.blocks, self.convolutions, self.growth, self.features) < 1:
            raise ValueError(f"{self}: all must be at least 1")


class DenseBlock(nn.Module):
    """Convolutions that each see all maps before them, fused and added to the input."""

    def __init__(self, config: RDNConfig) -> None:
        super().__init__()
        width, growth = config.features, config.growth
        self.convolutions = nn.ModuleList(
            nn.Conv2d(width + i * growth, growth, 3, padding=1) for i in range(config.convolutions)
        )
        self.fusion = nn.Conv2d(width + config.convolutions * growth, width, 1)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, G0, H, W) -> the same."""
        maps = x_bchw
        for convolution in self.convolutions:
            maps = torch.cat((maps, F.relu(convolution(maps))), dim=1)
        out: Tensor = x_bchw + self.fusion(maps)
        return out


class RDN(nn.Module):
    """RGB in, RGB out, `scale` times as large."""

    def __init__(self, config: RDNConfig) -> None:
        super().__init__()
        self.config = config
        width = config.features
        self.shallow1 = nn.Conv2d(CHANNELS, width, 3, padding=1)
        self.shallow2 = nn.Conv2d(width, width, 3, padding=1)
        self.blocks = nn.ModuleList(DenseBlock(config) for _ in range(config.blocks))
        self.fusion = nn.Sequential(
            nn.Conv2d(config.blocks * width, width, 1), nn.Conv2d(width, width, 3, padding=1)
        )
        self.up, last = _upsampling(config)
        self.last = nn.Conv2d(last, CHANNELS, 3, padding=1)

    @property
    def scale(self) -> int:
        """How many times as large."""
        return self.config.scale

    def forward(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W), about [0, 1]; any sides."""
        first = self.shallow1(rgb_b3hw)
        x, found = self.shallow2(first), []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        x = first + self.fusion(torch.cat(found, dim=1))
        out: Tensor = self.last(self.up(x))
        return rgb_b3hw + out if self.config.scale == 1 else out

    def enlarge(self, rgb_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, 3, scale H, scale W) float32 in [0, 1]."""
        out: Tensor = self(rgb_b3hw)
        return out.float().clamp(0, 1)


def _upsampling(config: RDNConfig) -> tuple[nn.Sequential, int]:
    """The layers between the fusion and the last convolution, and their channels."""
    width = config.features
    if config.scale == 1:
        return nn.Sequential(), width
    if config.upsampling == "nearest":
        last = CHANNELS * config.scale**2
        half = max(1, width // 2)
        return nn.Sequential(
            nn.Conv2d(width, width, 5, padding=2), nn.ReLU(),
            nn.Conv2d(width, half, 3, padding=1), nn.ReLU(),
            nn.Conv2d(half, last, 3, padding=1), nn.Upsample(scale_factor=config.scale),
        ), last  # fmt: skip
    steps: list[nn.Module] = []
    for _ in range(int(math.log2(config.scale))):
        steps += [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2)]
    return nn.Sequential(*steps), width


LAYOUTS: Final[Mapping[str, tuple[str, str, str, str, str, str, str]]] = {
    "sfe1.weight": ("sfe1", "sfe2", "rdbs.{i}.layers.{j}.conv", "rdbs.{i}.lff",
                    "gff.{k}", "upscale.{u}.0", "output"),
    "SFENet1.weight": ("SFENet1", "SFENet2", "RDBs.{i}.convs.{j}.conv.0", "RDBs.{i}.LFF",
                       "GFF.{k}", "UPNet.{v}", "UPNet.{w}"),
}  # fmt: skip
"""The two public layouts, told apart by their first key: names of shallow1, shallow2, a block's
convolution, its fusion, the fusion, an upsampling convolution, the last one."""


def from_public(state: Mapping[str, Tensor], config: RDNConfig) -> dict[str, Tensor]:
    """Our names for a public state dict's tensors.

    Args:
        state: of either public layout, with or without `module.` before the names.
        config: what it is to fill.

    Raises:
        ValueError: neither layout, or a tensor is missing; says which.
    """
    bare = {name.removeprefix("module."): value for name, value in state.items()}
    first = next((key for key in LAYOUTS if key in bare), None)
    if first is None:
        raise ValueError(f"no known RDN layout (looked for {' and '.join(LAYOUTS)})")
    one, two, inner, local, whole, up, last = LAYOUTS[first]
    ups = int(math.log2(config.scale)) if config.upsampling == "shuffle" else 0
    names = {"shallow1": one, "shallow2": two}
    for i in range(config.blocks):
        names[f"blocks.{i}.fusion"] = local.format(i=i)
        for j in range(config.convolutions):
            names[f"blocks.{i}.convolutions.{j}"] = inner.format(i=i, j=j)
    names |= {f"fusion.{k}": whole.format(k=k) for k in (0, 1)}
    names |= {f"up.{2 * u}": up.format(u=u, v=2 * u) for u in range(ups)}
    names["last"] = last.format(w=2 * ups)
    found = {}
    for ours, theirs in names.items():
        for part in ("weight", "bias"):
            if f"{theirs}.{part}" not in bare:
                raise ValueError(f"{theirs}.{part} is missing")
            found[f"{ours}.{part}"] = bare[f"{theirs}.{part}"]
    return found


def build(config: RDNConfig) -> nn.Module:
    """An untrained network."""
    return RDN(config)
