"""One loop for every recipe: plain torch, resumable to the bit, alone or as one of several."""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from archive_colorizer.errors import LocationError
from archive_colorizer.inference.device import choose_dtype
from archive_colorizer.storage.workspace import Workspace, as_workspace
from archive_colorizer.training.checkpoint import CHECKPOINT, read_state, shorten, write_state
from archive_colorizer.training.group import ALONE, Group
from archive_colorizer.training.recipe import Batch, Phase, Recipe, Shared
from archive_colorizer.training.settings import LoopConfig as LoopConfig
from archive_colorizer.training.step_losses import StepLine, StepLosses, stack


@dataclass(frozen=True, slots=True)
class Best:
    """The averaged weights that did best on the held-out pictures so far."""

    step: int
    value: float
    """The goal's loss."""
    weights: dict[str, Tensor]
    """State of the predictor, on the host."""


class Watcher(Protocol):
    """Looks on as a loop runs; only the first worker has one."""

    def started(self, loop: "Loop") -> None:
        """Called before the first step of this part."""

    def stepped(self, loop: "Loop", lines: Sequence[StepLine]) -> None:
        """Called with the steps since the last call, at the latest before the state is written."""

    def epoch_ended(self, loop: "Loop") -> None:
        """Called after every `epoch_steps`, and at the end."""


