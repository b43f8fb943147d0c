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
    """What the loop needs of its fellows."""

    rank: int
    size: int

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Give every worker the first one's weights and statistics."""

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Replace the gradients by their mean over the workers."""

    def agreed(self, value: float) -> float:
        """The first worker's value."""

    def means(self, losses: dict[str, float]) -> dict[str, float]:
        """Mean over the workers."""


class Alone:
    """One worker: nothing to agree on."""

    rank = 0
    size = 1

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Nothing."""

    def average(self, parameters: Sequence[Tensor]) -> None:
        """Nothing."""

    def agreed(self, value: float) -> float:
        """The value."""
        return value

    def means(self, losses: dict[str, float]) -> dict[str, float]:
        """The losses."""
        return losses


class Processes:
    """Processes of an initialised torch.distributed group (gloo or nccl)."""

    def __init__(self, device: str) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._device = device

    def align(self, modules: Iterable[nn.Module]) -> None:
        """Broadcast from rank 0."""
        for module in modules:
            for value in module.state_dict().values():
                dist.broadcast(value, src=0)

    def average(self, parameters: Sequence[Tensor]) -> None:
        """One all-reduce for all gradients; parameters without one are left out everywhere."""
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

    def agreed(self, value: float) -> float:
        """Broadcast from rank 0."""
        held = torch.tensor(value, dtype=torch.float64, device=self._device)
        dist.broadcast(held, src=0)
        return float(held)

    def means(self, losses: dict[str, float]) -> dict[str, float]:
        """One all-reduce."""
        held = torch.tensor(list(losses.values()), dtype=torch.float64, device=self._device)
        dist.all_reduce(held)
        return dict(zip(losses, (held / self.size).tolist(), strict=True))


ALONE: Final = Alone()
