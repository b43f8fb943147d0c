"""Workers as Ray builds them, called here without a cluster."""

import logging
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from archive_colorizer.errors import LockedError, ModelReferenceError
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.engines.transport import pack, raise_stop
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_models import models_of
from archive_colorizer.pipeline.job_spec import JobSpec, make_spec
from archive_colorizer.pipeline.output import layout
from archive_colorizer.pipeline.plan import Pool
from archive_colorizer.storage import open_store

Job = Callable[..., JobConfig]


def stage_worker(*given: Any) -> Any:
    """Loaded late: Ray reads the environment's token but once, and other tests set one."""
    from archive_colorizer.pipeline.engines.ray import StageWorker

    return StageWorker(*given)


def spec_of(config: JobConfig, tmp_path: Path) -> JobSpec:
    layout.prepare(open_store(str(tmp_path / "out")))
    return make_spec(config, models_of(config), owner="this run")


def test_a_worker_whose_model_is_gone_gives_that_error_and_every_stage_hands_it_on(
    job: Job, tmp_path: Path, tiny_model: str
) -> None:
    model = shutil.copytree(tiny_model, tmp_path / "model")
    spec = spec_of(job(color={"model": str(model)}), tmp_path)
    shutil.rmtree(model)
    count = len(steps(spec))
    table = stage_worker(spec, 0, 3, 1)(pa.table({"row_id": ["a"]}))
    for stage in (slice(3, count - 1), slice(count - 1, count)):
        with pytest.raises(ModelReferenceError, match="cannot be read") as caught:
            raise_stop(table)
        assert "\n" not in str(caught.value)
        table = stage_worker(spec, stage.start, stage.stop, 1)(table)
    with pytest.raises(ModelReferenceError):
        raise_stop(table)


def test_a_worker_that_was_stopped_in_a_step_does_no_more_work(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec_of(job(), tmp_path)
    last = len(steps(spec))
    worker = stage_worker(spec, last - 1, last, 1)
    with pytest.raises(LockedError, match="the run of this worker is over"):  # no lease is there
        raise_stop(worker(pack([])))
    monkeypatch.setattr(worker, "_quarantine", None)
    with pytest.raises(LockedError):
        raise_stop(worker(pack([])))


def test_blocks_are_cut_for_the_largest_pool_and_retries_for_the_batch() -> None:
    from archive_colorizer.pipeline.engines.ray import _bound_retries, _cut_blocks

    pools = [
        Pool(steps=slice(i, i + 1), actors=count, cpus=1) for i, count in enumerate((2, 1, 13))
    ]
    todo = pa.table({"row_id": [str(i) for i in range(640)]})
    assert [block.num_rows for block in _cut_blocks(todo, pools)] == [16] * 40
    assert [block.num_rows for block in _cut_blocks(todo, pools[:2])] == [64] * 10
    for size in (1, 16, 64):  # twice each picture of a batch, and some
        assert _bound_retries(size)["max_task_retries"] > 2 * size
        assert _bound_retries(size)["max_restarts"] > 2 * size


@pytest.mark.slow
def test_a_worker_without_a_network_loads_no_torch(job: Job, tmp_path: Path) -> None:
    spec = spec_of(job(), tmp_path)
    (tmp_path / "spec").write_bytes(pickle.dumps(spec))
    code = """
import pickle, sys
from pathlib import Path
from archive_colorizer.pipeline.engines.ray import StageWorker
spec = pickle.loads(Path(sys.argv[1]).read_bytes())
for first, last, loaded in ((0, 2, False), (3, 5, False), (2, 3, True)):
    StageWorker(spec, first, last, 1)
    assert ("torch" in sys.modules) == loaded, (first, last)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "spec")], check=True, timeout=240)


def test_ray_data_is_loaded_after_the_workers_are_told_and_stays_quiet() -> None:
    """It is half of what Ray takes to load; its own import makes it talk."""
    program = (
        "import logging, sys\n"
        "import archive_colorizer.pipeline.engines.ray\n"
        "from archive_colorizer.cluster import load_ray_data\n"
        "early = 'ray.data' in sys.modules\n"
        "load_ray_data()\n"
        "print(early, 'ray.data' in sys.modules, logging.getLogger('ray.data').level)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["False", "True", str(logging.ERROR)], done.stderr
