"""One run of `colorize`, from its configuration to its report."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from archive_colorizer.models.catalog import has_classes
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.inputs.listing import Listing, list_source, total_bytes
from archive_colorizer.pipeline.inputs.selection import MANIFEST_COLUMNS, Selection, select
from archive_colorizer.pipeline.job import JobSpec, set_up
from archive_colorizer.pipeline.job_models import Models, models_of
from archive_colorizer.pipeline.job_spec import digest, job_record, make_spec
from archive_colorizer.pipeline.output import disk_reserve, layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.records import Outcome, Status
from archive_colorizer.pipeline.steps.record import Recorded, write_rows
from archive_colorizer.pipeline.steps.step import now_us
from archive_colorizer.progress import Display, Tally, display, duration
from archive_colorizer.registry import usage
from archive_colorizer.storage import Store, open_store
from archive_colorizer.storage.location import TEMPORARIES

Runner = Callable[[pa.Table], Iterator[list[Recorded]]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do."""

    listed: int
    todo: int
    done: int
    excluded: int
    held_back: int
    superseded: int
    todo_bytes: int
    model: str
    notes: tuple[str, ...]

    def text(self) -> str:
        """For people."""
        lines = [
            f"listed      {self.listed:,}",
            f"to do       {self.todo:,} ({self.todo_bytes / 1e9:,.2f} GB of masters)",
            f"done        {self.done:,}",
            f"excluded    {self.excluded:,}",
            f"held back   {self.held_back:,}",
            f"to history  {self.superseded:,}",
            f"model       {self.model}",
        ]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


@dataclass(frozen=True, slots=True)
class JobReport:
    """What a run did."""

    output: str
    listed: int
    already: int
    ok: int
    skipped: int
    failed: int
    left: int
    errors: dict[str, int]
    seconds: float
    pictures_per_s: float
    notes: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """For people."""
        if self.ok + self.skipped + self.failed == 0:
            first = f"nothing to do: {self.already:,} of {self.listed:,} pictures have their row"
        else:
            first = (
                f"{self.ok:,} coloured, {self.skipped:,} skipped, {self.failed:,} failed "
                f"in {duration(self.seconds)}, {self.pictures_per_s:.1f} pictures/s"
            )
        lines = [first]
        if self.already and self.ok + self.skipped + self.failed:
            lines.append(f"{self.already:,} were done before")
        lines += [f"  {count:,} x {name}" for name, count in sorted(self.errors.items())]
        if self.left:
            lines.append(f"{self.left:,} are left for later")
        lines += [f"note: {note}" for note in self.notes]
        lines.append(f"manifest: {self.output.rstrip('/')}/{manifest.FOLDER}")
        return "\n".join(lines)


def preview(config: JobConfig) -> Preview:
    """What `colorize` would do; nothing is written.

    Raises:
        UsageError: as `colorize`.
    """
    set_up(config)
    layout.check_apart(config.source, config.output)
    models = models_of(config)
    chosen = _select(config, _list(config), open_store(config.output), models)
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
    """
    start_s = time.monotonic()
    set_up(config)
    layout.check_apart(config.source, config.output)
    models = models_of(config)
    store = open_store(config.output)
    with show or display() as shown:
        shown.say("listing")
        listing = _list(config)
        layout.prepare(store)
        with Lock(store) as lock:
            layout.recover(store)
            chosen = _select(config, listing, store, models)
            try:
                tally, note = _do(config, store, models, chosen, shown, lock)
            finally:
                store.delete_tree(TEMPORARIES)
    return _report(config, chosen, tally, note, time.monotonic() - start_s)


def _list(config: JobConfig) -> Listing:
    listing = list_source(config.source, config.select.include, config.select.exclude)
    layout.check_masters_apart(listing.table["source_uri"], config.output)
    return listing


def _select(config: JobConfig, listing: Listing, store: Store, models: Models) -> Selection:
    rows = manifest.read(store, MANIFEST_COLUMNS)
    classes = has_classes(models[0].card.config)
    return select(listing, rows, config, digest(config, models), classes=classes)


def _do(
    config: JobConfig,
    store: Store,
    models: Models,
    chosen: Selection,
    shown: Display,
    lock: Lock,
) -> tuple[Tally, str]:
    """Carry a selection out; what could not be noted with the model is said."""
    note = ""
    tally = Tally(total=chosen.todo.num_rows)
    spec = make_spec(config, models, lock.owner)
    if chosen.todo.num_rows or chosen.excluded.num_rows:
        record = job_record(config, models, spec, chosen)
        layout.write_job(store, record)
        disk_reserve.keep(store)
        manifest.move_to_history(store, chosen.superseded, spec.context.job_id)
        _record_excluded(store, chosen.excluded, spec)
        with _engine(config, spec) as run:
            for recorded in run(chosen.todo) if chosen.todo.num_rows else ():
                lock.check()
                tally.add(recorded)
                shown.update(tally)
        layout.remove_superseded(store)
        store.delete_tree(disk_reserve.FOLDER)  # room for compaction
        manifest.one_row_a_page(store, spec.context.job_id)
        manifest.compact(store)
        counts = Counter(manifest.read(store, ["status"])["status"].to_pylist())
        finished = datetime.now(UTC).isoformat(timespec="seconds")
        layout.write_job(store, record | {"finished_at": finished, "counts": dict(counts)})
        done = {"output": store.uri, "finished_at": finished, "pictures": tally.done}
        note = usage.note(models[0], spec.context.job_id, done)
    return tally, note


class _Local(AbstractContextManager[Runner]):
    """The plain loop, behind the same door as Ray."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec

    def __enter__(self) -> Runner:
        from archive_colorizer.pipeline.engines import local

        return lambda todo: local.run(self._spec, todo)

    def __exit__(self, *_: object) -> None:
        return None


class _Ray(AbstractContextManager[Runner]):
    """Ray Data: joins or starts a cluster for the length of the block."""

    def __init__(self, config: JobConfig, spec: JobSpec) -> None:
        from archive_colorizer.pipeline.engines import ray

        self._engine = ray
        self._spec = spec
        self._cluster = ray.cluster(config.run)

    def __enter__(self) -> Runner:
        resources = self._cluster.__enter__()
        return lambda todo: self._engine.run(self._spec, todo, resources)

    def __exit__(self, *failure: Any) -> None:  # noqa: ANN401 (handed on)
        self._cluster.__exit__(*failure)


def _engine(config: JobConfig, spec: JobSpec) -> AbstractContextManager[Runner]:
    return _Local(spec) if config.run.engine == "local" else _Ray(config, spec)


def _record_excluded(store: Store, excluded: pa.Table, spec: JobSpec) -> None:
    """Rows for pages that are never opened."""
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


__all__: Sequence[str] = ("JobReport", "Preview", "colorize", "preview")
