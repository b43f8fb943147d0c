"""Ray Train around the loop, Ray Data before it.

Each worker reads its own stream of batches, made by Ray Data tasks on any free core. A step's batch
depends only on the seed and the step's number, so a stream can begin anywhere: a run that goes on,
and a worker that comes back after it was killed, see what they would have seen.
"""

import logging
import os
import traceback
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import ray
import ray.data
import ray.train
import torch
import torch.distributed as dist
from ray.train import FailureConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from archive_colorizer.cluster import join_cluster, load_ray_data
from archive_colorizer.errors import (
    ArchiveColorizerError,
    ConfigError,
    UsageError,
    deserialise_error,
    serialise_error,
)
from archive_colorizer.storage import parse_location
from archive_colorizer.training.feed import Feed
from archive_colorizer.training.group import ALONE, Group, Processes
from archive_colorizer.training.plan import TrainPlan, Work
from archive_colorizer.training.recipe import Batch

MAX_FAILURES: Final = 3
"""Lost workers that a run survives; each time it goes on from its last checkpoint."""
CHUNK_STEPS: Final = 1000
"""Steps of one Ray Data execution."""
STEPS_A_TASK: Final = 4


class TrainingFailedError(ArchiveColorizerError):
    """Workers failed more often than they are replaced."""


def train_on_ray(plan: TrainPlan, work: Work) -> None:
    """Train with as many workers as the plan says, on this machine or a cluster.

    Raises:
        UsageError: it stopped the workers.
        TrainingFailedError: workers failed again and again.
    """
    run = plan.config.run
    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    with join_cluster(run.address, verbose=run.verbose):
        load_ray_data(verbose=run.verbose)
        if not run.verbose:
            logging.getLogger("ray.train").setLevel(logging.ERROR)
        use_gpu, share = _share_resources(plan)
        trainer = TorchTrainer(
            _train_worker,
            train_loop_config={"plan": plan, "work": work, "threads": max(1, int(share["CPU"]))},
            scaling_config=ScalingConfig(
                num_workers=run.workers, use_gpu=use_gpu, resources_per_worker=share
            ),
            run_config=ray.train.RunConfig(
                name="train",
                **_choose_storage(plan),
                failure_config=FailureConfig(max_failures=MAX_FAILURES),
            ),
        )
        try:
            stopped_by = trainer.fit().return_value
        except ray.train.TrainingFailedError as error:
            raise _find_cause(error) from error
    if stopped_by:
        raise deserialise_error(stopped_by)


def _choose_storage(plan: TrainPlan) -> dict[str, Any]:
    """Ray Train's own files lie in RUN, reached as everything else there is."""
    place = parse_location(plan.folder).join("ray")
    if not place.is_s3:
        return {"storage_path": str(place.path)}
    from archive_colorizer.storage.arrow import object_file_system  # boto3 is slow to load

    return {
        "storage_path": f"{place.bucket}/{place.key}",
        "storage_filesystem": object_file_system(plan.config.run.s3),
    }


def _find_cause(error: ray.train.TrainingFailedError) -> ArchiveColorizerError:
    """Find the UsageError that made workers fail, or name the failure by its last line."""
    for failure in getattr(error, "worker_failures", {}).values():
        if isinstance(failure, UsageError):
            return failure
    text = str(error).strip().splitlines()
    return TrainingFailedError(text[-1] if text else "training failed")


def _share_resources(plan: TrainPlan) -> tuple[bool, dict[str, float]]:
    """Decide whether workers have a GPU each, and their share of the rest: half is Ray Data's.

    Raises:
        ConfigError: more GPUs are needed than there are.
    """
    run = plan.config.run
    total = ray.cluster_resources()
    cpus, gpus = total.get("CPU", 1), total.get("GPU", 0)
    if run.device == "cuda" and gpus < run.workers:
        raise ConfigError(f"--device cuda: {run.workers} workers, {gpus:g} GPUs")
    use_gpu = run.device == "cuda" or (run.device == "auto" and gpus >= run.workers)
    smallest = min(node["Resources"].get("CPU", 1) for node in ray.nodes() if node["Alive"])
    share = min(cpus / (2 * run.workers), max(1.0, smallest - 1))
    wanted = {"CPU": float(int(share)) if share >= 1 else share}
    return use_gpu, wanted | ({"GPU": 1.0} if use_gpu else {})


def _train_worker(given: dict[str, Any]) -> str | None:
    """Run one worker's part.

    An exception would make Ray Train start all workers anew. That helps where a worker was killed,
    and among several an exception may be what the others see of that. Alone, an exception is this
    program's own and would come again: it is returned as a value.

    Returns:
        The serialised error that stopped it; None at the end of the run.
    """
    plan: TrainPlan = given["plan"]
    work: Work = given["work"]
    # Its share and no more: threads that wait for one that has no core cost several times a step.
    torch.set_num_threads(given["threads"])
    device = str(ray.train.torch.get_device())
    group: Group = Processes(device) if dist.is_initialized() else ALONE
    try:
        work(plan, lambda feed, step: batches(feed, step, group), group, device)
    except Exception as error:
        if group.size > 1:
            raise
        if isinstance(error, ArchiveColorizerError):
            return serialise_error(error)
        return serialise_error(TrainingFailedError(traceback.format_exc()))
    return None


def batches(feed: Feed, first_step: int, group: Group = ALONE) -> Iterator[Batch]:
    """Yield a worker's share of every step's batch, from a step on, made by Ray Data; endless."""
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rank, size = group.rank, group.size

    def make(rows: dict[str, Any], first: int) -> dict[str, Any]:
        parts = [feed.batch(first + int(number), rank, size) for number in rows["id"]]
        return {name: np.stack([part[name].numpy() for part in parts]) for name in parts[0]}

    while True:
        blocks = CHUNK_STEPS // STEPS_A_TASK
        data = ray.data.range(CHUNK_STEPS, override_num_blocks=blocks).map_batches(
            make, fn_args=(first_step,), batch_size=1
        )
        for rows in data.iter_batches(batch_size=1, prefetch_batches=2):
            yield {name: torch.from_numpy(np.array(value[0])) for name, value in rows.items()}
        first_step += CHUNK_STEPS
