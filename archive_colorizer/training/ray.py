"""Ray Train around the loop, Ray Data before it.

Each worker reads its own stream of batches, made by Ray Data tasks on any free core. A step's batch
depends only on the seed and the step's number, so a stream can begin anywhere: a run that goes on,
and a worker that comes back after it was killed, see what they would have seen.
"""

import logging
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import ray
import ray.data
import ray.train
import torch
import torch.distributed as dist
from ray.train import FailureConfig, ScalingConfig
from ray.train.torch import TorchTrainer

from archive_colorizer.cluster import join_cluster
from archive_colorizer.errors import ArchiveColorizerError, ConfigError, UsageError
from archive_colorizer.training.feed import Feed
from archive_colorizer.training.group import ALONE, Group, Processes
from archive_colorizer.training.plan import TrainPlan, Work
from archive_colorizer.training.recipe import Batch

MAX_FAILURES: Final = 3
"""Lost workers that a run survives; each time it goes on from its last checkpoint."""
CHUNK_STEPS: Final = 1000
"""Steps of one Ray Data execution."""
STEPS_A_TASK: Final = 4
REFUSED: Final = "refused.txt"
BROKEN: Final = "broken.txt"


class TrainingFailedError(ArchiveColorizerError):
    """Workers failed more often than they are replaced."""


def train_on_ray(plan: TrainPlan, work: Work) -> None:
    """Train with as many workers as the plan says, on this machine or a cluster.

    Raises:
        UsageError: what a worker refused.
        TrainingFailedError: workers failed again and again.
    """
    run = plan.config.run
    refused, broken = (Path(plan.folder) / name for name in (REFUSED, BROKEN))
    refused.unlink(missing_ok=True)
    broken.unlink(missing_ok=True)
    os.environ.setdefault("RAY_TRAIN_V2_ENABLED", "1")
    with join_cluster(run.address, verbose=run.verbose):
        if not run.verbose:
            logging.getLogger("ray.train").setLevel(logging.ERROR)
        use_gpu, share = _shares(plan)
        trainer = TorchTrainer(
            _worker,
            train_loop_config={"plan": plan, "work": work, "threads": max(1, int(share["CPU"]))},
            scaling_config=ScalingConfig(
                num_workers=run.workers, use_gpu=use_gpu, resources_per_worker=share
            ),
            run_config=ray.train.RunConfig(
                name="train",
                storage_path=str(Path(plan.folder) / "ray"),
                failure_config=FailureConfig(max_failures=MAX_FAILURES),
            ),
        )
        try:
            trainer.fit()
        except ray.train.TrainingFailedError as error:
            text = str(error).strip().splitlines()
            raise TrainingFailedError(text[-1] if text else "training failed") from error
    if refused.exists():
        raise UsageError(refused.read_text(encoding="utf-8"))
    if broken.exists():
        raise TrainingFailedError(broken.read_text(encoding="utf-8"))


def _shares(plan: TrainPlan) -> tuple[bool, dict[str, float]]:
    """Whether workers have a GPU each, and their share of the rest: half is left to Ray Data.

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


def _worker(told: dict[str, Any]) -> None:
    """One worker."""
    plan: TrainPlan = told["plan"]
    work: Work = told["work"]
    # Its share and no more: threads that wait for one that has no core cost several times a step.
    torch.set_num_threads(told["threads"])
    device = str(ray.train.torch.get_device())
    group: Group = Processes(device) if dist.is_initialized() else ALONE
    try:
        work(plan, lambda feed, step: batches(feed, step, group), group, device)
    except UsageError as error:
        (Path(plan.folder) / REFUSED).write_text(str(error), encoding="utf-8")
    except Exception:
        # Alone, an exception is our own program's and would come again: it is not tried again.
        # Among several it may be what the others see of a worker that was killed.
        if group.size > 1:
            raise
        (Path(plan.folder) / BROKEN).write_text(traceback.format_exc(), encoding="utf-8")


def batches(feed: Feed, first_step: int, group: Group = ALONE) -> Iterator[Batch]:
    """A worker's share of every step's batch from a step on, for ever, made by Ray Data."""
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    rank, size = group.rank, group.size

    def made(rows: dict[str, Any], first: int) -> dict[str, Any]:
        parts = [feed.batch(first + int(number), rank, size) for number in rows["id"]]
        return {name: np.stack([part[name].numpy() for part in parts]) for name in parts[0]}

    while True:
        blocks = CHUNK_STEPS // STEPS_A_TASK
        data = ray.data.range(CHUNK_STEPS, override_num_blocks=blocks).map_batches(
            made, fn_args=(first_step,), batch_size=1
        )
        for rows in data.iter_batches(batch_size=1, prefetch_batches=2):
            yield {name: torch.from_numpy(np.array(value[0])) for name, value in rows.items()}
        first_step += CHUNK_STEPS
