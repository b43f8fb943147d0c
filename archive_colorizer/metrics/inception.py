"""Inception-v3 up to its 2048 pooled features, for KID and FID, filled from a file the user names.

The network of Szegedy et al., "Rethinking the Inception Architecture" (2015), figures 5 to 7, with
the names that the published state dicts use. Two kinds of file fit and give different numbers:

- 1008 classes: the TensorFlow network that FID was defined on (Heusel et al. 2017), as ported to
  PyTorch. Its average pools leave the padding out and its last block pools by the maximum.
- 1000 classes: torchvision's. Its values compare models with each other, not with published ones.
"""

from functools import partial
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.errors import LocationError
from archive_colorizer.weights.state import fill, read_state

SIDE_PX: Final = 299
FEATURES: Final = 2048
FID_CLASSES: Final = 1008


class Convolution(nn.Module):
    """Convolution, batch norm (epsilon 0.001), ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, outputs, ., .)."""
        return F.relu(self.bn(self.conv(x_bchw)))


class Mixed(nn.Module):
    """Branches side by side, their maps concatenated; a branch is a list of layer names."""

    def __init__(self, *, pool: str, fid: bool) -> None:
        super().__init__()
        self._pool, self._fid = pool, fid

    def run(self, x_bchw: Tensor, *names: str) -> Tensor:
        """The named layers, one after the other."""
        for name in names:
            x_bchw = getattr(self, name)(x_bchw)
        return x_bchw

    def pool(self, x_bchw: Tensor) -> Tensor:
        """3x3 pool: halving maximum, maximum, or average (with or without the padding)."""
        if self._pool == "halve":
            return F.max_pool2d(x_bchw, 3, stride=2)
        if self._pool == "max":
            return F.max_pool2d(x_bchw, 3, stride=1, padding=1)
        return F.avg_pool2d(x_bchw, 3, stride=1, padding=1, count_include_pad=not self._fid)


class MixedA(Mixed):
    """Figure 5: 1x1, 5x5, two 3x3, and a pool, at 35x35."""

    def __init__(self, inputs: int, pool_width: int, *, fid: bool) -> None:
        super().__init__(pool="average", fid=fid)
        self.branch1x1 = Convolution(inputs, 64, 1)
        self.branch5x5_1 = Convolution(inputs, 48, 1)
        self.branch5x5_2 = Convolution(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, padding=1)
        self.branch_pool = Convolution(inputs, pool_width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, 224 + pool_width, H, W)."""
        five = self.run(x, "branch5x5_1", "branch5x5_2")
        three = self.run(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
        return torch.cat((self.branch1x1(x), five, three, self.branch_pool(self.pool(x))), 1)


class MixedB(Mixed):
    """35x35 to 17x17."""

    def __init__(self, inputs: int) -> None:
        super().__init__(pool="halve", fid=False)
        self.branch3x3 = Convolution(inputs, 384, 3, stride=2)
        self.branch3x3dbl_1 = Convolution(inputs, 64, 1)
        self.branch3x3dbl_2 = Convolution(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = Convolution(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 35, 35) -> (B, 480 + C, 17, 17)."""
        three = self.run(x, "branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")
        return torch.cat((self.branch3x3(x), three, self.pool(x)), 1)


class MixedC(Mixed):
    """Figure 6: 7x7 convolutions as 1x7 and 7x1, at 17x17."""

    def __init__(self, inputs: int, width: int, *, fid: bool) -> None:
        super().__init__(pool="average", fid=fid)
        row = partial(Convolution, kernel=(1, 7), padding=(0, 3))
        column = partial(Convolution, kernel=(7, 1), padding=(3, 0))
        self.branch1x1 = Convolution(inputs, 192, 1)
        self.branch7x7_1 = Convolution(inputs, width, 1)
        self.branch7x7_2 = row(width, width)
        self.branch7x7_3 = column(width, 192)
        self.branch7x7dbl_1 = Convolution(inputs, width, 1)
        self.branch7x7dbl_2 = column(width, width)
        self.branch7x7dbl_3 = row(width, width)
        self.branch7x7dbl_4 = column(width, width)
        self.branch7x7dbl_5 = row(width, 192)
        self.branch_pool = Convolution(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 17, 17) -> (B, 768, 17, 17)."""
        seven = self.run(x, "branch7x7_1", "branch7x7_2", "branch7x7_3")
        twice = self.run(x, *(f"branch7x7dbl_{i}" for i in range(1, 6)))
        return torch.cat((self.branch1x1(x), seven, twice, self.branch_pool(self.pool(x))), 1)


class MixedD(Mixed):
    """17x17 to 8x8."""

    def __init__(self, inputs: int) -> None:
        super().__init__(pool="halve", fid=False)
        self.branch3x3_1 = Convolution(inputs, 192, 1)
        self.branch3x3_2 = Convolution(192, 320, 3, stride=2)
        self.branch7x7x3_1 = Convolution(inputs, 192, 1)
        self.branch7x7x3_2 = Convolution(192, 192, (1, 7), padding=(0, 3))
        self.branch7x7x3_3 = Convolution(192, 192, (7, 1), padding=(3, 0))
        self.branch7x7x3_4 = Convolution(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 17, 17) -> (B, 512 + C, 8, 8)."""
        seven = self.run(x, *(f"branch7x7x3_{i}" for i in range(1, 5)))
        return torch.cat((self.run(x, "branch3x3_1", "branch3x3_2"), seven, self.pool(x)), 1)


