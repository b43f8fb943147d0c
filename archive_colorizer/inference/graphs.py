"""CUDA graphs: a computation of fixed shape is recorded once and replayed without launches.

A small batch takes the GPU less time than Python needs to launch its kernels. Shapes are many (two
sides, and the batch's size), so batches are filled up to few sizes, only shapes that come again are
recorded, and no more than a fixed number of them: none is ever thrown out for another.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import torch
from torch import Tensor

SIZES: Final = (1, 2, 4, 8, 12, 16, 24, 32)
"""Batches are filled up to these. Larger ones keep the GPU busy for longer than launches take."""
AFTER: Final = 3
"""Batches of a shape that are computed as usual before it is recorded."""
MOST: Final = 12
"""Shapes that are recorded at most."""


class Record(Protocol):
    """What records a computation."""

    def __call__(self, compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        """Record a computation on memory that stays.

        Returns:
            What replays it, and the memory in which a replay leaves the result.
        """


@dataclass(frozen=True, slots=True)
class _Recorded:
    given: Tensor
    replay: Callable[[], None]
    made: Tensor


class Graphs:
    """The recorded computations of one stream."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self._recorded: dict[Hashable, _Recorded] = {}
        self._seen: Counter[Hashable] = Counter()
        self._refused: set[Hashable] = set()

    def __call__(
        self,
        key: Hashable,
        host: Tensor,
        compute: Callable[[Tensor], Tensor],
        device: torch.device,
    ) -> Tensor | None:
        """Replay a computation, and record it first where it has come often enough.

        Args:
            key: names the computation; shapes are added to it.
            host: (B, ...) values on the CPU.
            compute: (N, ...) on the device -> (N, ...), each row of its own input alone.
            device: where it is computed.

        Returns:
            (B, ...) in memory that the next replay overwrites; None where it is to be computed as
            usual.
        """
        count = len(host)
        size = next((size for size in SIZES if size >= count), 0)
        key = (key, size, tuple(host.shape[1:]), host.dtype)
        if not size or key in self._refused:
            return None
        recorded = self._recorded.get(key)
        if recorded is None:
            self._seen[key] += 1
            if self._seen[key] <= AFTER or len(self._recorded) >= MOST:
                return None
            given = torch.zeros((size, *host.shape[1:]), dtype=host.dtype, device=device)
            try:
                replay, made = self._record(lambda: compute(given))
            except RuntimeError:  # out of memory, or an operation that cannot be recorded
                self._refused.add(key)
                return None
            recorded = self._recorded[key] = _Recorded(given, replay, made)
        recorded.given[:count].copy_(host, non_blocking=True)
        recorded.replay()
        return recorded.made[:count]

    def clear(self) -> None:
        """Drop what was recorded; it is not recorded again."""
        self._refused |= self._recorded.keys()
        self._recorded.clear()


def record_on(stream: torch.cuda.Stream) -> Record:
    """Give what records on a stream; its graphs share memory, since they never overlap."""
    pool: list[Any] = []

    def record(compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        if not pool:
            pool.append(torch.cuda.graph_pool_handle())
        compute()  # kernels are chosen and libraries loaded outside of the recording
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(
            graph, pool=pool[0], stream=stream, capture_error_mode="thread_local"
        ):
            made = compute()
        return graph.replay, made

    return record
