"""Shots of a film: cuts, found from small luma alone, and the pieces that are coloured by turns.

A cut is a frame that is unlike the one before while its neighbours are like theirs. Brightness and
contrast are taken out first, so that flicker and fades are none; one strange frame (a splice, a
flash, a torn frame) is none either. The threshold was measured: benchmarks/bench_video.py.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.imaging.colour import Float

SIGN_SIDES: Final = (48, 32)
"""Width and height of the small luma that frames are compared by."""
THRESHOLD: Final = 0.35
"""Unlikeness, from 0 to 2, above which a frame may begin a shot."""
TIMES_AROUND: Final = 2.5
"""So many times as unlike as the frames around it are: motion is no cut."""
AROUND: Final = 3
PIECE_FRAMES: Final = 256
"""Frames that are coloured at a time, at most: a long take is cut so for memory's sake."""
CONTEXT_FRAMES: Final = 24
"""Frames on either side of a piece that its colours are averaged with."""
FLAT: Final = 8.0
"""Deviation of luma, of 255, under which a picture shows nothing."""


@dataclass(frozen=True, slots=True)
class Shot:
    """Frames `start` to `stop - 1` of a film, between two cuts."""

    number: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a shot that is coloured at a time."""

    number: int
    shot: int
    start: int
    stop: int
    first: int
    """First frame that is looked at, within the shot."""
    last: int
    """Frame after the last one that is looked at."""


def sign_of(seen_hw: NDArray[np.uint8]) -> Float:
    """What a frame is compared by: small, without its mean and contrast; (32, 48)."""
    small = cv2.resize(seen_hw, SIGN_SIDES, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small.astype(np.float32), (3, 3), 0)
    return np.asarray((small - small.mean()) / max(FLAT, float(small.std())), np.float32)


def unlikeness(one: Float, other: Float) -> float:
    """How unlike two frames are: 0 for the same, about 1 for strangers."""
    return float(np.mean((one - other) ** 2) / 2)


class CutFinder:
    """Finds cuts while a film is read: it remembers a few frames, and a number for each."""

    def __init__(self) -> None:
        self._steps: list[float] = []
        self._signs: dict[int, Float] = {}
        self._cuts: list[int] = []

    def add(self, sign: Float) -> None:
        """Take the next frame's sign, as `sign_of` gives it."""
        number = len(self._steps)
        before = self._signs.get(number - 1)
        self._steps.append(0.0 if before is None else unlikeness(before, sign))
        self._signs[number] = sign
        self._judge(number - AROUND)
        self._signs.pop(number - 2 * AROUND, None)

    def finish(self) -> list[int]:
        """Give the frames that begin a shot, but for the first."""
        for at in range(max(1, len(self._steps) - AROUND), len(self._steps)):
            self._judge(at)
        return self._cuts

    def _judge(self, at: int) -> None:
        if at < 1:
            return
        steps = self._steps
        around = [*steps[max(1, at - AROUND) : at], *steps[at + 1 : at + 1 + AROUND]]
        usual = float(np.median(around)) if around else 0.0
        if steps[at] >= max(THRESHOLD, TIMES_AROUND * usual) and not self._is_strange(at):
            self._cuts.append(at)

    def _is_strange(self, at: int) -> bool:
        """Whether what comes after a frame is like what was before it: it alone, or the one before
        it, is another picture.
        """
        before, here = range(at - 3, at - 1), range(at + 1, at + 3)
        return self._has_alike(at - 1, here) or self._has_alike(at, before)

    def _has_alike(self, at: int, others: range) -> bool:
        signs = (self._signs[one] for one in others if one in self._signs)
        return any(unlikeness(self._signs[at], one) < THRESHOLD / 2 for one in signs)


def shots_of(count: int, cuts: Sequence[int]) -> list[Shot]:
    """Make the shots of a film of so many frames."""
    edges = [0, *cuts, count]
    pairs = itertools.pairwise(edges)
    return [Shot(number, *pair) for number, pair in enumerate(pairs)]


def pieces_of(shots: Sequence[Shot]) -> list[Piece]:
    """Cut shots into pieces of bounded length, with what is looked at around them."""
    pieces: list[Piece] = []
    for shot in shots:
        length = shot.stop - shot.start
        parts = -(-length // PIECE_FRAMES)
        edges = [shot.start + length * part // parts for part in range(parts + 1)]
        for start, stop in itertools.pairwise(edges):
            pieces.append(
                Piece(
                    len(pieces), shot.number, start, stop,
                    max(shot.start, start - CONTEXT_FRAMES), min(shot.stop, stop + CONTEXT_FRAMES),
                )
            )  # fmt: skip
    return pieces
