"""What a run is worth on held-out pictures: losses, PSNR, colourfulness, a sheet.

All of it with the averaged weights, in evaluation mode, without touching the run's random state.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from archive_colorizer.data.layouts import square
from archive_colorizer.data.library import Library
from archive_colorizer.evaluation.subject import Subject, baseline, subject_of
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.metrics import picture
from archive_colorizer.metrics.luma import psnr_y, resized
from archive_colorizer.models.spec import Task
from archive_colorizer.training.feed import Feed, FeedConfig
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.recipe import Batch

LOSS_SAMPLES: Final = 192
"""Held-out samples that the losses are taken from, the same ones each time."""
PICTURES: Final = 24
"""Held-out pictures whose PSNR and colourfulness are taken."""
SHEET_ROWS: Final = 6


@dataclass(frozen=True, slots=True)
class Validation:
    """One look at the held-out pictures."""

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

    def __call__(self, loop: Loop) -> Validation:
        """Losses and pictures of the moment."""
        with _still(loop):
            figures = self._losses(loop)
            if self._test.domains.keys() != {""}:
                more, rows, titles = self._translated(loop)
            elif self._task in (Task.UPSCALE, Task.RESTORE):
                more, rows, titles = self._enlarged(loop)
            else:
                subject = subject_of("model", loop.predictor, self._task)
                more, rows, titles = self._pictures(subject, loop.device)
        return Validation(figures | more, rows, titles)

    def _losses(self, loop: Loop) -> dict[str, float]:
        size = self._config.batch_size
        feed = Feed(self._test, loop.recipe.sampler, size, self._seed, label="validation")
        found: dict[str, list[float]] = {}
        for number in range(-(-LOSS_SAMPLES // size)):
            batch: Batch = {k: v.to(loop.device) for k, v in feed.batch(number).items()}
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

    def _pictures(
        self, subject: Subject, device: str
    ) -> tuple[dict[str, float], tuple[Any, ...], tuple[str, ...]]:
        rows, scores = [], []
        grey = baseline()
        for i in range(min(PICTURES, len(self._test))):
            item = self._test[i]
            truth = self._square(item.target)
            source = truth if item.source is None else self._square(item.source)
            plain, made = (_painted(one, source, device) for one in (grey, subject))
            first = plain if self._task is Task.COLORIZE else source
            rows.append((first, made, truth))
            scores.append((made, first, truth))
        titles = ("grey" if self._task is Task.COLORIZE else "source", "model", "truth")
        name = "psnr_grey" if self._task is Task.COLORIZE else "psnr_source"
        figures = {
            "colourfulness": fmean(colourfulness(made) for made, _, _ in scores),
            "colourfulness_truth": fmean(colourfulness(truth) for _, _, truth in scores),
            "psnr": fmean(_psnr(made, truth) for made, _, truth in scores),
            name: fmean(_psnr(first, truth) for _, first, truth in scores),
        }
        return figures, tuple(rows[:SHEET_ROWS]), titles

    def _translated(self, loop: Loop) -> tuple[dict[str, float], tuple[Any, ...], tuple[str, ...]]:
        """Some pictures of each kind as the other, and how bright they are."""
        first, second = loop.recipe.sampler.domains  # type: ignore[attr-defined]
        rows: list[tuple[NDArray[np.uint8], ...]] = []
        figures: dict[str, float] = {}
        for domain, back in ((first, False), (second, True)):
            made_luma = []
            for i in self._test.domains.get(domain, np.empty(0, np.int64))[: PICTURES // 2]:
                source = self._square(self._test[int(i)].target)
                tensor = _tensor(source, loop.device)
                made = _pixels(loop.predictor.translate(tensor, back=back)[0])  # type: ignore[operator]
                rows.append((source, made))
                made_luma.append((float(source.mean()), float(made.mean())))
            if made_luma:
                before, after = np.mean(made_luma, axis=0)
                figures |= {f"brightness_{domain}": before, f"brightness_{domain}_made": after}
        few = len(rows) // max(1, SHEET_ROWS)
        return figures, tuple(rows[:: max(1, few)]), ("source", "model")

    def _enlarged(self, loop: Loop) -> tuple[dict[str, float], tuple[Any, ...], tuple[str, ...]]:
        """Crops of the held-out pictures' middles, reduced as in training, beside bicubic."""
        feed = Feed(self._test, loop.recipe.sampler, 1, self._seed, label="pictures")
        scale = int(loop.predictor.scale)  # type: ignore[arg-type]
        rows, scores = [], []
        for number in range(min(PICTURES, 2 * len(self._test))):
            batch = feed.batch(number)
            low, truth = (_pixels(batch[name][0]) for name in ("low_b3hw", "high_b3hw"))
            tensor = batch["low_b3hw"].to(loop.device)
            made = _pixels(loop.predictor.enlarge(tensor)[0])  # type: ignore[operator]
            plain = resized(low, truth.shape[1], truth.shape[0])
            rows.append((plain, made, truth))
            scores.append([min(100.0, psnr_y(p, truth, scale)) for p in (made, plain)])
        figures = {
            "psnr_y": fmean(made for made, _ in scores),
            "psnr_y_bicubic": fmean(plain for _, plain in scores),
        }
        return figures, tuple(rows[:SHEET_ROWS]), ("bicubic", "model", "truth")

    def _square(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return square(Image.fromarray(pixels), self._config.crop_px)


@contextmanager
def _still(loop: Loop) -> Iterator[None]:
    """Averaged weights in the predictor's place, nothing learning, the random state kept."""
    modules = list(loop.recipe.modules.values())
    modes = [module.training for module in modules]
    learned = {name: value.clone() for name, value in loop.predictor.state_dict().items()}
    devices = [torch.device(loop.device)] if loop.device.startswith("cuda") else []
    try:
        loop.predictor.load_state_dict(loop.ema.state_dict())
        for module in modules:
            module.eval()
        with torch.random.fork_rng(devices), torch.no_grad():
            yield
    finally:
        loop.predictor.load_state_dict(learned)
        for module, mode in zip(modules, modes, strict=True):
            module.train(mode)


def _painted(subject: Subject, source: NDArray[np.uint8], device: str) -> NDArray[np.uint8]:
    return _pixels(subject.paint(_tensor(source, device)).rgb_b3hw[0])


def _tensor(pixels: NDArray[np.uint8], device: str) -> Tensor:
    return torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1)[None].float() / 255


def _pixels(rgb_3hw: Tensor) -> NDArray[np.uint8]:
    return (rgb_3hw.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()


def _psnr(made: NDArray[np.uint8], truth: NDArray[np.uint8]) -> float:
    return min(100.0, picture.psnr(picture.mse(made, truth)))
