"""One loop for every recipe: plain torch, resumable to the bit."""

import copy
import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from archive_colorizer.errors import ConfigError
from archive_colorizer.training.recipe import Batch, Phase, Recipe, Shared

LOG: Final = logging.getLogger("archive_colorizer")
CHECKPOINT: Final = "last.pt"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopConfig:
    """How long and how to train."""

    steps: int = 0
    """Stop after so many; 0 leaves it to `minutes`."""
    minutes: float = 0.0
    """Wall-clock budget, over all resumed parts; 0 leaves it to `steps`."""
    lr: float = 1e-3
    warmup_steps: int = 200
    final_lr: float = 0.01
    """Share of `lr` that the schedule ends at."""
    schedule: str = "cosine"
    """cosine, or linear: constant over the first half of the budget, then down in a line."""
    ema: float = 0.999
    seed: int = 0
    precision: str = "bfloat16"
    """Of the shared forward: float32 or bfloat16."""
    checkpoint_minutes: float = 3.0
    log_every: int = 50
    device: str = "cpu"

    def __post_init__(self) -> None:
        if bool(self.steps) == bool(self.minutes):
            raise ConfigError("give either steps or minutes")
        if self.precision not in {"float32", "bfloat16"}:
            raise ConfigError(f"precision={self.precision!r}: must be float32 or bfloat16")
        if self.schedule not in {"cosine", "linear"}:
            raise ConfigError(f"schedule={self.schedule!r}: must be cosine or linear")


class Loop:
    """Carries a recipe out. State: modules, optimizers, EMA, step, time spent, random state."""

    def __init__(self, recipe: Recipe, config: LoopConfig, folder: Path) -> None:
        self.recipe, self.config, self.folder = recipe, config, folder
        self.step, self.spent_s = 0, 0.0
        for module in recipe.modules.values():
            module.to(device=config.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        first = next(iter(recipe.modules.values()))
        self.ema: nn.Module = copy.deepcopy(first).eval()

    def run(self, *, resume: bool = False) -> list[dict[str, float]]:
        """Train to the end of the budget.

        Args:
            resume: go on from the folder's checkpoint, if there is one.

        Returns:
            The losses of each step of this part, by name.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if resume and (self.folder / CHECKPOINT).exists():
            self.load()
        history: list[dict[str, float]] = []
        started_s = saved_s = time.monotonic()
        before_s = self.spent_s
        for batch in self.recipe.batches(self.config.seed, self.step):
            self.spent_s = before_s + time.monotonic() - started_s
            if self.progress() >= 1:
                break
            history.append(self.one_step(batch))
            if self.step % self.config.log_every == 0:
                self._log(history[-4 * self.config.log_every :])
            if time.monotonic() - saved_s > 60 * self.config.checkpoint_minutes:
                self.save()
                saved_s = time.monotonic()
        self.save()
        return history

    def progress(self) -> float:
        """Share of the budget that is used, 0 to 1."""
        if self.config.steps:
            return self.step / self.config.steps
        return self.spent_s / (60 * self.config.minutes)

    def learning_rate(self) -> float:
        """Linear warm-up, then the schedule over the budget."""
        warm = min(1.0, (self.step + 1) / max(1, self.config.warmup_steps))
        done = min(1.0, self.progress())
        if self.config.schedule == "linear":
            share = min(1.0, 2 * (1 - done))
        else:
            share = 0.5 * (1 + math.cos(math.pi * done))
        return self.config.lr * warm * max(self.config.final_lr, share)

    def one_step(self, batch: Batch) -> dict[str, float]:
        """One shared forward, then each phase that has its turn."""
        batch = {name: value.to(self.config.device) for name, value in batch.items()}
        with self._autocast():
            shared = self.recipe.forward(batch)
        losses: dict[str, float] = {}
        for phase in self.recipe.phases:
            if self.step % phase.every == 0:
                losses |= self._turn(phase, batch, shared)
        self.step += 1
        self._follow()
        return losses

    def _autocast(self) -> torch.autocast:
        enabled = self.config.precision == "bfloat16"
        return torch.autocast(self.config.device, dtype=torch.bfloat16, enabled=enabled)

    def _turn(self, phase: Phase, batch: Batch, shared: Shared) -> dict[str, float]:
        for group in phase.optimizer.param_groups:
            group["lr"] = self.learning_rate() * phase.lr_scale
        with self._only(phase):
            with self._autocast():
                named = phase.loss(batch, shared)
            phase.optimizer.zero_grad(set_to_none=True)
            next(iter(named.values())).backward()  # type: ignore[no-untyped-call]
            learning = [p for name in phase.modules for p in self._module(name).parameters()]
            torch.nn.utils.clip_grad_norm_(learning, phase.clip_norm)
            phase.optimizer.step()
        return {f"{phase.name}/{name}": float(value.detach()) for name, value in named.items()}

    @contextmanager
    def _only(self, phase: Phase) -> Iterator[None]:
        """Freeze what does not learn in this phase."""
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
    def _follow(self) -> None:
        """The exponential moving average, quicker at the start."""
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        first = next(iter(self.recipe.modules.values()))
        for average, value in zip(
            self.ema.state_dict().values(), first.state_dict().values(), strict=True
        ):
            if average.is_floating_point():
                average.lerp_(value, 1 - decay)
            else:
                average.copy_(value)

    def save(self) -> None:
        """Write the whole state, atomically."""
        state = {
            "step": self.step,
            "spent_s": self.spent_s,
            "ema": self.ema.state_dict(),
            "modules": {name: m.state_dict() for name, m in self.recipe.modules.items()},
            "optimizers": {p.name: p.optimizer.state_dict() for p in self.recipe.phases},
            "torch_random": torch.get_rng_state(),
        }
        temporary = self.folder / f"{CHECKPOINT}.tmp"
        torch.save(state, temporary)
        temporary.replace(self.folder / CHECKPOINT)

    def load(self) -> None:
        """Read the whole state back."""
        path = self.folder / CHECKPOINT
        state: dict[str, Any] = torch.load(path, weights_only=True)
        self.step, self.spent_s = state["step"], state["spent_s"]
        self.ema.load_state_dict(state["ema"])
        for name, module in self.recipe.modules.items():
            module.load_state_dict(state["modules"][name])
        for phase in self.recipe.phases:
            phase.optimizer.load_state_dict(state["optimizers"][phase.name])
        torch.set_rng_state(state["torch_random"])

    def _log(self, recent: list[dict[str, float]]) -> None:
        names = dict.fromkeys(name for losses in recent for name in losses)
        means = {n: sum(x[n] for x in recent if n in x) / len(recent) for n in names}
        text = ", ".join(f"{name} {value:.4f}" for name, value in means.items())
        done = 100 * self.progress()
        LOG.info("step %d (%.0f %%), lr %.1e: %s", self.step, done, self.learning_rate(), text)
