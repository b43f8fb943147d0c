import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.pipeline.job import Resources, consecutive_kinds, plan

KINDS = ("cpu", "cpu", "gpu", "cpu", "cpu")


def test_without_gpus_one_pool_runs_every_step_with_an_actor_a_core() -> None:
    (pool,) = plan(Resources(cpus=2), KINDS)
    assert (pool.steps, pool.actors, pool.cpus) == (slice(0, 5), 2, 1)


def test_the_number_of_fused_actors_can_be_chosen() -> None:
    assert plan(Resources(cpus=8, workers=3), KINDS)[0].actors == 3


def test_with_gpus_the_steps_are_staged() -> None:
    before, model, after = plan(Resources(cpus=16, gpus=1), KINDS)
    assert (before.steps, model.steps, after.steps) == (slice(0, 2), slice(2, 3), slice(3, 5))
    assert (before.actors, model.actors, after.actors) == (5, 1, 10)
    assert (model.gpus, model.custom) == (1.0, {})


def test_another_resource_can_stand_for_the_gpu() -> None:
    model = plan(Resources(cpus=2, gpus=1, gpu_resource="pretend_gpu"), KINDS)[1]
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
)
def test_a_plan_covers_every_step_once_in_order(cpus: int, gpus: int, workers: int) -> None:
    pools = plan(Resources(cpus=cpus, gpus=gpus, workers=workers), KINDS)
    covered = [i for pool in pools for i in range(len(KINDS))[pool.steps]]
    assert covered == list(range(len(KINDS)))
    assert all(pool.actors >= 1 for pool in pools)


@given(cpus=st.integers(2, 512), gpus=st.integers(0, 64))
def test_a_plan_never_asks_for_more_cores_than_there_are(cpus: int, gpus: int) -> None:
    pools = plan(Resources(cpus=cpus, gpus=min(gpus, cpus)), KINDS)
    assert sum(pool.actors * pool.cpus for pool in pools) <= cpus


@pytest.mark.parametrize("gpus", [0, 2])
def test_the_batch_size_reaches_every_pool(gpus: int) -> None:
    pools = plan(Resources(cpus=4, gpus=gpus, batch_size=7), KINDS)
    assert {pool.batch_size for pool in pools} == {7}
