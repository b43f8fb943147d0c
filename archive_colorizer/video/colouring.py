"""Colour the frames of one piece of a shot: the model in batches, then averaging along motion.

h height, w width.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import ModelPhotoError, PhotoError, TruncatedPhotoError
from archive_colorizer.imaging.homomorphic import even_light
from archive_colorizer.inference.batching import Chroma, GreyPicture
from archive_colorizer.inference.colorizer import Colorizer, open_colorizer
from archive_colorizer.pipeline.inputs.hints import Point, hint_planes
from archive_colorizer.storage import S3Settings
from archive_colorizer.video.config import FilmConfig
from archive_colorizer.video.films import Film, Pin
from archive_colorizer.video.kept import ColouredPiece, PieceFigures
from archive_colorizer.video.luma import luma_of
from archive_colorizer.video.plan import Plan
from archive_colorizer.video.reading import FilmFacts, open_film
from archive_colorizer.video.shots import Piece
from archive_colorizer.video.steady import FLOW_PX, GRID_PX, Float, steady
from archive_colorizer.weights.reference import ResolvedModel

WIDEST: Final = 4.0
"""Sides of what the model sees differ by this factor at most."""


@dataclass(slots=True)
class _Seen:
    """Frames of a piece as far as they are read and coloured."""

    lumas: list[NDArray[np.uint8]] = field(default_factory=list)
    """Small luma for the flow, as frames are stored."""
    chroma: list[Float] = field(default_factory=list)
    pinned: dict[int, Float] = field(default_factory=dict)
    """What hints add to the chroma of a frame of the piece."""
    doubt: list[float] = field(default_factory=list)
    doubt_p95: list[float] = field(default_factory=list)
    model_s: float = 0.0


class PieceColourer:
    """Has the model, and colours pieces with it."""

    def __init__(self, model: ResolvedModel, config: FilmConfig) -> None:
        """Load the model.

        Raises:
            UsageError: it cannot be loaded.
        """
        self._config, self._s3 = config, config.job.run.s3
        run, color = config.job.run, config.job.color
        self._colorizer: Colorizer = open_colorizer(
            model, run.precision, color.vividness, graphs=run.cuda_graphs == "auto"
        )

    def __call__(self, film: Film, plan: Plan, piece: Piece) -> ColouredPiece:
        """Colour a piece.

        Raises:
            PhotoError: it cannot be read, or the model fails on it.
        """
        start_s = time.perf_counter()
        seen = self._look(film, plan, piece, self._s3)
        average = self._config.video.steady == "on"
        made = steady(seen.lumas, seen.chroma, seen.pinned, average=average)
        own = slice(piece.start - piece.first, piece.stop - piece.first)
        model_ms = 1000 * seen.model_s
        figures = PieceFigures(
            frames=piece.stop - piece.start,
            doubt_mean=float(np.mean(seen.doubt[own])),
            doubt_p95=float(np.mean(seen.doubt_p95[own])),
            flicker=made.flicker, flicker_before=made.flicker_before, ms_model=model_ms,
            ms_prepare=1000 * (time.perf_counter() - start_s) - model_ms,
            device=self._colorizer.device, precision=self._colorizer.precision,
        )  # fmt: skip
        return ColouredPiece(made.ab_thw2[own].astype(np.float16), figures)

    def _look(self, film: Film, plan: Plan, piece: Piece, s3: S3Settings) -> _Seen:
        """Read the frames of a piece and of what is around it, and ask the model."""
        seen, batch = _Seen(), []
        with open_film(film, s3, self._config.video.rate) as reader:
            facts = reader.facts
            flow = _sides(facts.height, facts.width, FLOW_PX)
            for timed in reader.frames(piece.first, plan.start_pts(piece)):
                if timed.number >= piece.last:
                    break
                grey_hw = luma_of(timed.frame, facts.codec).seen()
                seen.lumas.append(_resized(grey_hw, flow))
                batch.append(self._proxy(grey_hw, facts))
                if points := _points_at(film.pins, timed.number, plan, facts):
                    place = timed.number - piece.first
                    seen.pinned[place] = self._pinned(batch[-1], points, facts)
                if len(batch) == self._config.job.run.batch_size:
                    self._ask(batch, facts, seen)
                    batch = []
            if batch:
                self._ask(batch, facts, seen)
        if len(seen.lumas) < piece.last - piece.first:
            raise TruncatedPhotoError(f"has fewer frames than before: changed at {piece.start}")
        return seen

    def _proxy(self, grey_hw: NDArray[np.uint8], facts: FilmFacts) -> NDArray[np.uint8]:
        """What the model sees: upright, with square pixels, and small."""
        px, aspect = self._config.job.color.proxy_px, float(facts.sample_aspect)
        height, width = _sides(facts.height, round(facts.width * aspect), px)
        proxy = _resized(grey_hw, (height, width))
        proxy = np.ascontiguousarray(np.rot90(proxy, facts.rotation // 90))
        light = self._config.job.color.light_filter
        return even_light(proxy, light) if light else proxy

    def _pinned(self, proxy_hw: NDArray[np.uint8], points: list[Point], facts: FilmFacts) -> Float:
        """What points of known colour add to a frame's chroma."""
        size = (facts.height, facts.width)
        size = size[::-1] if facts.rotation // 90 % 2 else size
        sides = (proxy_hw.shape[0], proxy_hw.shape[1])
        try:
            planes = hint_planes(json.dumps(points), size, sides)
        except ValueError as error:
            raise ModelPhotoError(str(error)) from error
        seen = _Seen()
        pictures = [GreyPicture(proxy_hw), GreyPicture(proxy_hw, hints_3hw=planes)]
        for picture in pictures:
            (answer,) = self._colorizer([picture])
            if isinstance(answer, PhotoError):
                raise answer
            self._add(answer, facts, seen)
        return seen.chroma[1] - seen.chroma[0]

    def _ask(self, batch: Sequence[NDArray[np.uint8]], facts: FilmFacts, seen: _Seen) -> None:
        start_s = time.perf_counter()
        pictures = [GreyPicture(proxy) for proxy in batch]
        for answer in self._colorizer(pictures, self._config.job.run.batch_size):
            if isinstance(answer, PhotoError):
                raise answer
            self._add(answer, facts, seen)
        seen.model_s += time.perf_counter() - start_s

    def _add(self, answer: Chroma, facts: FilmFacts, seen: _Seen) -> None:
        turns = -(facts.rotation // 90)
        ab_hw2 = np.ascontiguousarray(np.rot90(np.moveaxis(answer.ab_2hw, 0, 2), turns))
        grid = _sides(facts.height, facts.width, GRID_PX)
        seen.chroma.append(_resized(ab_hw2, grid))
        doubt = answer.cells.channels(2, 3).covered().astype(np.float32)
        seen.doubt.append(float(doubt.mean()))
        seen.doubt_p95.append(float(np.percentile(doubt, 95)))


def _points_at(pins: Sequence[Pin], number: int, plan: Plan, facts: FilmFacts) -> list[Point]:
    """The points of one frame."""
    found = []
    for frame, seconds, x, y, colour in pins:
        at = frame if frame >= 0 else _frame_at(seconds, plan, facts)
        if at == number:
            found.append((x, y, colour))
    return found


def _frame_at(seconds: float, plan: Plan, facts: FilmFacts) -> int:
    """The frame that is shown at a time."""
    pts = plan.pts[0] + seconds / float(facts.time_base)
    return int(np.searchsorted(plan.pts, pts, side="right")) - 1


def _sides(height: int, width: int, short_px: int) -> tuple[int, int]:
    """Sides at this short side, at least 16 and at most WIDEST times as long as the other."""
    scale = short_px / min(height, width)
    longest = round(WIDEST * short_px)
    return (
        min(longest, max(16, round(height * scale))),
        min(longest, max(16, round(width * scale))),
    )


def _resized(plane: NDArray[np.generic], sides: tuple[int, int]) -> NDArray:  # type: ignore[type-arg]
    shrinks = plane.shape[0] >= sides[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, sides[::-1], interpolation=how))
