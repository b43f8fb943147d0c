"""Validation of a run on held-out pictures: losses, PSNR, colourfulness, a sheet.

All of it with the averaged weights, in evaluation mode, without touching the run's random state. A
picture on which the model fails is left out of the means and counted: a run of hours goes on.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.data.layouts import square
from archive_colorizer.data.library import Library
from archive_colorizer.errors import PhotoError
from archive_colorizer.evaluation.enlargers import MAX_PSNR
from archive_colorizer.evaluation.subject import Subject, baseline, subject_of
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.inference.enlarger import Enlarger
from archive_colorizer.inference.runner import Runner, evaluating
from archive_colorizer.inference.tensors import to_bytes
from archive_colorizer.inference.translator import Translator
from archive_colorizer.metrics import picture
from archive_colorizer.metrics.luma import psnr_y, resized
from archive_colorizer.models.spec import Task
from archive_colorizer.training.feed import Feed, FeedConfig
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.recipe import Batch

LOSS_SAMPLES: Final = 192
"""Held-out samples that the losses are taken from, the same ones each time."""
HELD_BYTES: Final = 512 << 20
"""Of those samples that stay in the host's memory; the others are drawn anew each time."""
PICTURES: Final = 24
"""Held-out pictures whose PSNR and colourfulness are taken."""
SHEET_ROWS: Final = 6
FAILED: Final = "pictures_failed"
"""Figure: held-out pictures that the model failed on; absent where it failed on none."""
Pixels = NDArray[np.uint8]
Shown = tuple[dict[str, float], tuple[tuple[Pixels, ...], ...], tuple[str, ...]]
"""Figures, rows of the sheet, and their titles."""


@dataclass(frozen=True, slots=True)
class Validation:
    """Figures of one moment of a run."""

    figures: Mapping[str, float]
    """Losses as phase/name, and psnr, psnr_grey (dB), colourfulness, colourfulness_truth."""
    rows: tuple[tuple[NDArray[np.uint8], ...], ...]
    """For the sample sheet, one a picture."""
    titles: tuple[str, ...]


