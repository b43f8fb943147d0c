"""Steady colour: chroma averaged along motion, forwards and backwards through a shot.

Optical flow (DIS; Kroeger et al. 2016) between the luma of neighbours says where a place was, and
where it will be. A place counts as the same where the flow there and the flow back meet, and where
its luma agrees once the frames' exposure is matched: colour crosses no occlusion. Two recursive
averages, one from either side, give a frame the weighted mean of all frames of its place, with
weights that fall by `MEMORY` a frame. h height, w width of the grid of chroma.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
FLOW_PX: Final = 192
"""Short side at which motion is found."""
GRID_PX: Final = 96
"""Short side of the grid of chroma: twice as fine as the network's cells."""
MEMORY: Final = 0.95
"""Share of its weight that a frame keeps a frame further on."""
GRAIN_PX: Final = 2.0
"""Luma is blurred by this deviation before motion is sought: grain does not move with things."""
MEETING_PX: Final = 2.0
"""Distance between the way there and back, in pixels of the flow, at which trust falls to 0.6."""
LUMA_STEP: Final = 25.0
"""Difference of luma, of 255, at which trust falls to 0.6."""
PINNED_STEP: Final = 1.0
"""Change of chroma by a hint, in CIE Lab units, from which on a place is its own."""
TRUSTED: Final = 0.5
"""Trust over which a place counts as seen in both frames."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Where the places of one frame are in another, and how sure that is."""

    way_hw2: NDArray[np.float16]
    """From each place to where it is in the other frame: x and y, in steps of the grid."""
    trust_hw: NDArray[np.float16]
    """From 0 to 1."""

    def pull(self, values_hwc: Float) -> Float:
        """Bring values of the other frame to this one's places."""
        at_hw2 = _here(self.trust_hw.shape) + self.way_hw2
        pulled = cv2.remap(
            values_hwc, at_hw2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )  # fmt: skip
        return np.asarray(pulled)


@lru_cache(maxsize=4)
def _here(sides: tuple[int, ...]) -> Float:
    """X and y of each place: (h, w, 2)."""
    y, x = np.mgrid[: sides[0], : sides[1]].astype(np.float32)
    return np.stack((x, y), axis=-1)


