"""Run a network: on its device, in a precision, with every error of torch turned into ours.

A batch that fails is halved, down to single pictures, so that one picture's fault is its own. This
is the only module that knows how torch says that memory ran out.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import cycle
from typing import Any, Final, TypeVar

import torch
from torch import nn

from archive_colorizer.errors import (
    MemoryPhotoError,
    ModelPhotoError,
    ModelReferenceError,
    PhotoError,
)
from archive_colorizer.inference.device import (
    Precision,
    choose_device,
    choose_dtype,
    exact,
    quick,
    seeded,
)
from archive_colorizer.inference.lanes import Lane, open_lanes
from archive_colorizer.registry.resolve import load
from archive_colorizer.weights.reference import ResolvedModel

In = TypeVar("In")
Out = TypeVar("Out")
Held = TypeVar("Held")
MAX_TEXT: Final = 200
OUT_OF_MEMORY: Final = (
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "alloc_failed",
)
"""Lower-case parts of the plain RuntimeErrors by which the CPU's allocator, cuBLAS and cuDNN say
that memory ran out."""


class Runner:
    """A network with the device and the precision that it runs with.

    The module may belong to someone else (a training run): it is neither moved nor changed here.
    """

    def __init__(
        self,
        module: nn.Module,
        precision: Precision = "auto",
        seed: int | None = None,
        *,
        graphs: bool = False,
    ) -> None:
        """Take a module where it is.

        Args:
            module: in evaluation mode, on one device.
            precision: of its products.
            seed: sets the random state before each call, and the caller's is put back afterwards;
                None leaves the random state alone.
            graphs: record what comes again and again as CUDA graphs.
        """
        self.module: Any = module
        self.device = device_of(module)
        self._dtype = choose_dtype(precision, self.device)
        self._exact, self._seed = precision == "exact", seed
        free = not self._exact and seed is None
        self.lanes = open_lanes(self.device, graphs=graphs and free, several=free)

    @property
    def precision(self) -> str:
        """Float32 or bfloat16, as the manifest records it."""
        return str(self._dtype).removeprefix("torch.")

    @property
    def parameters(self) -> int:
        """Number of the network's parameters."""
        return sum(value.numel() for value in self.module.parameters())

    def __call__(self, compute: Callable[[], Out], *, in_float32: bool = False) -> Out:
        """Compute with the network.

        Args:
            compute: calls the module and brings its result to the CPU, where late errors show.
            in_float32: for results that bfloat16 has too few steps for.

        Raises:
            MemoryPhotoError: the device or the CPU has no room for it.
            ModelPhotoError: the network raised.
        """
        with translated_errors(), ExitStack() as stack:
            if self._seed is not None:
                stack.enter_context(seeded(self._seed, self.device))
            dtype = torch.float32 if in_float32 else self._dtype
            stack.enter_context(exact(self.device) if self._exact else quick(self.device, dtype))
            return compute()

    def each(
        self,
        batch: Sequence[In],
        forward: Callable[[Sequence[In]], Sequence[Out | PhotoError]],
        *,
        in_float32: bool = False,
    ) -> list[Out | PhotoError]:
        """Run a batch; one that fails is halved, down to single items.

        Args:
            batch: what goes through the network together.
            forward: a batch to as many results, in order.
            in_float32: as a call takes it.

        Returns:
            For each item its result, or the error that it had alone.
        """
        try:
            return list(self(lambda: forward(batch), in_float32=in_float32))
        except PhotoError as error:
            # A new one: the caught one's traceback keeps the batch's tensors alive.
            alone: PhotoError = type(error)(str(error))
        for lane in self.lanes:
            lane.forget()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if len(batch) == 1:
            return [alone]
        half = len(batch) // 2
        halves = batch[:half], batch[half:]
        return [one for part in halves for one in self.each(part, forward, in_float32=in_float32)]

    def stream(
        self,
        batches: Iterable[Sequence[In]],
        start: Callable[[Sequence[In], Lane], Held],
        finish: Callable[[Sequence[In], Held], Sequence[Out | PhotoError]],
        *,
        in_float32: bool = False,
    ) -> Iterator[list[Out | PhotoError]]:
        """Run batches one after the other, as many at a time as there are lanes.

        A batch that fails is done again by itself, as `each` does it, after those before it.

        Args:
            batches: in order.
            start: sends a batch along a lane, and gives what it is known by from then on.
            finish: waits for a batch, and gives as many results, in order.
            in_float32: as a call takes it.

        Yields:
            For each batch, in order, its results or errors.
        """

        def alone(some: Sequence[In]) -> Sequence[Out | PhotoError]:
            return finish(some, start(some, self.lanes[0]))

        for batch, found in self._overlap(batches, start, finish, in_float32):
            yield self.each(batch, alone, in_float32=in_float32) if found is None else list(found)

    def _overlap(
        self,
        batches: Iterable[Sequence[In]],
        start: Callable[[Sequence[In], Lane], Held],
        finish: Callable[[Sequence[In], Held], Sequence[Out | PhotoError]],
        in_float32: bool,
    ) -> Iterator[tuple[Sequence[In], Sequence[Out | PhotoError] | None]]:
        """Start a batch on every lane before the first is awaited; yields None for one to be done
        again. With one lane all are: by themselves, in order.
        """
        waiting: deque[tuple[Sequence[In], Held]] = deque()

        def land() -> tuple[Sequence[In], Sequence[Out | PhotoError] | None]:
            batch, held = waiting.popleft()
            return batch, self._attempt(lambda: finish(batch, held), in_float32)

        for batch, lane in zip(batches, cycle(self.lanes), strict=False):
            if len(self.lanes) == 1:
                yield batch, None
                continue
            held = self._attempt(partial(start, batch, lane), in_float32)
            if held is not None:
                waiting.append((batch, held))
            while waiting and (held is None or len(waiting) == len(self.lanes)):
                yield land()
            if held is None:
                yield batch, None
        while waiting:
            yield land()

    def _attempt(self, compute: Callable[[], Out], in_float32: bool) -> Out | None:
        """Compute; None where a batch fails, whose error nobody keeps: it holds its tensors."""
        try:
            return self(compute, in_float32=in_float32)
        except PhotoError:
            return None


