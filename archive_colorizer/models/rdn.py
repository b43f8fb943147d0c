"""Residual dense network: enlarging, and taking away noise and JPEG artefacts.

After Zhang et al., "Residual Dense Network for Image Super-Resolution" (2018). Public are two:
the paper's (D 16, C 8, G 64, pixel shuffle), and the noise-cancelling one that reference system D
uses (D 20, C 6, G 64, nearest upsampling). B batch, C channel, H height, W width.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
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
    "F_m1.weight": ("F_m1", "F_0", "F_{i1}_{j1}", "LFF_{i1}", "GFF_{k1}", "UPN{n}", "SR"),
}  # fmt: skip
"""The three public layouts, told apart by their first key: names of shallow1, shallow2, a block's
convolution, its fusion, the fusion, an upsampling convolution, the last one. The third one is the
Keras release's (nearest upsampling) with kernels turned as torch has them."""


def from_public(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and our names for a public state dict of any of the three layouts.

    Raises:
        ValueError: no such layout, or a tensor is missing or of another shape; says which.
    """
    first = next((key for key in LAYOUTS if key in state), None)
    if first is None:
        raise ValueError(f"no known RDN layout (looked for {', '.join(LAYOUTS)})")
    names = LAYOUTS[first]
    one = state[f"{names[0]}.weight"]
    config = {
        "features": one.shape[0],
        "growth": _require(state, _place(names[2])).shape[0],
        "blocks": _count(lambda i: _place(names[2], i=i), state),
        "convolutions": _count(lambda j: _place(names[2], j=j), state),
        **_enlarging(state, names, one.shape[0]),
    }
    names_of = _names(names, RDNConfig(**config))  # type: ignore[arg-type]
    found = {
        f"{ours}.{part}": _require(state, theirs, part)
        for ours, theirs in names_of.items()
        for part in ("weight", "bias")
    }
    if len(found) != len(state):
        extra = sorted(state.keys() - {f"{n}.{p}" for n in names_of.values()
                                       for p in ("weight", "bias")})  # fmt: skip
        raise ValueError(f"{len(extra)} tensors are not RDN's, first {extra[0]}")
    return config, found


def from_bytes(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """As `from_public`, of a network that takes and gives 0 to 255.

    Its layers are linear but for ReLU, which a positive factor passes: with biases over 255 it
    takes and gives 0 to 1.

    Raises:
        ValueError: as `from_public`.
    """
    config, found = from_public(state)
    return config, {k: v / 255 if k.endswith(".bias") else v for k, v in found.items()}


def _enlarging(
    state: Mapping[str, Tensor], names: tuple[str, ...], features: int
) -> dict[str, object]:
    """Scale and upsampling, from how many convolutions there are and what they give."""
    if names[0] == "F_m1":
        given = _require(state, "UPN3").shape[0]
        return {"scale": math.isqrt(given // CHANNELS), "upsampling": "nearest"}
    ups = _count(lambda u: _place(names[5], u=u, v=2 * u), state)
    ups -= names[0] == "SFENet1"  # the last one is numbered with them
    for up in range(ups):
        if _require(state, _place(names[5], u=up, v=2 * up)).shape[0] != 4 * features:
            raise ValueError("it enlarges by another factor than 2 or 4")
    return {"scale": 2**ups, "upsampling": "shuffle"}


def _names(names: tuple[str, ...], config: RDNConfig) -> dict[str, str]:
    """Ours -> theirs, without weight and bias."""
    nearest = config.upsampling == "nearest"
    ups = range(3) if nearest else range(int(math.log2(config.scale)))
    found = {"shallow1": names[0], "shallow2": names[1]}
    for i in range(config.blocks):
        found[f"blocks.{i}.fusion"] = _place(names[3], i=i)
        for j in range(config.convolutions):
            found[f"blocks.{i}.convolutions.{j}"] = _place(names[2], i=i, j=j)
    found |= {f"fusion.{k}": _place(names[4], k=k) for k in (0, 1)}
    found |= {f"up.{2 * u}": _place(names[5], u=u, v=2 * u) for u in ups}
    return found | {"last": _place(names[6], w=2 * len(ups))}


def _place(name: str, **at: int) -> str:
    numbers = dict.fromkeys("ijkuvw", 0) | at
    ordinals = {f"{key}1": value + 1 for key, value in numbers.items()}
    return name.format(**numbers, **ordinals, n=numbers["u"] + 1)


def _count(name_of: Callable[[int], str], state: Mapping[str, Tensor]) -> int:
    return next(i for i in count() if f"{name_of(i)}.weight" not in state)


def _require(state: Mapping[str, Tensor], name: str, part: str = "weight") -> Tensor:
    if f"{name}.{part}" not in state:
        raise ValueError(f"{name}.{part} is missing")
    return state[f"{name}.{part}"]


def build(config: RDNConfig) -> nn.Module:
    """An untrained network."""
    return RDN(config)
