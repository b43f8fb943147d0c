"""Networks that halve their input take sides that are multiples of something; pictures do not."""

from collections.abc import Callable

import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor


def at_any_sides(network: Callable[[Tensor], Tensor], x_bchw: Tensor, multiple: int) -> Tensor:
    """Run a network that keeps the size on a picture of any sides.

    Args:
        network: (B, C, H, W) -> (B, D, H, W), for sides that are multiples of `multiple`.
        x_bchw: any sides; its edges are repeated at the bottom and right.
        multiple: pixels.

    Returns:
        (B, D, H, W) float32, of the sides of `x_bchw`.
    """
    height, width = x_bchw.shape[2:]
    padding = (0, -width % multiple, 0, -height % multiple)
    made = network(F.pad(x_bchw, padding, mode="replicate"))
    return made[:, :, :height, :width].float()
