"""The journal of a run: losses, validation, the best weights, sample sheets, a curve, MLflow.

RUN/losses.jsonl       one line a step
RUN/validation.jsonl   one line an epoch, the first before any step; `best` where no earlier one is
                       better
RUN/losses.png         both, as curves
RUN/samples/           grey | model | truth
"""

import json
import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from archive_colorizer.imaging.comparison_sheet import comparison_sheet
from archive_colorizer.registry.tracking import Tracker
from archive_colorizer.storage.atomic import write_atomic
from archive_colorizer.storage.workspace import Workspace, as_workspace
from archive_colorizer.training.checkpoint import CHECKPOINT
from archive_colorizer.training.curve import draw_curves
from archive_colorizer.training.loop import Best, Loop
from archive_colorizer.training.step_losses import StepLine
from archive_colorizer.training.validation import Validation, Validator

LOSSES: Final = "losses.jsonl"
VALIDATION: Final = "validation.jsonl"
JOURNALS: Final = (LOSSES, VALIDATION)
SEND_STEPS: Final = 50
"""Losses go to MLflow in parcels of at least so many steps, each step with its own entry."""


SHOWN_EVERY_S: Final = 15.0
"""Time from one upload of the losses to the next, at least, where RUN is in an object store."""
UPLOAD_SHARE: Final = 0.05
"""Share of the time that these uploads may take."""


class Journal:
    """A loop's watcher: validates, keeps the best weights and writes everything down.

    Args:
        folder: RUN.
        validator: judges the averaged weights.
        tracker: of MLflow.
        sample_every: epochs from one sample sheet to the next.
        begins_trained: whether the first weights are a model's, which may stay the best.
    """

    def __init__(
        self,
        folder: Path | Workspace,
        validator: Validator,
        tracker: Tracker,
        sample_every: int = 1,
        *,
        begins_trained: bool = False,
    ) -> None:
        self._run_folder = as_workspace(folder)
        self._folder, self._validator, self._tracker = self._run_folder.here, validator, tracker
        self._due_s = 0.0
        self._sample_every, self._begins_trained = sample_every, begins_trained
        self._waiting: list[tuple[int, dict[str, float]]] = []

    def started(self, loop: Loop) -> None:
        """Drop lines of steps that a crash has undone; validate before the first step."""
        (self._folder / "samples").mkdir(parents=True, exist_ok=True)
        for name in JOURNALS:
            _keep_until(self._folder / name, loop.step)
        if loop.step == 0:
            self._validate(loop)

    def stepped(self, loop: Loop, lines: Sequence[StepLine]) -> None:
        """Write one line a step, and send a parcel now and then."""
        with (self._folder / LOSSES).open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(_record(line)) + "\n" for line in lines)
        self._waiting += [(line.step, {**line.losses, "lr": line.lr}) for line in lines]
        if len(self._waiting) >= SEND_STEPS:
            self._send()
        self._publish_losses()

    def _publish_losses(self) -> None:
        """Show how far the run is now and then; an object store takes the file as a whole."""
        begin_s = time.monotonic()
        if self._run_folder.is_remote and begin_s >= self._due_s:
            self._run_folder.publish(only=LOSSES)
            end_s = time.monotonic()
            self._due_s = end_s + max(SHOWN_EVERY_S, (end_s - begin_s) / UPLOAD_SHARE)

    def epoch_ended(self, loop: Loop) -> None:
        """Send what waits and validate."""
        self._send()
        self._validate(loop)

    def _validate(self, loop: Loop) -> None:
        seen = self._validator(loop)
        epoch = -(-loop.step // loop.epoch_steps)
        line = {
            "epoch": epoch,
            "step": loop.step,
            "goal": loop.recipe.goal,
            "figures": dict(seen.figures),
            "best": self._keep_if_best(loop, seen.figures[loop.recipe.goal]),
        }
        with (self._folder / VALIDATION).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._tracker.metrics(loop.step, {f"val/{k}": v for k, v in seen.figures.items()})
        if epoch % self._sample_every == 0 or loop.progress() >= 1:
            self._draw_samples(epoch, seen)
        curves = self._folder / "losses.png"
        draw_curves(curves, losses(self._folder), validations(self._folder), loop.recipe.goal)
        self._tracker.file(curves)
        self._run_folder.publish(last=(CHECKPOINT,))

    def _keep_if_best(self, loop: Loop, value: float) -> bool:
        """Keep the averaged weights unless earlier ones did better; of equals the later stay."""
        if loop.step == 0 and not self._begins_trained:
            return False
        if loop.best and not _order(value) <= _order(loop.best.value):
            return False
        weights = loop.ema.state_dict()
        copies = {name: held.detach().to("cpu", copy=True) for name, held in weights.items()}
        loop.best = Best(loop.step, value, copies)
        return True

    def _draw_samples(self, epoch: int, seen: Validation) -> None:
        sheet = self._folder / "samples" / f"epoch-{epoch:04d}.png"
        comparison_sheet(seen.titles, seen.rows).save(sheet, "PNG")
        self._tracker.file(sheet, "samples")

    def _send(self) -> None:
        self._tracker.steps(self._waiting)
        self._waiting = []


def losses(folder: Path) -> Iterator[dict[str, Any]]:
    """Read the lines of a run's losses, where there are any; a last half line is left out."""
    yield from _read_lines(folder / LOSSES)


def validations(folder: Path) -> list[dict[str, Any]]:
    """Read the lines of a run's validation, in order."""
    return list(_read_lines(folder / VALIDATION))


def best_validation(folder: Path) -> dict[str, Any]:
    """Find the validation of the weights that the run gives: the best, or of an old run the last.

    Raises:
        IndexError: there is none yet.
    """
    found = validations(folder)
    return next((line for line in reversed(found) if line.get("best")), found[-1])


def _order(loss: float) -> float:
    """A key to compare losses by: one that is not finite is the worst."""
    return loss if math.isfinite(loss) else math.inf


def _record(line: StepLine) -> dict[str, Any]:
    return {
        "step": line.step,
        "progress": round(line.progress, 6),
        "spent_s": round(line.spent_s, 3),
        "lr": line.lr,
        "losses": dict(line.losses),
    }


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
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
    kept = [line for line in _read_lines(path) if line["step"] <= step]
    write_atomic(path, "".join(json.dumps(line) + "\n" for line in kept))
