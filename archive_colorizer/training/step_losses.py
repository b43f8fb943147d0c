"""Losses of the latest steps, kept on the device until they are wanted.

Each fetch makes the host wait until the device has done all that it was given; one fetch for many
steps lets the host prepare the next ones meanwhile.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import torch
from torch import Tensor

FETCH_STEPS: Final = 20
"""Steps that wait for one fetch at most."""
FETCH_S: Final = 1.0
"""Seconds that they wait at most: who follows a slow run sees every step."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """One step of a run, as losses.jsonl has it."""

    step: int
    """Counted from 1."""
    progress: float
    """Share of the budget that is used, 0 to 1."""
    spent_s: float
    lr: float
    """Learning rate of the step after it."""
    losses: Mapping[str, float] = field(default_factory=dict)
    """Values by phase/name; none while they wait on the device."""


class StepLosses:
    """A window of steps whose losses have not been fetched."""

    def __init__(self) -> None:
        self._waiting: list[tuple[StepLine, tuple[str, ...], Tensor]] = []
        self._fetched_s = time.monotonic()

    def add(self, line: StepLine, names: Iterable[str], values: Tensor) -> None:
        """Append a step, its losses' names and their values: (names,) float64 on any device."""
        self._waiting.append((line, tuple(names), values))

    @property
    def is_due(self) -> bool:
        """Whether they have waited long enough."""
        return len(self._waiting) >= FETCH_STEPS or time.monotonic() - self._fetched_s > FETCH_S

    def fetch(self) -> list[StepLine]:
        """Take all out, with their values, in order."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return []
        values = iter(torch.cat([values for _, _, values in waiting]).tolist())
        self._fetched_s = time.monotonic()
        return [
            replace(line, losses={name: next(values) for name in names})
            for line, names, _ in waiting
        ]


def stack(losses: Mapping[str, Tensor], device: str) -> Tensor:
    """Put scalar losses into one vector on a device: (len(losses),) float64."""
    if not losses:
        return torch.empty(0, dtype=torch.float64, device=device)
    return torch.stack([value.to(device, torch.float64) for value in losses.values()])
