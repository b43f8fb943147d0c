"""uint8 pictures as tensors, and back. B batch, H height, W width."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def to_tensor(rgb_bhw3: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """(B, H, W, 3) in 0..255 -> (B, 3, H, W) float32 in [0, 1] on the device."""
    whole = torch.from_numpy(_own(rgb_bhw3)).to(device)
    return whole.permute(0, 3, 1, 2).float() / 255


def to_gray_tensor(gray_bhw: NDArray[np.uint8], device: torch.device | str = "cpu") -> Tensor:
    """(B, H, W) in 0..255 -> (B, 1, H, W) float32 in [0, 1] on the device."""
    return torch.from_numpy(_own(gray_bhw))[:, None].to(device).float().div_(255)


def to_bytes(picture_bchw: Tensor) -> NDArray[np.uint8]:
    """(B, C, H, W) in [0, 1], clipped -> (B, H, W, C) in 0..255 on the CPU."""
    whole = (picture_bchw.float().clamp(0, 1) * 255).round().byte()
    return np.asarray(whole.permute(0, 2, 3, 1).cpu().numpy())


def _own(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same pixels, contiguous and writable as torch wants them; a copy where they are not."""
    return np.require(pixels, requirements=["C", "W"])