class MotionFinder:
    """Finds the motion between neighbours."""

    def __init__(self, grid: tuple[int, int]) -> None:
        """Make ready.

        Args:
            grid: height and width of the grid of chroma.
        """
        library: Any = cv2  # its stubs do not know this one
        self._flow = library.DISOpticalFlow_create(library.DISOPTICAL_FLOW_PRESET_FAST)
        self._grid = grid

    def between(
        self, before_hw: NDArray[np.uint8], after_hw: NDArray[np.uint8]
    ) -> tuple[Motion, Motion]:
        """Find where the later frame's places were, and where the earlier one's will be.

        Args:
            before_hw: luma of the earlier frame.
            after_hw: luma of the later frame.
        """
        before_hw, after_hw = (
            cv2.GaussianBlur(one, (0, 0), GRAIN_PX) for one in (before_hw, after_hw)
        )
        ahead = self._flow.calc(before_hw, after_hw, None)
        back = self._flow.calc(after_hw, before_hw, None)
        return (
            self._motion(after_hw, before_hw, back, ahead),
            self._motion(before_hw, after_hw, ahead, back),
        )

    def _motion(
        self,
        here_hw: NDArray[np.uint8],
        there_hw: NDArray[np.uint8],
        way_hw2: Float,
        home_hw2: Float,
    ) -> Motion:
        height, width = here_hw.shape
        at_hw2 = _here((height, width)) + way_hw2
        at_x, at_y = at_hw2[..., 0], at_hw2[..., 1]
        home = cv2.remap(home_hw2, at_hw2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        miss = np.sum((way_hw2 + home) ** 2, axis=-1)
        seen = cv2.remap(there_hw, at_hw2, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        step = _exposed_alike(seen, here_hw) - here_hw
        step = cv2.blur(step, (5, 5))
        trust = np.exp(-miss / (2 * MEETING_PX**2) - step**2 / (2 * LUMA_STEP**2))
        outside = (at_x < -1) | (at_y < -1) | (at_x > width) | (at_y > height)
        trust[outside] = 0
        rows, columns = self._grid
        size = (columns, rows)
        scale = np.array([columns / width, rows / height], np.float32)
        way = cv2.resize(way_hw2, size, interpolation=cv2.INTER_AREA) * scale
        small = cv2.resize(trust.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        return Motion(way.astype(np.float16), small.astype(np.float16))


def _exposed_alike(seen_hw: NDArray[np.uint8], here_hw: NDArray[np.uint8]) -> Float:
    """One frame's luma with the mean and contrast of another's: exposure flickers in old films."""
    (mean, spread), (aim, wanted) = (
        (float(one.mean()), float(one.std()) + 1.0) for one in (seen_hw, here_hw)
    )
    return (seen_hw.astype(np.float32) - mean) * np.float32(wanted / spread) + np.float32(aim)


@dataclass(frozen=True, slots=True)
class Steadied:
    """Chroma of a shot after averaging, and how much it flickers."""

    ab_thw2: Float
    flicker: float
    """Mean change of chroma from frame to frame along motion, in CIE Lab units, where it is seen in
    both."""
    flicker_before: float
    """The same of the frames by themselves."""


def steady(
    lumas: Sequence[NDArray[np.uint8]],
    chroma: Sequence[Float],
    pinned: Mapping[int, Float] | None = None,
    *,
    average: bool = True,
) -> Steadied:
    """Average the chroma of frames of one shot along their motion.

    Args:
        lumas: (H, W) of each frame, of one size.
        chroma: (h, w, 2) CIE Lab a and b of each frame.
        pinned: what hints add to the chroma of some frames, by their place: it follows its object.
        average: False averages nothing.
    """
    finder = MotionFinder((chroma[0].shape[0], chroma[0].shape[1]))
    motions = [finder.between(*pair) for pair in itertools.pairwise(lumas)]
    backs = [back for back, _ in motions]
    before = _flicker(chroma, backs)
    aheads = [ahead for _, ahead in motions]
    made = _average(chroma, backs, aheads) if average else np.stack(chroma)
    if pinned:
        made += _follow(pinned, made.shape, backs, aheads)
    return Steadied(made, _flicker(list(made), backs), before)


def _average(chroma: Sequence[Float], backs: Sequence[Motion], aheads: Sequence[Motion]) -> Float:
    """Means along motion: (t, h, w, 2).

    Sums over each frame and those before it fall by MEMORY a frame, as do the sums of weights; the
    same from the end on, a frame at a time.
    """
    past = [_weighed(chroma[0])]
    for ab_hw2, motion in zip(chroma[1:], backs, strict=True):
        past.append(_further(_weighed(ab_hw2), past[-1], motion))
    made = np.empty((len(chroma), *chroma[0].shape), np.float32)
    future: Float | None = None
    for at in range(len(chroma) - 1, -1, -1):
        own = _weighed(chroma[at])
        future = own if future is None else _further(own, future, aheads[at])
        both = past[at] + future - own
        made[at] = both[..., :2] / both[..., 2:]
    return made


def _follow(
    pinned: Mapping[int, Float],
    shape: tuple[int, ...],
    backs: Sequence[Motion],
    aheads: Sequence[Motion],
) -> Float:
    """Carry what is pinned to all frames, from the nearest pin on either side: (t, h, w, 2).

    Where both reach a place, the nearer one counts more.
    """
    past = _carry(pinned, shape, range(shape[0]), (None, *backs))
    future = _carry(pinned, shape, range(shape[0] - 1, -1, -1), (*aheads, None))
    both = past[..., 2:] + future[..., 2:]
    mean = (past[..., :2] * past[..., 2:] + future[..., :2] * future[..., 2:]) / np.maximum(
        both, np.float32(1e-6)
    )
    return np.asarray(mean)


def _carry(
    pinned: Mapping[int, Float],
    shape: tuple[int, ...],
    order: range,
    motions: Sequence[Motion | None],
) -> Float:
    """Carry what is pinned one way: a, b, and a weight that falls with the distance in frames."""
    carried = np.zeros((*shape[:3], 3), np.float32)
    own, age = np.zeros((*shape[1:3], 3), np.float32), 0
    for at in order:
        motion, age = motions[at], age + 1
        if motion is not None:
            own = motion.pull(own) * _certain(motion)
        if at in pinned:
            reach = np.linalg.norm(pinned[at], axis=-1) > PINNED_STEP
            fresh = np.dstack((pinned[at], np.ones(shape[1:3], np.float32)))
            own, age = np.where(reach[..., None], fresh, own), 0
        carried[at, ..., :2], carried[at, ..., 2] = own[..., :2], own[..., 2] / (age + 1)
    return carried


def _certain(motion: Motion) -> Float:
    """Trust, all of it where a place counts as seen: what is pinned does not fade."""
    return np.asarray(np.minimum(1, motion.trust_hw.astype(np.float32) / TRUSTED)[..., None])


def _weighed(ab_hw2: Float) -> Float:
    """Chroma with its weight, 1, beside it: (h, w, 3)."""
    return np.dstack((ab_hw2, np.ones(ab_hw2.shape[:2], np.float32)))


def _further(own: Float, sums: Float, motion: Motion) -> Float:
    weight = (np.float32(MEMORY) * motion.trust_hw.astype(np.float32))[..., None]
    return np.asarray(own + weight * motion.pull(sums))


def _flicker(chroma: Sequence[Float], backs: Sequence[Motion]) -> float:
    total = places = 0.0
    for before, after, back in zip(chroma, chroma[1:], backs, strict=False):
        seen = back.trust_hw > TRUSTED
        step = np.linalg.norm(after - back.pull(before), axis=-1)
        total += float(step[seen].sum())
        places += float(seen.sum())
    return total / places if places else 0.0