def open_runner(
    model: ResolvedModel,
    precision: Precision = "auto",
    *,
    device: torch.device | None = None,
    seed: int | None = None,
    graphs: bool = False,
) -> Runner:
    """Load a model onto a device.

    Args:
        model: the reference, resolved.
        precision: of its products.
        device: None takes the GPU where there is one.
        seed: as `Runner` takes it.
        graphs: as `Runner` takes it.

    Raises:
        ModelReferenceError: it cannot be loaded, or the device has no room for it.
    """
    place = device or choose_device("auto")
    try:
        with translated_errors():
            module: Any = load(model)
            module = module.to(device=place)
            if precision != "exact":  # other kernels, and other last digits
                module = module.to(memory_format=torch.channels_last)
    except PhotoError as error:
        reason = "no room for it" if isinstance(error, MemoryPhotoError) else error
        raise ModelReferenceError(f"{model.ref}: cannot be put on {place}: {reason}") from error
    return Runner(module, precision, seed, graphs=graphs)


@contextmanager
def evaluating(*modules: nn.Module) -> Iterator[None]:
    """Modules in evaluation mode; each one's own mode is put back afterwards."""
    modes = [module.training for module in modules]
    try:
        for module in modules:
            module.eval()
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.train(mode)


def device_of(module: nn.Module) -> torch.device:
    """The device that a module's first parameter is on; the CPU for one without parameters."""
    first = next(module.parameters(), None)
    return torch.device("cpu") if first is None else first.device


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what torch raises into our errors.

    A GPU that failed is no picture's fault and fails for all that come after: that stays an error
    of the program.

    Raises:
        MemoryPhotoError: memory ran out.
        ModelPhotoError: the network raised.
    """
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise MemoryPhotoError("the model ran out of memory on this picture alone") from error
    except (RuntimeError, ValueError) as error:
        if any(words in str(error).lower() for words in OUT_OF_MEMORY):
            raise MemoryPhotoError("the model ran out of memory on this picture alone") from error
        if isinstance(error, torch.AcceleratorError):
            raise
        text = " ".join(str(error).split())[:MAX_TEXT]
        raise ModelPhotoError(f"the model raised {type(error).__name__}: {text}") from error


def not_finite() -> ModelPhotoError:
    """The error of a picture for which the model gave NaN or infinity."""
    return ModelPhotoError("the model gave values that are not finite")
