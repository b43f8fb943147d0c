"""All training photographs, decoded once and kept where the network runs.

N photographs, B batch, H height, W width, P pixels of a crop's edge.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError

BYTES_A_PIXEL: Final = 4
"""Red, green, blue and nothing: one 32-bit word, so that a pixel is fetched by one access."""
SHARE_OF_MEMORY: Final = 0.5
"""Of the device's free memory that photographs may take."""
HOST_BYTES: Final = 8 << 30
CHUNK: Final = 2048


@dataclass(frozen=True, slots=True)
class Crops:
    """Where crops are taken from: (B,) each, in pixels of their photographs."""

    photograph: Tensor
    top: Tensor
    left: Tensor
    height: Tensor
    width: Tensor
    mirrored: Tensor


@dataclass(frozen=True, slots=True)
class DevicePhotographs:
    """Photographs of any sizes as one flat array of pixels."""

    words: Tensor
    """(pixels,) int32: red in the lowest byte."""
    start: Tensor
    """(N,) int64: index of each photograph's first pixel."""
    height: Tensor
    """(N,) int64."""
    width: Tensor
    """(N,) int64."""
    partner_words: Tensor | None = None
    """As `words`, of the pairs' sources; a photograph without one has its own pixels there."""
    has_partner: Tensor | None = None
    """(N,) bool, where there are partners."""
    domains: Mapping[str, Tensor] = field(default_factory=dict)
    """Of unpaired sets: (n,) int64 indices of each domain's photographs."""

    def __len__(self) -> int:
        return len(self.start)

    @property
    def device(self) -> torch.device:
        """Where they are."""
        return self.words.device

    def cut(self, crops: Crops, px: int, *, partners: bool = False) -> Tensor:
        """Cut crops and bring them to one size: bilinear, or the mean of what a pixel covers.

        Args:
            crops: where from.
            px: edge of the result.
            partners: of the pairs' sources, which lie alike.

        Returns:
            (B, 3, px, px) float32 sRGB in [0, 1].
        """
        words = self.partner_words if partners else self.words
        assert words is not None
        reduction = max(int(crops.height.max()), int(crops.width.max())) / px
        fine = max(1, math.ceil(reduction - 0.001))
        middle = (torch.arange(px, device=self.device) + 0.5) / px
        across = torch.where(crops.mirrored[:, None], 1 - middle, middle)
        top, bottom, below = _neighbours(middle[None], crops.top, crops.height, fine)
        left, right, beside = _neighbours(across, crops.left, crops.width, fine)
        row = self.width[crops.photograph][:, None]
        first = self.start[crops.photograph][:, None]
        upper = (first + top * row)[:, :, None]
        lower = (first + bottom * row)[:, :, None]
        left, right, beside = left[:, None], right[:, None], beside[:, None, :, None]
        above = _pixels(words[upper + left]).lerp(_pixels(words[upper + right]), beside)
        under = _pixels(words[lower + left]).lerp(_pixels(words[lower + right]), beside)
        rgb_bhw3 = above.lerp(under, below[:, :, None, None])
        rgb_b3hw = rgb_bhw3.permute(0, 3, 1, 2) / 255
        if fine > 1:
            rgb_b3hw = torch.nn.functional.avg_pool2d(rgb_b3hw, fine)
        return rgb_b3hw.contiguous()


