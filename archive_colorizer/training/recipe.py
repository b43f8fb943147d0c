"""What a recipe declares; the loop acts. Adversarial training is data: phases and their cadence."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

Batch = Mapping[str, Tensor]
Shared = Any
"""What a recipe's one forward pass a step gives to the losses of its phases."""


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
    """Of the loop's learning rate."""


class Recipe(Protocol):
    """One family's way of learning."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Everything that is saved, by name; the first is the one that is shipped."""

    @property
    def phases(self) -> Sequence[Phase]:
        """In the order of their turns."""

    def batches(self, seed: int, first_step: int) -> Iterator[Batch]:
        """Batches from a step on; the n-th depends only on the seed and n."""

    def forward(self, batch: Batch) -> Shared:
        """The shared forward pass of a step."""
