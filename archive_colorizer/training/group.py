"""The workers of a run, as the loop sees them: alone, or processes of torch.distributed.

Gradients are averaged by the loop itself, after each backward pass, where one would expect
DistributedDataParallel: a recipe's step has several optimizers, freezes modules in turn, goes back
through one shared forward more than once and may take gradients of gradients, each of which that
wrapper refuses or needs a special case for.
"""

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Group(Protocol):
    """The workers of a run, as one of them sees them."""

    rank: int
    size: int

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Give every worker the first one's weights and statistics."""

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Replace the gradients by their mean over the workers."""

    def agree(self, value: float) -> float:
        """Give every worker the first one's value."""

    def mean(self, values: Tensor) -> Tensor:
        """Average over the workers; the result is on the device of the values."""


class Alone:
    """The group of a single worker, which has no one to agree with."""

    rank = 0
    size = 1

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Leave the modules as they are."""

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Leave the gradients as they are."""

    def agree(self, value: float) -> float:
        """Give the value back."""
        return value

    def mean(self, values: Tensor) -> Tensor:
        """Give the values back."""
        return values


class Processes:
    """Processes of an initialised torch.distributed group (gloo or nccl)."""

    def __init__(self, device: str) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._device = device

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Broadcast the state from rank 0."""
        for module in modules:
            for value in module.state_dict().values():
                dist.broadcast(value, src=0)

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Average all gradients by one all-reduce; parameters that have none are left out."""
        gradients = [p.grad for p in parameters if p.grad is not None]
        if not gradients:
            return
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        dist.all_reduce(flat)
        flat /= self.size
        start = 0
        for gradient in gradients:
            gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
            start += gradient.numel()

    def agree(self, value: float) -> float:
        """Broadcast the value from rank 0."""
        held = torch.tensor(value, dtype=torch.float64, device=self._device)
        dist.broadcast(held, src=0)
        return float(held)

    def mean(self, values: Tensor) -> Tensor:
        """Average by one all-reduce."""
        dist.all_reduce(values)
        return values / self.size


ALONE: Final = Alone()
