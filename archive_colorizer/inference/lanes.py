"""The way of a batch to the device and back, so that one travels while another is computed.

On CUDA each batch goes along a lane: a stream of its own, and memory that is pinned, because only
such memory is copied beside computation. Two lanes overlap. On the CPU nothing travels, and one
lane is all there is.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.inference.graphs import Graphs, record_on

CUDA_LANES: Final = 2
"""Batches in flight on a GPU: one is computed, the other one comes or goes."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Values that are on their way to the CPU."""

    host: Tensor
    event: torch.cuda.Event | None = None
    """Is over when they are there; None where they are there already."""

    def wait(self) -> NDArray[Any]:
        """Wait for the values, and give them as an array of its own memory."""
        if self.event is None:
            return np.asarray(self.host.numpy())
        self.event.synchronize()
        return np.array(self.host.numpy())  # pinned memory is scarce, and used again


class Lane:
    """The CPU's way: values stay where they are."""

    @contextmanager
    def open(self) -> Iterator[None]:
        """Whatever is computed within the block is in this lane's order."""
        yield

    def empty(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Memory on the CPU to be filled, then sent."""
        return torch.empty(tuple(shape), dtype=dtype)

    def compute(
        self, host: Tensor, compute: Callable[[Tensor], Tensor], key: Hashable | None = None
    ) -> Tensor:
        """Send values to the device and compute something of them.

        Args:
            host: from `empty`; left alone until the result has arrived.
            compute: of the values on the device, picture by picture.
            key: names the computation, which then may be recorded; None for one that waits for the
                device, or that hangs on more than the values.
        """
        del key
        return compute(host)

    def fetch(self, made: Tensor) -> Arrival:
        """Bring a result to the CPU."""
        return Arrival(made.contiguous())

    def forget(self) -> None:
        """Give back memory that is kept for later batches."""


class CudaLane(Lane):
    """A stream on a GPU, with the graphs that were recorded on it."""

    def __init__(self, device: torch.device, *, graphs: bool) -> None:
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._device = device
        self._graphs = Graphs(record_on(self._stream)) if graphs else None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Put what is computed within the block on the lane's stream.

        It comes after what was begun outside: the weights are sent, or trained, on another stream.
        """
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(self._stream):
            yield

    def empty(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """Pinned memory; torch keeps it for the next batch once it is not used any more."""
        return torch.empty(tuple(shape), dtype=dtype, pin_memory=True)

    def compute(
        self, host: Tensor, compute: Callable[[Tensor], Tensor], key: Hashable | None = None
    ) -> Tensor:
        """As `Lane.compute`; replays a graph where there is one."""
        if self._graphs is not None and key is not None:
            made = self._graphs(key, host, compute, self._device)
            if made is not None:
                return made
        return compute(host.to(self._device, non_blocking=True))

    def fetch(self, made: Tensor) -> Arrival:
        """Begin to copy a result into pinned memory."""
        host = self.empty(made.shape, made.dtype)
        host.copy_(made, non_blocking=True)
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record(self._stream)
        return Arrival(host, event)

    def forget(self) -> None:
        """Drop the graphs, and the memory that they hold."""
        if self._graphs is not None:
            self._stream.synchronize()
            self._graphs.clear()


def open_lanes(device: torch.device, *, graphs: bool, several: bool) -> tuple[Lane, ...]:
    """Open the lanes of a device.

    Args:
        device: of the network.
        graphs: record computations that come again and again; on CUDA alone.
        several: let batches overlap; on CUDA alone.
    """
    if device.type != "cuda":
        return (Lane(),)
    count = CUDA_LANES if several else 1
    return tuple(CudaLane(device, graphs=graphs) for _ in range(count))
