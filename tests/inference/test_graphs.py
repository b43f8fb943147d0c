"""Recorded computations and batches in flight, played on the CPU; on a GPU where there is one."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from failing import failing
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from toys import Constant

from archive_colorizer.errors import MemoryPhotoError, PhotoError
from archive_colorizer.inference import graphs as graphs_module
from archive_colorizer.inference.batching import Chroma, GreyPicture
from archive_colorizer.inference.colorizer import Colorizer
from archive_colorizer.inference.graphs import AFTER, MOST, Graphs
from archive_colorizer.inference.lanes import Arrival, Lane
from archive_colorizer.inference.runner import Runner, open_runner
from archive_colorizer.models.catalog import FAMILIES
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import resolve

CPU = torch.device("cpu")
LITE = {"widths": [16, 8, 8, 8], "head": 8}


def play(compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
    """As a GPU records: a replay computes anew into the same memory."""
    made = compute().clone()

    def replay() -> None:
        made.copy_(compute())

    return replay, made


class PlayedLane(Lane):
    """A lane of a GPU, played: graphs by `play`, and a result that is there when it is awaited."""

    def __init__(self) -> None:
        self.graphs = Graphs(play)

    def compute(
        self, host: Tensor, compute: Callable[[Tensor], Tensor], key: object = None
    ) -> Tensor:
        made = None if key is None else self.graphs(key, host, compute, CPU)
        return compute(host) if made is None else made

    def fetch(self, made: Tensor) -> Arrival:
        return Arrival(made.clone())

    def forget(self) -> None:
        self.graphs.clear()


def doubled(count: list[int]) -> Callable[[Tensor], Tensor]:
    def compute(x: Tensor) -> Tensor:
        count.append(len(x))
        return x * 2

    return compute


def test_a_shape_that_comes_again_is_recorded_and_filled_up_to_few_sizes() -> None:
    record = Graphs(play)
    calls: list[int] = []
    for turn in range(AFTER + 3):
        host = torch.full((3, 5), turn + 1)
        made = record("double", host, doubled(calls), CPU)
        if turn < AFTER:
            assert made is None
        else:
            assert made is not None
            assert torch.equal(made, host * 2)
    assert set(calls) == {4}  # never three: the size next above
    other = torch.ones((33, 5), dtype=torch.int64)
    assert all(record("double", other, doubled(calls), CPU) is None for _ in range(AFTER + 2))


def test_no_more_shapes_are_recorded_than_may_be() -> None:
    record = Graphs(play)
    for side in range(1, MOST + 4):
        made = [record("x", torch.ones(1, side), doubled([]), CPU) for _ in range(AFTER + 1)]
        assert (made[-1] is not None) == (side <= MOST)


def test_what_cannot_be_recorded_is_computed_as_usual_and_not_tried_again() -> None:
    tried: list[bool] = []

    def refuse(compute: Callable[[], Tensor]) -> tuple[Callable[[], None], Tensor]:
        tried.append(True)
        raise RuntimeError("operation not permitted when stream is capturing")

    record = Graphs(refuse)
    for _ in range(AFTER + 3):
        assert record("x", torch.ones(1, 2), doubled([]), CPU) is None
    assert tried == [True]


def grays(*shapes: tuple[int, int]) -> list[GreyPicture]:
    rng = np.random.default_rng(0)
    return [GreyPicture(rng.integers(100, 256, shape, dtype=np.uint8)) for shape in shapes]


def lite() -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS["chroma_lite"].build_from(LITE).eval()


def test_overlapping_and_recorded_batches_give_the_same_colours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(graphs_module, "AFTER", 1)
    module, pictures = lite(), grays(*[(40, 50)] * 14, (64, 90), (33, 64), (64, 90))
    plain = Colorizer(Runner(module, "float32"), multiple=32)(pictures, 3)
    runner = Runner(module, "float32")
    lanes = PlayedLane(), PlayedLane()
    runner.lanes = lanes
    found = Colorizer(runner, multiple=32)(pictures, 3)
    for one, other in zip(plain, found, strict=True):
        assert isinstance(one, Chroma)
        assert isinstance(other, Chroma)
        assert np.allclose(one.ab_2hw, other.ab_2hw, atol=0.05)
        assert one.ab_2hw.shape == other.ab_2hw.shape
    assert sum(len(lane.graphs._recorded) for lane in lanes) >= 2


def test_a_batch_is_started_before_the_one_before_it_is_awaited() -> None:
    runner, told = Runner(Constant(0, 0)), []
    runner.lanes = (Lane(), Lane())

    def start(batch: Sequence[int], lane: Lane) -> int:
        told.append(("start", batch[0]))
        return batch[0]

    def finish(batch: Sequence[int], held: int) -> list[int]:
        told.append(("finish", held))
        return [held * 10 for _ in batch]

    assert list(runner.stream([[1], [2], [3]], start, finish)) == [[10], [20], [30]]
    assert told == [
        ("start", 1), ("start", 2), ("finish", 1), ("start", 3), ("finish", 2), ("finish", 3),
    ]  # fmt: skip
    told.clear()
    runner.lanes = (Lane(),)
    assert list(runner.stream([[1], [2]], start, finish)) == [[10], [20]]
    assert told == [("start", 1), ("finish", 1), ("start", 2), ("finish", 2)]


@pytest.mark.parametrize("late", [False, True])
def test_memory_that_runs_out_halves_the_batch_it_ran_out_for(late: bool) -> None:
    runner, sizes = Runner(Constant(0, 0)), []
    runner.lanes = (Lane(), Lane())

    def fail(batch: Sequence[int]) -> None:
        sizes.append(len(batch))
        if len(batch) > 1 and 5 in batch:
            raise MemoryError

    def start(batch: Sequence[int], lane: Lane) -> Sequence[int]:
        if not late:
            fail(batch)
        return batch

    def finish(batch: Sequence[int], held: Sequence[int]) -> list[int]:
        if late:
            fail(batch)
        return list(held)

    found = list(runner.stream([[1, 2], [3, 4, 5, 6], [7, 8]], start, finish))
    assert found == [[1, 2], [3, 4, 5, 6], [7, 8]]
    assert sorted(sizes) == [1, 1, 2, 2, 2, 2, 4, 4]


def test_a_picture_that_fails_in_flight_leaves_its_neighbours_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Constant, "predict", failing(Constant.predict, "CUDA's out-of-memory"))
    pictures = grays((40, 40), (40, 40), (40, 40), (40, 40))
    pictures[2] = GreyPicture(np.zeros((40, 40), np.uint8))
    runner = Runner(Constant(3, 4))
    runner.lanes = (PlayedLane(), PlayedLane())
    found = Colorizer(runner)(pictures, 1)
    assert [isinstance(one, PhotoError) for one in found] == [False, False, True, False]
    assert isinstance(found[2], MemoryPhotoError)


def test_families_that_say_so_can_be_recorded() -> None:
    """Nothing in their prediction looks at a value: that would wait for the device."""
    names = [name for name, row in FAMILIES.items() if row.recordable]
    assert "chroma_lite" in names
    for name in names:
        module = MODELS[name].build_from(
            LITE if name == "chroma_lite" else {
                "widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8
            }
        ).eval()  # fmt: skip
        with FakeTensorMode(allow_non_fake_inputs=True):  # shapes without values
            found = module.predict(torch.empty(2, 1, 64, 96))
        assert found.ab_b2hw.shape == (2, 2, 16, 24)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_graphs_and_lanes_give_what_the_plain_way_gives() -> None:
    pictures = grays(*[(256, 384)] * 40, (256, 300), (384, 256))
    model = resolve("builtin:default")
    plain = Colorizer(open_runner(model, "exact"), multiple=32)(pictures, 8)
    quick = Colorizer(open_runner(model, "float32", graphs=True), multiple=32)
    for _ in range(4):
        found = quick(pictures, 4)
    for one, other in zip(plain, found, strict=True):
        assert isinstance(one, Chroma)
        assert isinstance(other, Chroma)
        assert np.abs(one.ab_2hw - other.ab_2hw).max() < 0.5
