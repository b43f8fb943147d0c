"""What a run writes down as it goes: losses, validation, sample sheets, a curve, MLflow.

RUN/losses.jsonl       one line a step
RUN/validation.jsonl   one line an epoch, the first before any step
RUN/losses.png         both, as curves
RUN/samples/           grey | model | truth
"""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from archive_colorizer.imaging.comparison_sheet import comparison_sheet
from archive_colorizer.registry.tracking import Tracker
from archive_colorizer.training.curve import draw_curves
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.validation import Validation, Validator

LOSSES: Final = "losses.jsonl"
VALIDATION: Final = "validation.jsonl"
WRITE_S: Final = 1.0
SEND_STEPS: Final = 50
"""Losses go to MLflow in parcels of so many steps, each step with its own entry."""


class Journal:
    """A loop's watcher."""

    def __init__(
        self, folder: Path, validator: Validator, tracker: Tracker, sample_every: int = 1
    ) -> None:
        self._folder, self._validator, self._tracker = folder, validator, tracker
        self._sample_every = sample_every
        self._waiting: list[tuple[int, dict[str, float]]] = []
        self._unwritten: list[str] = []
        self._written_s = 0.0

    def started(self, loop: Loop) -> None:
        """Drop lines of steps that a crash has undone; look before the first step."""
        (self._folder / "samples").mkdir(parents=True, exist_ok=True)
        for name in (LOSSES, VALIDATION):
            _keep_until(self._folder / name, loop.step)
        if loop.step == 0:
            self._look(loop)

    def stepped(self, loop: Loop, losses: dict[str, float]) -> None:
        """One line, and a parcel now and then."""
        line = {
            "step": loop.step,
            "progress": round(loop.progress(), 6),
            "spent_s": round(loop.spent_s, 3),
            "lr": loop.learning_rate(),
            "losses": losses,
        }
        self._unwritten.append(json.dumps(line) + "\n")
        if time.monotonic() - self._written_s > WRITE_S:
            self._write()
        self._waiting.append((loop.step, losses | {"lr": loop.learning_rate()}))
        if len(self._waiting) >= SEND_STEPS:
            self._send()

    def saving(self, loop: Loop) -> None:
        """Write what waits."""
        self._write()

    def epoch_ended(self, loop: Loop) -> None:
        """Validate, draw, send."""
        self._write()
        self._send()
        self._look(loop)

    def _write(self) -> None:
        with (self._folder / LOSSES).open("a", encoding="utf-8") as file:
            file.writelines(self._unwritten)
        self._unwritten = []
        self._written_s = time.monotonic()

    def _look(self, loop: Loop) -> None:
        seen = self._validator(loop)
        epoch = -(-loop.step // loop.epoch_steps)
        with (self._folder / VALIDATION).open("a", encoding="utf-8") as file:
            line = {
                "epoch": epoch,
                "step": loop.step,
                "goal": loop.recipe.goal,
                "figures": dict(seen.figures),
            }
            file.write(json.dumps(line) + "\n")
        self._tracker.metrics(loop.step, {f"val/{k}": v for k, v in seen.figures.items()})
        if epoch % self._sample_every == 0 or loop.progress() >= 1:
            self._samples(epoch, seen)
        curves = self._folder / "losses.png"
        draw_curves(curves, losses(self._folder), validations(self._folder), loop.recipe.goal)
        self._tracker.file(curves)

    def _samples(self, epoch: int, seen: Validation) -> None:
        sheet = self._folder / "samples" / f"epoch-{epoch:04d}.png"
        comparison_sheet(seen.titles, seen.rows).save(sheet, "PNG")
        self._tracker.file(sheet, "samples")

    def _send(self) -> None:
        self._tracker.steps(self._waiting)
        self._waiting = []


def losses(folder: Path) -> Iterator[dict[str, Any]]:
    """The lines of a run's losses; none where there is no file. A last half line is left out."""
    yield from _lines(folder / LOSSES)


def validations(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run's validation, in order."""
    return list(_lines(folder / VALIDATION))


def last_figures(folder: Path) -> Mapping[str, float]:
    """The latest validation's figures; empty before the first."""
    found = validations(folder)
    figures: Mapping[str, float] = found[-1]["figures"] if found else {}
    return figures


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):
                yield json.loads(line)


def _keep_until(path: Path, step: int) -> None:
    """Drop the lines of later steps: they are about to be made again."""
    if not path.exists():
        return
    kept = [line for line in _lines(path) if line["step"] <= step]
    temporary = path.with_suffix(".tmp")
    temporary.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
    temporary.replace(path)
