"""A recipe declares, the loop acts: adversarial training is data, phases and their cadence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from archive_colorizer.data.library import Library

Batch = Mapping[str, Tensor]
Sample = Mapping[str, NDArray[Any]]
Shared = Any
"""The result of a step's one forward pass, given to the losses of all phases."""


class Sampler(Protocol):
    """Draws one sample; must pickle, for it works in other processes."""

    def __call__(self, library: Library, rng: np.random.Generator) -> Sample:
        """Arrays by name, of the same shapes each time; all chance comes from `rng`."""


@dataclass(frozen=True, slots=True)
class Phase:
    """One optimizer's turn in a step."""

    name: str
    modules: tuple[str, ...]
    """Names of the modules that learn in it; the others are frozen meanwhile."""
    optimizer: torch.optim.Optimizer
    loss: Callable[[Batch, Shared], Mapping[str, Tensor]]
    """Named losses; the first is minimised, the others are only reported. A loss that needs
    float32 (a gradient penalty) leaves autocast itself."""
    every: int = 1
    """Runs in every so many steps."""
    clip_norm: float = 5.0
    """Gradients are scaled down to this norm; infinity leaves them."""
    lr_scale: float = 1.0
    """Factor of the loop's learning rate."""


class Recipe(Protocol):
    """One family's way of learning."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything that is saved, by name; the first is the predictor, which is shipped."""

    @property
    def phases(self) -> Sequence[Phase]:
        """In the order of their turns."""

    @property
    def sampler(self) -> Sampler:
        """Makes the samples of a batch."""

    @property
    def goal(self) -> str:
        """The loss, as phase/name, that says on held-out pictures how good the predictor is."""

    def forward(self, batch: Batch) -> Shared:
        """The shared forward pass of a step."""
