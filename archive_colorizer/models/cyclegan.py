"""CycleGAN: two generators that undo each other's work, and the critics of both kinds of pictures.

After Zhu, Park, Isola & Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent
Adversarial Networks" (2017). B batch, C channel, H height, W width.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.padding import at_any_sides

MULTIPLE: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class CycleGANConfig:
    """Settings of the family."""

    width: int = 64
    blocks: int = 9
    """Residual blocks; the paper has 9 for 256 pixels, 6 for 128."""
    output: Literal["pixels", "affine"] = "pixels"
    """What the generators give: pixels as in the paper, or for every pixel an affine transform of
    its colour that varies slowly over the picture (Gharbi et al., "Deep Bilateral Learning for
    Real-Time Image Enhancement", 2017). The latter learns from few pictures and keeps all shapes,
    but puts nothing into a picture that is not there."""
    domains: tuple[str, ...] = ()
    """Names of the two kinds of pictures, for example day and night; the first is the source."""
    one_way: bool = False
    """Only from the first kind to the second: what a public generator file holds."""
    back: bool = False
    """Translate from the second kind to the first when it is not said."""
    view: Literal["", "drag", "hover", "scroll"] = ""
    """How before and after are shown; empty goes by the names of `domains` (`catalog.VIEWS`)."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.blocks < 1:
            raise ValueError(f"width={self.width}, blocks={self.blocks}: must be at least 1")
        if self.output not in ("pixels", "affine"):
            raise ValueError(f"output={self.output}: must be pixels or affine")
        if self.view not in ("", "drag", "hover", "scroll"):
            raise ValueError(f"view={self.view}: must be drag, hover, scroll or empty")
        if self.one_way and self.back:
            raise ValueError("back=True: a one-way model has no way back")
        if self.domains and len(set(self.domains)) != 2:
            raise ValueError(f"domains={self.domains}: must be two different names")


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to the input. (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
            nn.ReLU(),
            nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3), nn.InstanceNorm2d(channels),
        )  # fmt: skip

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same: the input plus the branch."""
        out: Tensor = x_bchw + self.inner(x_bchw)
        return out


class Generator(nn.Module):
    """c7s1-64, d128, d256, nine residual blocks, u128, u64, c7s1-3; RGB in and out in [-1, 1].

    With affine output the last three are one convolution to the transforms' twelve coefficients at
    an eighth of the size.
    """

    def __init__(self, config: CycleGANConfig) -> None:
        super().__init__()
        w, self._affine = config.width, config.output == "affine"
        last = _coefficients(w) if self._affine else _pixels(w)
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(3), nn.Conv2d(3, w, 7), nn.InstanceNorm2d(w), nn.ReLU(),
            nn.Conv2d(w, 2 * w, 3, 2, 1), nn.InstanceNorm2d(2 * w), nn.ReLU(),
            nn.Conv2d(2 * w, 4 * w, 3, 2, 1), nn.InstanceNorm2d(4 * w), nn.ReLU(),
            *(ResidualBlock(4 * w) for _ in range(config.blocks)),
            *last,
        )  # fmt: skip

    def forward(self, x_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> the same, affine ones about; sides multiples of 4."""
        out: Tensor = self.layers(x_b3hw)
        return transform_colours(x_b3hw, out) if self._affine else out


def _pixels(w: int) -> list[nn.Module]:
    return [
        nn.ConvTranspose2d(4 * w, 2 * w, 3, 2, 1, 1), nn.InstanceNorm2d(2 * w), nn.ReLU(),
        nn.ConvTranspose2d(2 * w, w, 3, 2, 1, 1), nn.InstanceNorm2d(w), nn.ReLU(),
        nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh(),
    ]  # fmt: skip


def _coefficients(w: int) -> list[nn.Module]:
    return [
        nn.ReflectionPad2d(1), nn.Conv2d(4 * w, 12, 3), nn.AvgPool2d(2, ceil_mode=True),
    ]  # fmt: skip


