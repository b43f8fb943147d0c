"""Samples as a file stores them, brought to whole bytes: depth, alpha, and words about damage."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.faults import one_line

Pixels = NDArray[Any]


@dataclass(slots=True)
class Heard:
    """What decoders said of a picture while they decoded it."""

    words: list[str] = field(default_factory=list)
    damaged: bool = False
    """Whether any of it means that pixels are not what they were."""

    def note(self, words: object, *, damage: bool) -> None:
        """Keep a decoder's words, once."""
        text = one_line(words)
        self.damaged |= damage
        if text not in self.words:
            self.words.append(text)


class _Ear(logging.Handler):
    """What a library logs as a warning or an error goes into `heard`."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.note(record.getMessage(), damage=record.levelno >= logging.ERROR)


@contextmanager
def hearing(heard: Heard, logger: str = "") -> Iterator[None]:
    """Keep what is warned of or logged by `logger` inside."""
    ear, log = _Ear(heard), logging.getLogger(logger or "archive_colorizer.imaging.nothing")
    spreads, log.propagate = log.propagate, False
    log.addHandler(ear)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
    finally:
        log.removeHandler(ear)
        log.propagate = spreads
        for one in caught:
            heard.note(one.message, damage=False)


def widened(pixels: Pixels, bits: int) -> Pixels:
    """Samples of `bits` bits stretched over 8 or 16, so that the largest is white.

    Args:
        pixels: unsigned whole numbers of any shape, 0 to 2**bits - 1.
        bits: 1 to 16.

    Returns:
        The same shape; uint8 up to 8 bits, uint16 above.
    """
    if bits in {8, 16}:
        return pixels
    depth = np.uint8 if bits < 8 else np.uint16
    top, limit = (1 << bits) - 1, np.iinfo(depth).max
    table = np.round(np.arange(top + 1) * (limit / top)).astype(depth)
    whole = pixels.view(np.uint8) if pixels.dtype == np.bool_ else pixels
    return np.asarray(table[np.minimum(whole, top)])


def on_white(colour: Pixels, alpha_hw: Pixels, *, premultiplied: bool = False) -> Pixels:
    """Lay a picture with transparency on white.

    Args:
        colour: (H, W) or (H, W, 3), uint8 or uint16.
        alpha_hw: (H, W) of the same type; 0 is transparent.
        premultiplied: whether the colour is multiplied with its alpha already (associated alpha).

    Returns:
        The colour's shape and type.
    """
    top = int(np.iinfo(colour.dtype).max)
    if alpha_hw.min(initial=top) == top:
        return np.ascontiguousarray(colour)
    alpha = alpha_hw if colour.ndim == 2 else alpha_hw[..., None]
    alpha = alpha.astype(np.uint32)
    if premultiplied:
        return np.asarray(np.minimum(colour + (top - alpha), top), colour.dtype)
    # In 32 bits: 65535 * 65535 + 32767 just fits.
    mixed = (colour * alpha + top * (top - alpha) + top // 2) // top
    return np.asarray(mixed, colour.dtype)


def split_alpha(pixels: Pixels, colours: int) -> tuple[Pixels, Pixels]:
    """(H, W, C) -> its first `colours` channels, without an axis for one, and the next one."""
    colour = pixels[..., 0] if colours == 1 else pixels[..., :colours]
    return np.ascontiguousarray(colour), pixels[..., colours]