class Validator:
    """Judges a loop's averaged weights."""

    def __init__(self, test: Library, feed: FeedConfig, task: Task, seed: int) -> None:
        self._test, self._config, self._task = test, feed, task
        self._seed = seed
        self._held: list[Batch] = []

    def __call__(self, loop: Loop) -> Validation:
        """Losses and pictures of the moment."""
        with _still(loop):
            figures = self._losses(loop)
            if self._test.domains.keys() != {""}:
                more, rows, titles = self._translated(loop)
            elif self._task in (Task.UPSCALE, Task.RESTORE):
                more, rows, titles = self._enlarged(loop)
            else:
                subject = subject_of("model", loop.predictor, self._task, seed=None)
                more, rows, titles = self._pictures(subject)
        return Validation(figures | more, rows, titles)

    def _losses(self, loop: Loop) -> dict[str, float]:
        size = self._config.batch_size
        feed = Feed(self._test, loop.recipe.sampler, size, self._seed, label="validation")
        found: dict[str, list[float]] = {}
        for number in range(-(-LOSS_SAMPLES // size)):
            batch: Batch = {k: v.to(loop.device) for k, v in self._batch(feed, number).items()}
            with loop.autocast():
                shared = loop.recipe.forward(batch)
                named = {
                    f"{phase.name}/{name}": value
                    for phase in loop.recipe.phases
                    for name, value in phase.loss(batch, shared).items()
                }
            for name, value in named.items():
                found.setdefault(name, []).append(float(value))
        return {name: fmean(values) for name, values in found.items()}

    def _batch(self, feed: Feed, number: int) -> Batch:
        """Draw a batch, or take the one that was drawn in an earlier validation."""
        if number < len(self._held):
            return self._held[number]
        batch = feed.batch(number)
        size = sum(value.nbytes for value in batch.values())
        if number == len(self._held) and (number + 1) * size <= HELD_BYTES:
            self._held.append(batch)
        return batch

    def _pictures(self, subject: Subject) -> Shown:
        """Held-out pictures coloured or translated, beside grey or the source."""
        colours, grey = self._task is Task.COLORIZE, baseline()
        rows: list[tuple[Pixels, ...]] = []
        failed = 0
        for i in range(min(PICTURES, len(self._test))):
            item = self._test[i]
            truth = self._square(item.target)
            source = truth if item.source is None else self._square(item.source)
            plain, made = _painted(grey, source), _painted(subject, source)
            if made is None or plain is None:
                failed += 1
                continue
            rows.append((plain if colours else source, made, truth))
        first = "grey" if colours else "source"
        figures = _means(
            (
                {
                    "colourfulness": colourfulness(made),
                    "colourfulness_truth": colourfulness(truth),
                    "psnr": _psnr(made, truth),
                    f"psnr_{first}": _psnr(plain, truth),
                }
                for plain, made, truth in rows
            ),
            failed,
        )
        return figures, tuple(rows[:SHEET_ROWS]), (first, "model", "truth")

    def _translated(self, loop: Loop) -> Shown:
        """Some pictures of each kind as the other, and how bright they are."""
        first, second = loop.recipe.sampler.domains  # type: ignore[attr-defined]
        runner = Runner(loop.predictor, "exact")
        rows: list[tuple[Pixels, ...]] = []
        figures: dict[str, float] = {}
        failed = 0
        for domain, back in ((first, False), (second, True)):
            translator, made_luma = Translator(runner, back=back), []
            for i in self._test.domains.get(domain, np.empty(0, np.int64))[: PICTURES // 2]:
                source = self._square(self._test[int(i)].target)
                (made,) = translator([source])
                if isinstance(made, PhotoError):
                    failed += 1
                    continue
                rows.append((source, made))
                made_luma.append((float(source.mean()), float(made.mean())))
            if made_luma:
                before, after = np.mean(made_luma, axis=0)
                figures |= {f"brightness_{domain}": before, f"brightness_{domain}_made": after}
        few = len(rows) // max(1, SHEET_ROWS)
        figures |= _means((), failed)
        return figures, tuple(rows[:: max(1, few)]), ("source", "model")

    def _enlarged(self, loop: Loop) -> Shown:
        """Crops of the held-out pictures' middles, reduced as in training, beside bicubic."""
        feed = Feed(self._test, loop.recipe.sampler, 1, self._seed, label="pictures")
        enlarger = Enlarger(Runner(loop.predictor, "exact"))
        rows: list[tuple[Pixels, ...]] = []
        failed = 0
        for number in range(min(PICTURES, 2 * len(self._test))):
            batch = feed.batch(number)
            low, truth = (to_bytes(batch[name])[0] for name in ("low_b3hw", "high_b3hw"))
            try:
                made = enlarger(low)
            except PhotoError:
                failed += 1
                continue
            rows.append((resized(low, truth.shape[1], truth.shape[0]), made, truth))
        figures = _means(
            (
                {
                    "psnr_y": min(MAX_PSNR, psnr_y(made, truth, enlarger.scale)),
                    "psnr_y_bicubic": min(MAX_PSNR, psnr_y(plain, truth, enlarger.scale)),
                }
                for plain, made, truth in rows
            ),
            failed,
        )
        return figures, tuple(rows[:SHEET_ROWS]), ("bicubic", "model", "truth")

    def _square(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return square(Image.fromarray(pixels), self._config.crop_px)


@contextmanager
def _still(loop: Loop) -> Iterator[None]:
    """Averaged weights in the predictor's place, nothing learning, the random state kept."""
    modules = list(loop.recipe.modules.values())
    learned = {name: value.clone() for name, value in loop.predictor.state_dict().items()}
    devices = [torch.device(loop.device)] if loop.device.startswith("cuda") else []
    try:
        loop.predictor.load_state_dict(loop.ema.state_dict())
        with evaluating(*modules), torch.random.fork_rng(devices), torch.no_grad():
            yield
    finally:
        loop.predictor.load_state_dict(learned)


def _painted(subject: Subject, source: Pixels) -> Pixels | None:
    """The subject's picture of a source, (H, W, 3); None where it failed."""
    (painted,) = subject.paint(source[None])
    return None if isinstance(painted, PhotoError) else painted.rgb_hw3


def _means(scores: Iterable[Mapping[str, float]], failed: int) -> dict[str, float]:
    """Means of the pictures' figures, and how many pictures have none."""
    rows = list(scores)
    means = {name: fmean(row[name] for row in rows) for name in (rows[0] if rows else ())}
    return means | ({FAILED: float(failed)} if failed else {})


def _psnr(made: Pixels, truth: Pixels) -> float:
    return min(MAX_PSNR, picture.psnr(picture.mse(made, truth)))