class MixedE(Mixed):
    """Figure 7: 3x3 convolutions split into 1x3 beside 3x1, at 8x8."""

    def __init__(self, inputs: int, *, pool: str, fid: bool) -> None:
        super().__init__(pool=pool, fid=fid)
        self.branch1x1 = Convolution(inputs, 320, 1)
        self.branch3x3_1 = Convolution(inputs, 384, 1)
        self.branch3x3_2a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3_2b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch3x3dbl_1 = Convolution(inputs, 448, 1)
        self.branch3x3dbl_2 = Convolution(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Convolution(384, 384, (1, 3), padding=(0, 1))
        self.branch3x3dbl_3b = Convolution(384, 384, (3, 1), padding=(1, 0))
        self.branch_pool = Convolution(inputs, 192, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, 8, 8) -> (B, 2048, 8, 8)."""
        one = self.branch3x3_1(x)
        two = self.run(x, "branch3x3dbl_1", "branch3x3dbl_2")
        maps = [self.branch1x1(x), self.branch3x3_2a(one), self.branch3x3_2b(one)]
        maps += [self.branch3x3dbl_3a(two), self.branch3x3dbl_3b(two)]
        return torch.cat((*maps, self.branch_pool(self.pool(x))), 1)


class Inception(nn.Module):
    """(B, 3, H, W) sRGB in [0, 1] -> (B, 2048); 21,785,568 parameters."""

    def __init__(self, *, fid: bool = True) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = Convolution(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = Convolution(32, 32, 3)
        self.Conv2d_2b_3x3 = Convolution(32, 64, 3, padding=1)
        self.Conv2d_3b_1x1 = Convolution(64, 80, 1)
        self.Conv2d_4a_3x3 = Convolution(80, 192, 3)
        for letter, inputs, width in (("b", 192, 32), ("c", 256, 64), ("d", 288, 64)):
            self.add_module(f"Mixed_5{letter}", MixedA(inputs, width, fid=fid))
        self.Mixed_6a = MixedB(288)
        for letter, width in (("b", 128), ("c", 160), ("d", 160), ("e", 192)):
            self.add_module(f"Mixed_6{letter}", MixedC(768, width, fid=fid))
        self.Mixed_7a = MixedD(768)
        self.Mixed_7b = MixedE(1280, pool="average", fid=fid)
        self.Mixed_7c = MixedE(2048, pool="max" if fid else "average", fid=fid)

    def forward(self, rgb_b3hw: Tensor) -> Tensor:
        """Resize to 299 (bicubic, antialiased), scale to [-1, 1], and take the pooled features."""
        size = (SIDE_PX, SIDE_PX)
        x = F.interpolate(rgb_b3hw, size, mode="bicubic", antialias=True).clamp(0, 1) * 2 - 1
        for name, layer in self.named_children():
            if name in ("Conv2d_3b_1x1", "Mixed_5b"):
                x = F.max_pool2d(x, 3, stride=2)
            x = layer(x)
        return x.mean(dim=(2, 3))


def load_inception(path: str) -> tuple[Inception, str]:
    """The network filled from a file, and what its numbers may be compared with.

    Raises:
        LocationError: the file is missing, cannot be read, or holds other weights.
    """
    state = read_state(Path(path))
    classes = state["fc.bias"].shape[0] if "fc.bias" in state else 0
    if classes not in (FID_CLASSES, 1000):
        raise LocationError(f"{path}: not Inception-v3 with 1008 or 1000 classes (fc.bias)")
    network = Inception(fid=classes == FID_CLASSES)
    fill(network, {k: v for k, v in state.items() if k.startswith(("Conv2d_", "Mixed_"))}, path)
    compared = (
        "the FID network (1008 classes)"
        if classes == FID_CLASSES
        else "torchvision's network (1000 classes): not to be compared with published FID"
    )
    return network.eval(), compared
