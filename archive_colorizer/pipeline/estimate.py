"""Estimate: a few pictures are really done, not in OUTPUT, to say how long all will take.

The pictures are spread over the sizes of the masters: by size, all are cut into four parts, and two
are drawn from each. They go through the job's own steps, one by one, with as many threads as a
worker has; what is written goes into a temporary folder of this machine, and is gone afterwards.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.machine import measure_machine
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.costs import COLUMNS, loads
from archive_colorizer.pipeline.engines.choice import Engine, choose_engine
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.intent import Intent
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_spec import make_spec
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.pilot.draw import rank_pages
from archive_colorizer.pipeline.pilot.intervals import (
    Design,
    Floats,
    Interval,
    estimate_total,
    make_design,
)
from archive_colorizer.pipeline.plan import Resources, plan
from archive_colorizer.pipeline.records import STEP_TIMES, Status
from archive_colorizer.pipeline.report import Estimate
from archive_colorizer.pipeline.steps.step import Step, run_batch, set_up
from archive_colorizer.storage import Store, open_store

PICTURES: Final = 8
PARTS: Final = 4
TIMES: Final = {**COLUMNS, "record": ()}
"""Step -> its times in a row; those of all others are the model's."""


def estimate(intent: Intent, seed: int = 0) -> Estimate | None:
    """Do a few of the pictures that are to be done, and say what all of them will take.

    Args:
        intent: of the run.
        seed: another one draws other pictures.

    Returns:
        The estimate, with intervals of 95 % for what other pictures would have said; None where
        nothing is to be done.

    Raises:
        ConfigError: the run is for a cluster, of which this machine says nothing.
        UsageError: as `colorize`.
    """
    todo = intent.selection.todo
    if not todo.num_rows:
        return None
    if intent.config.run.address:
        raise ConfigError("--estimate: measures this machine, and --address names another")
    rows, parts, sizes = spread_over_sizes(todo, seed)
    engine = choose_engine(intent.config.run, intent.whole, intent.standing.job)
    with tempfile.TemporaryDirectory() as folder, _threads_of(engine):
        store = open_store(folder)
        way = _do(intent, todo.take(pa.array(rows)), store)
        done = manifest.read(store).sort_by("started_at")
    design = make_design(parts, sizes)
    workers, seconds = _add_up(design, done, way, intent.config, engine)
    sizes_out = pc.fill_null(done["derivative_bytes"], 0).to_numpy().astype(np.float64)
    failed = pc.sum(pc.equal(done["status"], str(Status.FAILED))).as_py() or 0
    return Estimate(len(rows), failed, workers, seconds, _total(design, sizes_out))


def spread_over_sizes(
    todo: pa.Table, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Floats]:
    """Draw a few pages that are spread over the sizes of all.

    Args:
        todo: `size_bytes`, and what names a page.
        seed: of the drawing.

    Returns:
        Rows of the pages; the part that each is of; how many pages each part has.
    """
    numbers = rank_pages(todo, seed)
    by_size = np.lexsort((numbers, np.asarray(todo["size_bytes"])))
    parts = np.array_split(by_size, max(1, min(PARTS, todo.num_rows // 2)))
    each = PICTURES // len(parts) if todo.num_rows >= PICTURES else todo.num_rows
    drawn = [part[np.argsort(numbers[part])[:each]] for part in parts]
    at = np.repeat(np.arange(len(parts)), [len(one) for one in drawn])
    return np.concatenate(drawn), at, np.array([len(part) for part in parts], np.float64)


@contextmanager
def _threads_of(engine: Engine) -> Iterator[None]:
    """Give torch and OpenCV one thread, as a worker of Ray has, for the length of the block."""
    import cv2
    import torch  # slow to load

    before = torch.get_num_threads(), cv2.getNumThreads()
    if engine == "ray":
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def _do(intent: Intent, pages: pa.Table, store: Store) -> tuple[Step, ...]:
    """Do pages one by one into another OUTPUT; the steps that did it."""
    run = replace(intent.config.run, engine="local", keep_model="off")
    layout.prepare(store)
    with Lock(store) as lock:
        spec = make_spec(replace(intent.config, run=run), intent.models, lock.owner)
        way = steps(replace(spec, output=store.uri))
        set_up(way)
        refs = refs_of(pages)
        run_batch(way[:-2], refs[:1])  # the first run of a network takes longer: it does not count
        for ref in refs:
            run_batch(way, [ref])
    return way


def _add_up(
    design: Design, done: pa.Table, way: tuple[Step, ...], config: JobConfig, engine: Engine
) -> tuple[int, Interval]:
    """Add up wall time as the engine will lay the steps on workers: the slowest pool decides."""
    kinds = [step.kind for step in way]
    if engine == "local":
        pools = [(slice(0, len(way)), 1)]
    else:
        resources = Resources(
            cpus=measure_machine().cpus, gpus=_count_gpus() if "gpu" in kinds else 0,
            workers=config.run.workers, batch_size=config.run.batch_size,
        )  # fmt: skip
        measured = {name: pc.mean(done[f"ms_{name}"]).as_py() or 0.0 for name in STEP_TIMES}
        form, upscale = config.deliver.format, config.color.upscale
        costs = loads(way, pc.mean(done["source_bytes"]).as_py() or 0.0, form, upscale, measured)
        pools = [(pool.steps, pool.actors) for pool in plan(resources, costs)]
    found = [
        (actors, _total(design, _times(done, way[part])).times(1 / actors))
        for part, actors in pools
    ]
    return max(found, key=lambda pool: pool[1].estimate)


def _count_gpus() -> int:
    import torch

    return torch.cuda.device_count()


def _times(done: pa.Table, part: tuple[Step, ...]) -> Floats:
    """Add the seconds of some steps, by row."""
    names = {time for step in part for time in TIMES.get(step.name, ("model",))}
    columns = (pc.fill_null(done[f"ms_{name}"], 0.0).to_numpy() for name in names)
    return np.asarray(sum(columns, np.zeros(done.num_rows)) / 1000)


def _total(design: Design, values: Floats) -> Interval:
    found = estimate_total(design, values)
    if found is None:  # one picture: it says nothing of others, and there are none
        return Interval(*[float(values.sum())] * 3)
    return found