def load_photographs(
    library: Library, device: str, *, workers: int, least_px: int = 1
) -> DevicePhotographs:
    """Decode a library and put it on a device.

    Args:
        library: of photographs, pairs, or unpaired sets.
        device: torch's name.
        workers: threads that decode.
        least_px: smaller sides are continued by their mirror image up to this.

    Raises:
        ConfigError: they do not fit there.
    """
    decoded: list[Tensor] = []
    partners: list[Tensor] = []
    sizes: list[tuple[int, int]] = []
    paired: list[bool] = []
    limit = _room(device)
    with ThreadPoolExecutor(workers) as pool:
        for begin in range(0, len(library), CHUNK):
            numbers = range(begin, min(begin + CHUNK, len(library)))
            items = list(pool.map(lambda i: library[i], numbers))
            targets = [_at_least(item.target, least_px) for item in items]
            sizes += [picture.shape[:2] for picture in targets]
            decoded.append(torch.from_numpy(as_words(targets)).to(device))
            limit -= decoded[-1].numel() * BYTES_A_PIXEL
            if library.has_partners:
                paired += [item.source is not None for item in items]
                sources = [item.target if item.source is None else item.source for item in items]
                words = as_words([_at_least(source, least_px) for source in sources])
                partners.append(torch.from_numpy(words).to(device))
                limit -= words.nbytes
            if limit < 0:
                raise ConfigError(
                    f"feed.place=device: the photographs do not fit on {device} "
                    f"({len(sizes):,} of {len(library):,} did); use feed.place=host"
                )
    height, width = torch.tensor(sizes, dtype=torch.int64).T
    start = torch.cumsum(height * width, 0) - height * width
    return DevicePhotographs(
        torch.cat(decoded), start.to(device), height.to(device), width.to(device),
        torch.cat(partners) if partners else None,
        torch.tensor(paired, device=device) if partners else None,
        {name: torch.from_numpy(i).to(device) for name, i in library.domains.items() if name},
    )  # fmt: skip


def _at_least(picture_hw3: NDArray[np.uint8], px: int) -> NDArray[np.uint8]:
    missing = [(0, max(0, px - side)) for side in picture_hw3.shape[:2]]
    return np.pad(picture_hw3, (*missing, (0, 0)), mode="symmetric")


def as_words(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.int32]:
    """Pixels of pictures, one after the other, as 32-bit words: (H, W, 3) each -> (pixels,)."""
    total = sum(picture.shape[0] * picture.shape[1] for picture in pictures)
    flat = np.zeros((total, BYTES_A_PIXEL), np.uint8)
    at = 0
    for picture in pictures:
        count = picture.shape[0] * picture.shape[1]
        flat[at : at + count, :3] = picture.reshape(count, 3)
        at += count
    return flat.view(np.int32)[:, 0]


def _pixels(words: Tensor) -> Tensor:
    """(...) int32 -> (..., 3) float32, 0 to 255."""
    return words.view(torch.uint8).view(*words.shape, BYTES_A_PIXEL)[..., :3].float()


def _room(device: str) -> int:
    """Bytes that photographs may take on a device."""
    if torch.device(device).type != "cuda":
        return HOST_BYTES
    free, _ = torch.cuda.mem_get_info(device)
    return int(SHARE_OF_MEMORY * free)


def _neighbours(
    place: Tensor, begin: Tensor, size: Tensor, fine: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels on either side of places in a crop, and the share of the second.

    A pixel of the result is the mean of `fine` bilinear samples, spread so that together they are
    as wide as what it covers: the variance of the box is (r^2 - 1) / 12 over bilinear's own.

    Args:
        place: (B or 1, P) in 0 to 1, over the crop.
        begin: (B,) the crop's first pixel.
        size: (B,) its pixels.
        fine: samples for a pixel.

    Returns:
        (B, P * fine) int64, int64 and float32. At the crop's edge both are the edge.
    """
    size = size[:, None]
    exact = place * size - 0.5
    if fine > 1:
        covered = (size / place.shape[1]).clamp_min(1)
        width = ((covered**2 - 1) / (1 - 1 / fine**2)).sqrt()
        step = (torch.arange(fine, device=place.device) + 0.5) / fine - 0.5
        exact = (exact[:, :, None] + width[:, :, None] * step).flatten(1)
    exact = exact.clamp_min(0)
    low = torch.minimum(exact.floor().long(), size - 1)
    high = torch.minimum(low + 1, size - 1)
    return begin[:, None] + low, begin[:, None] + high, (exact - low).float()
