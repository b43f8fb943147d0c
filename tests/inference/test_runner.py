"""How a network is run: halving, errors, finiteness, precision and randomness."""

from collections.abc import Sequence

import pytest
import torch
from failing import NO_ROOM_ON_CPU
from torch import Tensor, nn

from archive_colorizer.errors import (
    MemoryPhotoError,
    ModelPhotoError,
    ModelReferenceError,
    PhotoError,
)
from archive_colorizer.inference import runner as runner_module
from archive_colorizer.inference.device import Precision
from archive_colorizer.inference.runner import Runner, device_of, evaluating, open_runner
from archive_colorizer.registry.resolve import resolve


class Square(nn.Module):
    """Squares a number, with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2, 2))

    def forward(self, x: Tensor) -> Tensor:
        return x * x


def raising(error: Exception) -> PhotoError:
    def fail() -> None:
        raise error

    with pytest.raises(PhotoError) as caught:
        Runner(Square())(fail)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError(NO_ROOM_ON_CPU),
        RuntimeError("[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough "
                     "memory: you tried to allocate 8 bytes."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    ],
)  # fmt: skip
def test_every_way_in_which_memory_runs_out_is_out_of_memory(error: Exception) -> None:
    assert isinstance(raising(error), MemoryPhotoError)


def test_the_cpus_own_allocator_is_understood() -> None:
    with pytest.raises(MemoryPhotoError):
        Runner(Square())(lambda: torch.empty(10**15))


def test_an_error_of_torch_is_the_models_and_one_line() -> None:
    error = raising(RuntimeError("sizes\n  do not match"))
    assert isinstance(error, ModelPhotoError)
    assert str(error) == "the model raised RuntimeError: sizes do not match"


def test_a_gpu_that_failed_and_a_broken_program_stay_what_they_are() -> None:
    for error in (torch.AcceleratorError("CUDA error: device-side assert"), TypeError("no such")):

        def fail(error: Exception = error) -> None:
            raise error

        with pytest.raises(type(error)):
            Runner(Square())(fail)


def test_a_batch_that_fails_is_halved_down_to_the_pictures_whose_fault_it_is() -> None:
    sizes: list[int] = []

    def forward(batch: Sequence[int]) -> list[int]:
        sizes.append(len(batch))
        if 5 in batch:
            raise RuntimeError("five")
        if len(batch) > 2:
            raise MemoryError
        return [number * number for number in batch]

    found = Runner(Square()).each(list(range(8)), forward)
    assert [one for one in found if not isinstance(one, PhotoError)] == [0, 1, 4, 9, 16, 36, 49]
    assert isinstance(found[5], ModelPhotoError)
    assert found[5].__traceback__ is None  # it would keep the batch's tensors alive
    assert sizes == [8, 4, 2, 2, 4, 2, 1, 1, 2]


def test_a_picture_that_has_no_room_alone_says_so() -> None:
    def forward(batch: Sequence[int]) -> list[int]:
        raise MemoryError

    found = Runner(Square()).each([1, 2], forward)
    assert [str(one) for one in found] == ["the model ran out of memory on this picture alone"] * 2


def test_precision_is_what_was_asked_for() -> None:
    def product() -> torch.dtype:
        weight = module.weight
        return (weight @ weight).dtype

    module = Square()
    for precision, dtype in (
        ("float32", torch.float32), ("exact", torch.float32), ("bfloat16", torch.bfloat16),
    ):  # fmt: skip
        runner = Runner(module, precision)
        assert runner(product) == dtype
        assert runner.precision == str(dtype).removeprefix("torch.")
        assert runner(product, in_float32=True) == torch.float32


def test_auto_is_bfloat16_where_the_cpu_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from archive_colorizer.inference import device

    for has, name in ((True, "bfloat16"), (False, "float32")):
        monkeypatch.setattr(device, "cpu_has_bfloat16", lambda has=has: has)
        assert Runner(Square(), "auto").precision == name


def test_no_gradients_are_kept() -> None:
    module = Square()
    for precision in ("float32", "exact"):
        assert not Runner(module, precision)(lambda: module(module.weight)).requires_grad


@pytest.mark.parametrize("precision", ["exact", "float32"])
def test_float32_is_without_tf32_and_leaves_it_as_it_was(precision: Precision) -> None:
    def tf32() -> tuple[bool, bool]:
        return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32

    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = True
    try:
        assert Runner(Square(), precision)(tf32) == (False, False)
        assert Runner(Square(), "bfloat16")(tf32, in_float32=True) == (False, False)
        assert Runner(Square(), "bfloat16")(tf32) == tf32() == (True, True)
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


def test_a_seed_sets_the_random_state_and_puts_the_callers_back() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    runner = Runner(Square(), seed=7)
    first, second = (runner(lambda: torch.rand(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first, Runner(Square(), seed=8)(lambda: torch.rand(3)))


def test_a_module_of_someone_else_stays_as_it_is() -> None:
    module = Square().train()
    with evaluating(module):
        assert not module.training
        Runner(module, "bfloat16")(lambda: module(module.weight))
    assert module.training
    assert module.weight.dtype == torch.float32


def test_a_model_of_ones_own_is_loaded_for_its_device(tiny_model: str) -> None:
    runner = open_runner(resolve(tiny_model), "float32", device=torch.device("cpu"))
    assert runner.device.type == "cpu"
    assert runner.parameters > 1000
    assert not runner.module.training
    assert device_of(nn.Identity()).type == "cpu"


def test_a_model_without_room_on_its_device_is_one_clear_line(
    tiny_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: nn.Module, **where: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(nn.Module, "to", full)
    with pytest.raises(ModelReferenceError, match="cannot be put on cpu: no room for it"):
        open_runner(resolve(tiny_model), device=torch.device("cpu"))


def test_memory_on_a_gpu_is_given_back_before_the_halves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A GPU that is played: its cache is emptied once for each batch that failed."""
    emptied: list[bool] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    runner = Runner(Square(), "float32")
    monkeypatch.setattr(runner_module.Runner, "__call__", lambda self, compute, **_: compute())
    runner.device = torch.device("cuda")

    def forward(batch: Sequence[int]) -> list[int]:
        if len(batch) > 1:
            raise MemoryPhotoError("no room")
        return list(batch)

    assert runner.each([1, 2], forward) == [1, 2]
    assert emptied == [True]