def transform_colours(x_b3hw: Tensor, coefficients_b12hw: Tensor) -> Tensor:
    """The colour x of every pixel becomes x + A x + b; A (3 x 3) and b are brought to its size."""
    size = x_b3hw.shape[2:]
    full = F.interpolate(coefficients_b12hw.float(), size=size, mode="bilinear")
    a_bijhw, b_b3hw = full[:, :9].reshape(-1, 3, 3, *size), full[:, 9:]
    return x_b3hw + torch.einsum("bijhw,bjhw->bihw", a_bijhw, x_b3hw.float()) + b_b3hw


class CycleGAN(nn.Module):
    """Both generators: `forth` from the first kind to the second, `back` the other way."""

    def __init__(self, config: CycleGANConfig) -> None:
        super().__init__()
        self.config = config
        self.forth = Generator(config)
        self.back = None if config.one_way else Generator(config)

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this in training."""
        return MULTIPLE

    def translate(self, rgb_b3hw: Tensor, *, back: bool | None = None) -> Tensor:
        """A picture of the other kind.

        Args:
            rgb_b3hw: (B, 3, H, W) in [0, 1]; any sides from 5.
            back: from the second kind to the first; None takes the configuration's.

        Returns:
            (B, 3, H, W) float32 in [0, 1].
        """
        back = self.config.back if back is None else back
        network = self.back if back else self.forth
        if network is None:
            raise ValueError("back: this model translates one way only")
        made = at_any_sides(network, rgb_b3hw * 2 - 1, MULTIPLE)
        return ((made + 1) / 2).clamp(0, 1)


def one_way(model: CycleGAN, *, back: bool) -> CycleGAN:
    """One of a model's two directions as a model of its own, with a copy of the weights."""
    generator = model.back if back else model.forth
    if generator is None:
        raise ValueError("back: this model translates one way only")
    domains = model.config.domains[::-1] if back else model.config.domains
    one = CycleGAN(replace(model.config, one_way=True, back=False, domains=domains))
    one.forth.load_state_dict(generator.state_dict())
    return one.eval()


class Critic(nn.Module):
    """PatchGAN-70 of one picture, with instance norm."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, width, 4, 2, 1), nn.LeakyReLU(0.2)]
        for inputs, outputs, stride in ((1, 2, 2), (2, 4, 2), (4, 8, 1)):
            layers += [
                nn.Conv2d(width * inputs, width * outputs, 4, stride, 1),
                nn.InstanceNorm2d(width * outputs),
                nn.LeakyReLU(0.2),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, 1, 1))

    def forward(self, x_b3hw: Tensor) -> Tensor:
        """(B, 3, H, W) in [-1, 1] -> scores (B, 1, H', W'), 1 for real (least squares)."""
        scores: Tensor = self.layers(x_b3hw)
        return scores


PUBLIC: Final = re.compile(r"model\.(\d+)\.(?:conv_block\.([156])\.)?(weight|bias)")


def from_public(state: Mapping[str, Tensor]) -> tuple[dict[str, object], dict[str, Tensor]]:
    """Settings and our names for a public generator (`model.10.conv_block.1.weight`).

    Args:
        state: of one direction, without `module.`; statistics of the norms are left out.

    Raises:
        ValueError: a name that the layout does not have, or tensors are missing.
    """
    found: dict[str, Tensor] = {}
    for name, value in state.items():
        if name.endswith(("running_mean", "running_var", "num_batches_tracked")):
            continue
        match = PUBLIC.fullmatch(name)
        if match is None:
            raise ValueError(f"{name}: not a name of CycleGAN's generator")
        at, inner, kind = match.groups()
        part = "" if inner is None else f"inner.{1 if inner == '1' else 5}."
        found[f"forth.layers.{at}.{part}{kind}"] = value
    blocks = len({name.split(".")[2] for name in found if ".inner." in name})
    wanted = CycleGAN(CycleGANConfig(width=1, blocks=max(1, blocks), one_way=True)).state_dict()
    missing, unknown = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if missing:
        raise ValueError(f"{len(missing)} tensors are missing, first {missing[0]}")
    if unknown:
        raise ValueError(f"{len(unknown)} tensors too many, first {unknown[0]}")
    width = found["forth.layers.1.weight"].shape[0]
    return {"width": width, "blocks": blocks, "one_way": True}, found


def build(config: CycleGANConfig) -> nn.Module:
    """Both generators, untrained."""
    return CycleGAN(config)
