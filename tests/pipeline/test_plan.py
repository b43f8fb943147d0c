"""The plan and the costs that it is made of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.pipeline.costs import ENOUGH, StepTimes, last_times, loads
from archive_colorizer.pipeline.plan import (
    GPU_BATCHES,
    Load,
    Resources,
    consecutive_kinds,
    plan,
    split,
)
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import Kind

COLOURS = (
    Load(kind="cpu", ms=0.4), Load(kind="cpu", ms=2.5), Load(kind="gpu", ms=8.0),
    Load(kind="cpu", ms=31.0), Load(kind="cpu", ms=0.5),
)  # fmt: skip
ENLARGES = (
    *COLOURS[:3], Load(kind="cpu", ms=2.4, alone=True), Load(kind="gpu", ms=300.0, alone=True),
    Load(kind="cpu", ms=130.0), COLOURS[4],
)  # fmt: skip


@pytest.mark.parametrize(
    ("cpus", "gpus", "enlarges", "actors"),
    [
        (2, 0, False, [2]),
        (16, 0, False, [16]),
        (64, 0, True, [64]),
        (2, 1, False, [1, 1, 1]),
        (16, 1, False, [2, 1, 13]),  # 15 cores: 2.9 ms against 31.5
        (64, 1, False, [6, 1, 57]),
        (2, 8, False, [1, 8, 1]),
        (16, 8, False, [1, 8, 7]),
        (64, 8, False, [5, 8, 51]),
        (2, 1, True, [1, 1, 1, 1, 1]),
        (16, 1, True, [1, 1, 1, 1, 12]),
        (64, 8, True, [1, 8, 1, 8, 46]),
    ],
)
def test_actors_go_where_the_work_is(
    cpus: int, gpus: int, enlarges: bool, actors: list[int]
) -> None:
    pools = plan(Resources(cpus=cpus, gpus=gpus), ENLARGES if enlarges else COLOURS)
    assert [pool.actors for pool in pools] == actors


def test_the_number_of_fused_actors_can_be_chosen() -> None:
    assert plan(Resources(cpus=8, workers=3), COLOURS)[0].actors == 3


def test_with_gpus_the_steps_are_staged() -> None:
    before, model, after = plan(Resources(cpus=16, gpus=1), COLOURS)
    assert (before.steps, model.steps, after.steps) == (slice(0, 2), slice(2, 3), slice(3, 5))
    assert (model.gpus, model.custom) == (1.0, {})


def test_pools_on_gpus_share_them() -> None:
    pools = plan(Resources(cpus=16, gpus=2), ENLARGES)
    assert [pool.gpus for pool in pools] == [0, 0.5, 0, 0.5, 0]
    assert [pool.batch_size for pool in pools] == [1] * 5
    played = plan(Resources(cpus=16, gpus=2, gpu_resource="pretend_gpu"), ENLARGES)
    assert [pool.custom for pool in played] == [
        {}, {"pretend_gpu": 0.5}, {}, {"pretend_gpu": 0.5}, {},
    ]  # fmt: skip


def test_another_resource_can_stand_for_the_gpu() -> None:
    model = plan(Resources(cpus=2, gpus=1, gpu_resource="pretend_gpu"), COLOURS)[1]
    assert (model.gpus, model.custom) == (0.0, {"pretend_gpu": 1.0})


def test_two_kinds_of_step_in_one_run_stay_together() -> None:
    assert consecutive_kinds(("cpu", "gpu", "gpu", "cpu")) == (
        slice(0, 1),
        slice(1, 3),
        slice(3, 4),
    )


@given(
    cpus=st.integers(1, 512),
    gpus=st.integers(0, 64),
    workers=st.integers(0, 64),
    way=st.sampled_from([COLOURS, ENLARGES]),
)
def test_a_plan_covers_every_step_once_in_order(
    cpus: int, gpus: int, workers: int, way: tuple[Load, ...]
) -> None:
    pools = plan(Resources(cpus=cpus, gpus=gpus, workers=workers), way)
    covered = [i for pool in pools for i in range(len(way))[pool.steps]]
    assert covered == list(range(len(way)))
    assert all(pool.actors >= 1 for pool in pools)


@given(cpus=st.integers(1, 512), gpus=st.integers(0, 64), way=st.sampled_from([COLOURS, ENLARGES]))
def test_a_plan_never_asks_for_more_than_there_is(
    cpus: int, gpus: int, way: tuple[Load, ...]
) -> None:
    pools = plan(Resources(cpus=cpus, gpus=gpus), way)
    assert sum(pool.actors * pool.cpus for pool in pools) <= cpus
    assert sum(pool.actors * pool.gpus for pool in pools) <= gpus


@given(actors=st.integers(3, 200), costs=st.lists(st.floats(0.1, 1e4), min_size=1, max_size=3))
def test_no_other_split_has_a_quicker_slowest_pool(actors: int, costs: list[float]) -> None:
    counts = split(actors, costs)
    assert sum(counts) == actors
    slowest = max(cost / count for cost, count in zip(costs, counts, strict=True))
    for i in range(len(costs)):
        for j in range(len(costs)):
            if i == j or counts[i] == 1:
                continue
            moved = [n - (k == i) + (k == j) for k, n in enumerate(counts)]
            other = max(cost / count for cost, count in zip(costs, moved, strict=True))
            assert other >= slowest * (1 - 1e-9)


@pytest.mark.parametrize("gpus", [0, 2])
def test_the_batch_size_reaches_every_pool(gpus: int) -> None:
    pools = plan(Resources(cpus=4, gpus=gpus, batch_size=7), COLOURS)
    wanted = [7] if not gpus else [7, 7 * GPU_BATCHES, 7]
    assert [pool.batch_size for pool in pools] == wanted


class Named:
    """What costs need of a step."""

    kind: Kind = "cpu"
    alone = False

    def __init__(self, name: str) -> None:
        self.name = name


def costs(mean_bytes: float, *more: object, **named: object) -> list[float]:
    way = [Named(name) for name in ("read", "prepare", "deliver")]
    return [load.ms for load in loads(way, mean_bytes, *more, **named)]  # type: ignore[arg-type]


def test_costs_are_those_of_the_pictures_size_and_of_the_derivatives_form() -> None:
    read, prepare, deliver = costs(0.6e6)
    assert 7 < deliver / (read + prepare) < 14  # 31.5 against 2.9 on this machine
    assert costs(12e6)[2] > 5 * deliver
    assert costs(0.6e6, "tiff")[2] > 4 * deliver
    assert costs(0.6e6, "jpeg", 4)[2] > 5 * deliver
    assert costs(0.6e6, "jpeg", 4)[:2] == [read, prepare]
    assert costs(1e12) == costs(1e11)  # what is no picture's size is not believed


def test_what_the_last_run_took_goes_first() -> None:
    measured = {"read": 50.0, "prepare": 3.0, "compose": 4.0, "encode": 5.0, "write": 6.0}
    assert costs(0.6e6, measured=measured) == [50, 3, 15]
    assert costs(0.6e6, measured={}) == costs(0.6e6)


def test_a_run_leaves_the_times_of_its_steps_unless_they_are_few() -> None:
    times = StepTimes()
    times.add([Recorded("a", "failed", "x", {"read": 9e9})])
    times.add([Recorded("a", "ok", "", {"read": 2.0, "write": None})] * (ENOUGH - 1))
    assert times.to_json() == {}
    times.add([Recorded("a", "ok", "", {"read": 2.0 + ENOUGH, "write": 1.6})])
    assert times.to_json() == {"read": 3.0, "write": 0.1}
    assert last_times({"work": {"step_ms": times.to_json()}}) == {"read": 3.0, "write": 0.1}
    for work in (None, {"pictures": 3}, {"step_ms": {"read": "x"}}):
        assert last_times({"work": work}) == {}
