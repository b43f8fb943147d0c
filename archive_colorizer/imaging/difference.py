"""Difference of two encoded pictures: of their pixels, and of what they say of themselves."""

from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np

from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.imaging.samples import Pixels
from archive_colorizer.imaging.strips import read_strips

SAID: Final = ("exif", "xmp", "extended_xmp", "iptc")
"""Blocks of metadata that are compared, byte for byte."""
FORM: Final = ("format", "width", "height", "bits_per_sample", "samples", "orientation", "icc")
"""Fields of a header that are compared."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far two pictures differ."""

    share: float = 0.0
    """Of the pixels that differ in any channel."""
    largest: float = 0.0
    """Of a sample, in steps of 0..255, whatever the depth."""
    mean: float = 0.0
    """Of all samples, in the same steps."""
    said: tuple[str, ...] = ()
    """Names of SAID and FORM in which they differ."""

    def __bool__(self) -> bool:
        """Whether they differ at all."""
        return bool(self.share or self.said)


def compare_pictures(one: BinaryIO, other: BinaryIO) -> Difference:
    """Compare two pictures, strip by strip; pixels are compared where they have the same size.

    Raises:
        PictureFault: one of them cannot be decoded.
    """
    headers = [read_header(source, max_megapixels=float("inf")) for source in (one, other)]
    said = tuple(name for name in FORM if _differ(headers, name))
    blocks = [header.blocks for header in headers]
    said += tuple(name for name in SAID if getattr(blocks[0], name) != getattr(blocks[1], name))
    if set(said) & {"width", "height", "bits_per_sample", "samples"}:
        return Difference(1.0, 255.0, 255.0, said)
    pixels = differing = samples = 0
    largest = total = 0.0
    strips = (
        read_strips(source, header) for source, header in zip((one, other), headers, strict=True)
    )
    for first, second in zip(*strips, strict=True):
        gap, unit = _gap(first, second)
        differing += int(gap.reshape(*gap.shape[:2], -1).any(axis=2).sum())
        pixels += gap.shape[0] * gap.shape[1]
        samples += gap.size
        largest = max(largest, float(gap.max(initial=0)) / unit)
        total += float(gap.sum(dtype=np.float64)) / unit
    return Difference(differing / pixels, largest, total / samples, said)


def _differ(headers: list[Header], name: str) -> bool:
    return bool(getattr(headers[0], name) != getattr(headers[1], name))


def _gap(one: Pixels, other: Pixels) -> tuple[Pixels, int]:
    """The distance of each sample, and how many steps of it are one of 0..255."""
    gap = np.where(one > other, one - other, other - one)
    return gap, 257 if gap.dtype == np.uint16 else 1
