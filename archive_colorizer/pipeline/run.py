"""One run of `colorize`, from its configuration to its report."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pyarrow as pa

from archive_colorizer.models.catalog import has_classes
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.inputs.listing import Listing, list_source, total_bytes
from archive_colorizer.pipeline.inputs.selection import MANIFEST_COLUMNS, Selection, select
from archive_colorizer.pipeline.job_models import Models, models_of
from archive_colorizer.pipeline.job_spec import JobSpec, digest, job_record, make_spec
from archive_colorizer.pipeline.output import disk_reserve, layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.program_errors import ProgramErrors
from archive_colorizer.pipeline.records import Outcome, Status
from archive_colorizer.pipeline.report import JobReport, Preview
from archive_colorizer.pipeline.steps.record import Recorded, write_rows
from archive_colorizer.pipeline.steps.step import now_us
from archive_colorizer.progress import Display, Tally, display
from archive_colorizer.registry import usage
from archive_colorizer.storage import Store, open_store
from archive_colorizer.storage.location import TEMPORARIES

Runner = Callable[[pa.Table], Iterator[list[Recorded]]]
"""Takes the pages that are to be done; yields what was recorded, batch by batch."""


def preview(config: JobConfig) -> Preview:
    """Say what `colorize` would do; nothing is written.

    Raises:
        UsageError: as `colorize`.
    """
    layout.check_apart(config.source, config.output)
    models = models_of(config)
    chosen = _select(config, _list(config), open_store(config.output, config.run.s3), models)
    return Preview(
        listed=chosen.listed,
        todo=chosen.todo.num_rows,
        done=chosen.done,
        excluded=chosen.excluded.num_rows,
        held_back=chosen.held_back,
        superseded=len(chosen.superseded),
        todo_bytes=total_bytes(chosen.todo),
        model=", then ".join(f"{m.ref} ({m.card.name} {m.card.version})" for m in models),
        notes=chosen.notes,
    )


def colorize(config: JobConfig, show: Display | None = None) -> JobReport:
    """Colour what SOURCE names into OUTPUT; every listed page gets its manifest row.

    Raises:
        UsageError: SOURCE, OUTPUT, the model or a list is not usable, or OUTPUT is held by
            another run. Nothing was done.
        BrokenProgramError: the program itself fails on picture after picture. The rows until then
            stay.
    """
    start_s = time.monotonic()
    layout.check_apart(config.source, config.output)
    models = models_of(config)
    store = open_store(config.output, config.run.s3)
    with show or display() as shown:
        shown.say("listing")
        listing = _list(config)
        layout.prepare(store)
        with Lock(store) as lock:
            layout.recover(store)
            chosen = _select(config, listing, store, models)
            try:
                spec = make_spec(config, models, lock.owner)
                tally, note = _carry_out(spec, store, chosen, shown, lock)
            finally:
                store.delete_tree(TEMPORARIES)
    return _report(config, chosen, tally, note, time.monotonic() - start_s)


def _list(config: JobConfig) -> Listing:
    listing = list_source(
        config.source, config.select.include, config.select.exclude, s3=config.run.s3
    )
    layout.check_masters_apart(listing.table["source_uri"], config.output)
    return listing


def _select(config: JobConfig, listing: Listing, store: Store, models: Models) -> Selection:
    rows = manifest.read(store, MANIFEST_COLUMNS)
    classes = has_classes(models[0].card.config)
    return select(listing, rows, config, digest(config, models), classes=classes)


def _carry_out(
    spec: JobSpec, store: Store, chosen: Selection, shown: Display, lock: Lock
) -> tuple[Tally, str]:
    """Carry a selection out.

    Returns:
        The numbers, and why the job could not be noted with the model, or nothing.
    """
    tally = Tally(total=chosen.todo.num_rows)
    if not chosen.todo.num_rows and not chosen.excluded.num_rows:
        return tally, ""
    record = job_record(spec, listed=chosen.listed, todo=chosen.todo.num_rows)
    layout.write_job(store, record)
    disk_reserve.keep(store)
    manifest.move_to_history(store, chosen.superseded, spec.context.job_id)
    _record_excluded(store, chosen.excluded, spec)
    program_errors = ProgramErrors(spec.config.run.max_program_errors, others=chosen.done)
    if chosen.todo.num_rows:
        with _start_engine(spec) as run:
            for recorded in run(chosen.todo):
                lock.check()
                tally.add(recorded)
                shown.update(tally)
                program_errors.add(recorded)
    layout.remove_superseded(store)
    store.delete_tree(disk_reserve.FOLDER)  # room for compaction
    manifest.one_row_a_page(store, spec.context.job_id)
    manifest.compact(store)
    counts = Counter(manifest.read(store, ["status"])["status"].to_pylist())
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    layout.write_job(store, record | {"finished_at": finished, "counts": dict(counts)})
    program_errors.finish()
    done = {"output": store.uri, "finished_at": finished, "pictures": tally.done}
    return tally, usage.note(spec.model, spec.context.job_id, done)


@contextmanager
def _start_engine(spec: JobSpec) -> Iterator[Runner]:
    """Start the engine that the configuration names, for the length of the block."""
    if spec.config.run.engine == "local":
        from archive_colorizer.pipeline.engines import local

        yield lambda todo: local.run(spec, todo)
        return
    from archive_colorizer.pipeline.engines import ray  # Ray is slow to load

    with ray.cluster(spec.config.run) as resources:
        yield lambda todo: ray.run(spec, todo, resources)


def _record_excluded(store: Store, excluded: pa.Table, spec: JobSpec) -> None:
    """Write rows for pages that are never opened."""
    size = 1024
    for start in range(0, excluded.num_rows, size):
        outcomes = [
            Outcome(
                ref=ref,
                status=Status.SKIPPED,
                started_at_us=now_us(),
                error_class="excluded",
                error_message=f"{ref.source_uri}: on the exclude list",
            )
            for ref in refs_of(excluded.slice(start, size))
        ]
        write_rows(store, outcomes, spec.context)


def _report(
    config: JobConfig, chosen: Selection, tally: Tally, note: str, seconds: float
) -> JobReport:
    counts, excluded = tally.counts, chosen.excluded.num_rows
    errors = Counter(tally.errors)
    if excluded:
        errors["excluded"] += excluded
    return JobReport(
        output=config.output,
        listed=chosen.listed,
        already=chosen.done,
        ok=counts["ok"],
        skipped=counts["skipped"] + excluded,
        failed=counts["failed"],
        left=chosen.held_back,
        errors=dict(errors),
        seconds=seconds,
        pictures_per_s=tally.pictures_per_s() or (tally.done / seconds if seconds else 0.0),
        notes=(*chosen.notes, *([note] if note else [])),
    )