class Loop:
    """Carries a recipe out. State: modules, optimizers, EMA, the best EMA, step, time spent, random
    state.

    Args:
        recipe: what to do.
        config: how long.
        folder: for the checkpoint, and where another's checkpoint was brought to.
        epoch_steps: steps of an epoch.
        device: torch's name of it.
        group: the workers that train together; all start from the first one's weights.
        watcher: looks on.
    """

    def __init__(  # noqa: PLR0913 (all but three have defaults)
        self,
        recipe: Recipe,
        config: LoopConfig,
        folder: Path | Workspace,
        *,
        epoch_steps: int = 1000,
        device: str = "cpu",
        group: Group = ALONE,
        watcher: Watcher | None = None,
    ) -> None:
        self.recipe, self.config = recipe, config
        self.run_folder = as_workspace(folder)
        self.folder = self.run_folder.here
        self.epoch_steps = config.epoch_steps or epoch_steps
        self.total_steps = config.steps or round(config.epochs * epoch_steps)
        self.device, self._group, self._watcher = device, group, watcher
        self.step, self.spent_s = 0, 0.0
        for module in recipe.modules.values():
            module.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.ema: nn.Module = copy.deepcopy(self.predictor).eval()
        self.best: Best | None = None
        """Set by the watcher, which validates; saved with the rest."""
        self._losses = StepLosses()
        self._history: list[dict[str, float]] = []

    @property
    def predictor(self) -> nn.Module:
        """The module that is shipped, as it learns."""
        return next(iter(self.recipe.modules.values()))

    def run(
        self, batches_from: Callable[[int], Iterator[Batch]], *, resume: bool = False
    ) -> list[dict[str, float]]:
        """Train to the end of the budget.

        Args:
            batches_from: gives the batches from a step on.
            resume: go on from the folder's checkpoint, if there is one.

        Returns:
            The losses of each step of this part, by name.

        Raises:
            LocationError: the checkpoint cannot be read or is another run's.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume and (self.folder / CHECKPOINT).exists():
            self.load()
        self._group.align(self.recipe.modules.values())
        if self._watcher:
            self._watcher.started(self)
        self._history = []
        started_s = saved_s = time.monotonic()
        first_step, before_s = self.step, self.spent_s
        batches = batches_from(self.step)
        while self.progress() < 1:
            losses = self.one_step(next(batches))
            # The first worker's clock: all stop, and slow down their learning, at the same step.
            self.spent_s = self._group.agree(before_s + time.monotonic() - started_s)
            self._record(losses)
            if self.step % self.epoch_steps == 0:
                self._end_epoch()
            if time.monotonic() - saved_s > 60 * self.config.checkpoint_minutes:
                self.save()
                saved_s = time.monotonic()
        if self.step > first_step and self.step % self.epoch_steps:
            self._end_epoch()
        self.save()
        return self._history

    def _record(self, losses: dict[str, Tensor]) -> None:
        """Keep a step's losses, and report those that have waited long enough."""
        line = StepLine(self.step, self.progress(), self.spent_s, self.learning_rate())
        self._losses.add(line, losses, self._group.mean(stack(losses, self.device)))
        if self._losses.is_due:
            self._report()

    def _report(self) -> None:
        """Fetch the losses that wait, and hand them to the watcher."""
        lines = self._losses.fetch()
        self._history += [dict(line.losses) for line in lines]
        if self._watcher and lines:
            self._watcher.stepped(self, lines)

    def _end_epoch(self) -> None:
        self._report()
        if self._watcher:
            self._watcher.epoch_ended(self)

    def progress(self) -> float:
        """Measure the share of the budget that is used, 0 to 1."""
        if self.total_steps:
            return self.step / self.total_steps
        return self.spent_s / (60 * self.config.minutes)

    def learning_rate(self) -> float:
        """Compute the rate: linear warm-up, then the schedule over the budget."""
        done = min(1.0, self.progress())
        steps = (self.step + 1) / max(1, self.config.warmup_steps)
        warm = min(1.0, max(steps, done / self.config.warmup_share))
        if self.config.schedule == "linear":
            share = min(1.0, 2 * (1 - done))
        elif self.config.schedule == "step":
            epochs = self.step // self.epoch_steps
            share = self.config.step_factor ** (epochs // self.config.step_epochs)
        else:
            share = 0.5 * (1 + math.cos(math.pi * done))
        return self.config.lr * warm * max(self.config.final_lr, share)

    def one_step(self, batch: Batch) -> dict[str, Tensor]:
        """Run the shared forward pass, then each phase that has its turn.

        Returns:
            Losses by phase/name: scalars, still on the device.
        """
        batch = {name: value.to(self.device, non_blocking=True) for name, value in batch.items()}
        with self.autocast():
            shared = self.recipe.forward(batch)
        losses: dict[str, Tensor] = {}
        for phase in self.recipe.phases:
            if self.step % phase.every == 0:
                losses |= self._run_phase(phase, batch, shared)
        self.step += 1
        self._update_ema()
        return losses

    def autocast(self) -> torch.autocast:
        """Make the context that sets the precision of the forward pass and the losses."""
        device = torch.device(self.device)
        dtype = choose_dtype(self.config.precision, device)
        return torch.autocast(device.type, dtype=dtype, enabled=dtype is not torch.float32)

    def _run_phase(self, phase: Phase, batch: Batch, shared: Shared) -> dict[str, Tensor]:
        for group in phase.optimizer.param_groups:
            group["lr"] = self.learning_rate() * phase.lr_scale * group.get("lr_scale", 1.0)
        with self._freeze_others(phase):
            with self.autocast():
                named = phase.loss(batch, shared)
            phase.optimizer.zero_grad(set_to_none=True)
            next(iter(named.values())).backward()  # type: ignore[no-untyped-call]
            learning = [p for name in phase.modules for p in self._module(name).parameters()]
            self._group.average(learning)
            if math.isfinite(phase.clip_norm):
                torch.nn.utils.clip_grad_norm_(learning, phase.clip_norm)
            phase.optimizer.step()
        return {f"{phase.name}/{name}": value.detach() for name, value in named.items()}

    @contextmanager
    def _freeze_others(self, phase: Phase) -> Iterator[None]:
        """Freeze the modules that do not learn in this phase."""
        frozen = [m for name, m in self.recipe.modules.items() if name not in phase.modules]
        for module in frozen:
            module.requires_grad_(False)
        try:
            yield
        finally:
            for module in frozen:
                module.requires_grad_(True)

    def _module(self, name: str) -> nn.Module:
        return self.recipe.modules[name]

    @torch.no_grad()
    def _update_ema(self) -> None:
        """Update the exponential moving average, quicker at the start."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        averages, learned = self.ema.state_dict(), self.predictor.state_dict()
        moving = [name for name, value in averages.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [averages[name] for name in moving], [learned[name] for name in moving], 1 - decay
        )
        for name in averages.keys() - set(moving):
            averages[name].copy_(learned[name])

    def save(self) -> None:
        """Write the whole state, atomically; only the first worker does.

        Raises:
            LocationError: it cannot be written; the state before it is still there.
        """
        self._report()  # first: a step that a resumed run skips must have its line
        if self._group.rank:
            return
        state = {
            "step": self.step,
            "spent_s": self.spent_s,
            "ema": self.ema.state_dict(),
            "modules": {name: m.state_dict() for name, m in self.recipe.modules.items()},
            "optimizers": {p.name: p.optimizer.state_dict() for p in self.recipe.phases},
            "torch_random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state_all(),
            "best": self.best and {name: getattr(self.best, name) for name in Best.__slots__},
        }
        write_state(self.folder / CHECKPOINT, state)
        self.run_folder.publish(last=(CHECKPOINT,))

    def load(self) -> None:
        """Read the whole state back.

        Raises:
            LocationError: it cannot be read, or is not this recipe's.
        """
        try:
            state = read_state(self.folder / CHECKPOINT)
            self.ema.load_state_dict(state["ema"])
            for name, module in self.recipe.modules.items():
                module.load_state_dict(state["modules"][name])
            for phase in self.recipe.phases:
                phase.optimizer.load_state_dict(state["optimizers"][phase.name])
            self.step, self.spent_s = state["step"], state["spent_s"]
            best = state.get("best")  # runs that began before 0.2.0 kept none
            self.best = Best(**best) if best else None
        except (OSError, RuntimeError, KeyError, ValueError, TypeError, EOFError) as error:
            text = shorten(error)
            where = self.run_folder.name(CHECKPOINT)
            raise LocationError(f"{where}: not a checkpoint of this run: {text}") from error
        torch.set_rng_state(state["torch_random"])
        if len(state["cuda_random"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all(state["cuda_random"])
