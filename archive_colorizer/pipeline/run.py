"""One run of `colorize`, from its configuration to its report."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline import html_report
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.costs import StepTimes, last_times
from archive_colorizer.pipeline.deadline import Deadline
from archive_colorizer.pipeline.engines.choice import choose_engine
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.inputs.inventory import make_form
from archive_colorizer.pipeline.inputs.listing import Listing, list_sources, total_bytes
from archive_colorizer.pipeline.inputs.settling import hold_unsettled
from archive_colorizer.pipeline.intent import Intent, check_models, check_signing, make_intent
from archive_colorizer.pipeline.job_spec import JobSpec, job_record, make_spec
from archive_colorizer.pipeline.output import derivatives, disk_reserve, freshen, layout, manifest
from archive_colorizer.pipeline.output.attention import COLUMNS as ATTENTION_COLUMNS
from archive_colorizer.pipeline.output.attention import (
    Attention,
    count_attention,
    write_passed_over,
)
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.pilots import note_work, read_extrapolation
from archive_colorizer.pipeline.output.remarks import count_left_pages, count_small
from archive_colorizer.pipeline.output.thumbnails import remove_unnamed
from archive_colorizer.pipeline.output.verify import compare_masters
from archive_colorizer.pipeline.pilot.extrapolate import Extrapolation
from archive_colorizer.pipeline.pilot.record import write_pilot
from archive_colorizer.pipeline.program_errors import ProgramErrors, describe, guarded
from archive_colorizer.pipeline.records import Outcome, Status
from archive_colorizer.pipeline.report import JobReport, Preview
from archive_colorizer.pipeline.steps.record import Recorded, write_rows
from archive_colorizer.pipeline.steps.step import now_us
from archive_colorizer.progress import LINE_EVERY_S, Display, Silent, Tally, display, rate
from archive_colorizer.registry import kept, usage
from archive_colorizer.storage import Store, open_store
from archive_colorizer.storage.location import TEMPORARIES
from archive_colorizer.weights.reference import ResolvedModel

Runner = Callable[[pa.Table], Iterator[list[Recorded]]]
"""Takes the pages that are to be done; yields what was recorded, batch by batch."""


def preview(config: JobConfig, *, measure: bool = False) -> Preview:
    """Say what `colorize` would do; nothing is written into OUTPUT.

    Args:
        config: of the job.
        measure: do a few pictures elsewhere, to say how long all will take.

    Raises:
        UsageError: as `colorize`.
    """
    _check_apart(config.sources, config.output)
    store = open_store(config.output, config.run.s3)
    check_models(config, store)
    check_signing(config)
    intent = make_intent(config, _list(config), store)
    chosen, measured = intent.selection, None
    if measure:
        from archive_colorizer.pipeline.estimate import estimate  # torch is slow to load

        measured = estimate(intent)
    return Preview(
        listed=chosen.listed,
        todo=chosen.todo.num_rows,
        done=chosen.done,
        excluded=chosen.excluded.num_rows,
        held_back=chosen.held_back,
        replaced=chosen.replaced,
        todo_bytes=total_bytes(chosen.todo),
        model=", then ".join(f"{m.ref} ({m.card.name} {m.card.version})" for m in intent.models),
        notes=(*chosen.notes, *intent.notes),
        pictures_per_s=_find_rate(intent.standing.job),
        estimate=measured,
        replacing=intent.name_replaced(),
    )


def _find_rate(job: Mapping[str, Any]) -> float:
    """Find the rate of an OUTPUT's last run; 0 where none is on record."""
    work = job.get("work") or {}
    return rate(work.get("pictures", 0), work.get("seconds", 0.0))


def colorize(
    config: JobConfig, show: Display | None = None, until: Deadline | None = None
) -> JobReport:
    """Colour what SOURCE names into OUTPUT, in one round; every listed page gets its manifest row.

    Args:
        config: of the job.
        show: is told of the progress.
        until: takes no further batch then; pages that are left have no row yet.

    Raises:
        UsageError: SOURCE, OUTPUT, the model or a list is not usable, finished pictures would be
            replaced unasked, or OUTPUT is held by another run. Nothing was done.
        BrokenProgramError: the program itself fails on picture after picture. The rows until then
            stay.
    """
    start_s = time.monotonic()
    until = until or Deadline(config.run.until)
    _check_apart(config.sources, config.output)
    store = open_store(config.output, config.run.s3)
    check_models(config, store)
    check_signing(config)
    with show or (Silent() if config.run.quiet else display()) as shown:
        shown.say("listing")
        listing = _list(config, _tell_listed(shown))
        layout.prepare(store)
        with Lock(store) as lock:
            layout.recover(store)
            intent = make_intent(config, listing, store, shown.say)
            for note in intent.notes:
                shown.say(note)
            try:
                work = _carry_out(intent, listing, store, shown, lock, until)
                page, faults = _write_report(config, store, work, shown)
            finally:
                store.delete_tree(TEMPORARIES)
    report = _report(config, listing, intent, work, time.monotonic() - start_s)
    return replace(report, page=page, notes=(*report.notes, *faults))


def _tell_listed(shown: Display) -> Callable[[int], None]:
    """Give what says how many files were listed, not more often than anybody reads it."""
    last_s = float("-inf")

    def tell(count: int) -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= LINE_EVERY_S:
            last_s = time.monotonic()
            shown.say(f"listing: {count:,} files so far")

    return tell


def _write_report(
    config: JobConfig, store: Store, work: "_Work", shown: Display
) -> tuple[str, tuple[str, ...]]:
    """Write the report of a run that has changed something, or where there is none yet.

    Returns:
        Where its first page is, and what went wrong: a fault of the report fails no run.
    """
    page = f"{config.output.rstrip('/')}/{html_report.INDEX}"
    if config.run.report == "off":
        return "", ()

    def write() -> None:
        if work.is_change or not store.exists(html_report.INDEX):
            shown.say("writing the report")
            html_report.write_report(store)

    try:
        error = guarded(write)
    except LocationError as unreadable:
        error = unreadable
    if isinstance(error, Exception):
        return "", (f"the report was not written: {describe(error)}",)
    return page, ()


def _list(config: JobConfig, tell: Callable[[int], None] | None = None) -> Listing:
    chosen = config.select
    listing = list_sources(
        config.sources, chosen.include, chosen.exclude, s3=config.run.s3, form=make_form(chosen),
        tell=tell,
    )  # fmt: skip
    _check_apart(listing.whole, config.output)  # those that globs and lists name, too
    layout.check_masters_apart(listing.table["source_uri"], config.output)
    return hold_unsettled(listing, config.run.settle_s) if config.run.follow else listing


def _check_apart(sources: Sequence[str], output: str) -> None:
    for source in sources:
        layout.check_apart(source, output)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a run has done."""

    tally: Tally
    attention: Attention
    """What wants a person's attention in OUTPUT."""
    is_change: bool = True
    """Whether OUTPUT is another than before."""
    changed_masters: tuple[str, ...] = ()
    """Masters that were other bytes at the end than when they were read."""
    notes: tuple[str, ...] = ()
    pilot: Extrapolation | None = None


def _carry_out(
    intent: Intent, listing: Listing, store: Store, shown: Display, lock: Lock, until: Deadline
) -> _Work:
    """Carry a run's intent out, and leave OUTPUT tidy."""
    chosen = intent.selection
    tally = Tally(total=chosen.todo.num_rows)
    freshen.note_versions(store, intent.standing.condition.touched)
    freshen.note_masters(store, chosen.touched)
    manifest.retire(store, chosen.retired, str(intent.standing.job.get("job_id")))
    if until.is_past() or not (chosen.todo.num_rows or chosen.excluded.num_rows):
        attention = count_attention(manifest.read(store, ATTENTION_COLUMNS))
        return _Work(
            tally, attention, is_change=bool(chosen.retired or chosen.touched.num_rows),
            pilot=read_extrapolation(store),
        )  # fmt: skip
    models = tuple(_keep(intent.config, store, model) for model in intent.models)
    # A sample is done as the whole will be: its wall time is to tell of the whole's.
    engine = choose_engine(intent.config.run, intent.whole, intent.standing.job)
    config = replace(intent.config, run=replace(intent.config.run, engine=engine))
    spec = make_spec(config, models, lock.owner)
    record = job_record(
        spec, intent.pins,
        listed=chosen.listed, todo=chosen.todo.num_rows, held_back=chosen.held_back,
        unlisted=listing.unlisted, passed_over=dict(listing.passed_over),
    )  # fmt: skip
    write_passed_over(store, listing.passed_over_names)
    layout.write_job(store, record | ({"redo": intent.redo} if intent.redo else {}))
    if intent.pilot:
        write_pilot(store, intent.pilot)
    changed = intent.standing.condition.changed
    again = (changed.get(one, ()) for one in chosen.todo["earlier_id"].to_pylist())
    derivatives.keep_changed(store, chain.from_iterable(again), spec.context.job_id)
    disk_reserve.keep(store)
    _record_excluded(store, chosen.excluded, spec)
    times = StepTimes()
    program_errors = ProgramErrors(spec.config.run.max_program_errors, others=chosen.done)
    if chosen.todo.num_rows:
        with _start_engine(spec, shown, last_times(intent.standing.job)) as run:
            shown.say(f"loading the model; {chosen.todo.num_rows:,} pictures to do")
            for recorded in run(chosen.todo):
                lock.check()
                tally.add(recorded)
                times.add(recorded)
                shown.update(tally)
                program_errors.add(recorded)
                if until.is_past():
                    break
    job_id = spec.context.job_id
    manifest.settle(store, job_id)
    derivatives.remove_superseded(store)
    store.delete_tree(disk_reserve.FOLDER)  # room for compaction
    manifest.compact(store)
    remove_unnamed(store)
    other = _recheck(store, spec) if intent.config.run.recheck_masters else ()
    rows = manifest.read(store, [*ATTENTION_COLUMNS, "job_id", "n_pages", "width", "height"])
    counts = Counter(rows["status"].to_pylist())
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    if intent.redo and (not intent.config.select.is_redo or chosen.held_back):
        record["redo"] = intent.redo  # not at its end yet
    worked = {
        "pictures": tally.done, "seconds": round(tally.seconds, 6), "step_ms": times.to_json(),
    }  # fmt: skip
    layout.write_job(
        store, record | {"finished_at": finished, "counts": dict(counts), "work": worked}
    )
    if intent.pilot:
        note_work(store, intent.pilot, job_id, tally.seconds)
    program_errors.finish()
    done = {"output": store.uri, "finished_at": finished, "pictures": tally.done}
    notes = (
        usage.note(spec.model, job_id, done),
        count_left_pages(rows, job_id),
        count_small(rows, job_id, intent.config.color.proxy_px),
    )
    return _Work(
        tally, count_attention(rows), changed_masters=other, notes=tuple(filter(None, notes)),
        pilot=read_extrapolation(store),
    )  # fmt: skip


def _keep(config: JobConfig, store: Store, model: ResolvedModel) -> ResolvedModel:
    """Keep a copy of the weights in OUTPUT; workers that do not see the file take them there."""
    if config.run.keep_model == "off":
        return model
    kept.keep(store, model)
    uri = store.uri_of(kept.key_of(model.weights_sha256))
    return replace(model, kept=uri, s3=config.run.s3)


def _recheck(store: Store, spec: JobSpec) -> tuple[str, ...]:
    """Hash the masters of this run again."""
    rows = manifest.read(store, ["job_id", "source_uri", "source_sha256"])
    mine = rows.filter(pc.equal(rows["job_id"], spec.context.job_id))
    return tuple(f"{uri} ({how})" for uri, how in compare_masters(mine, spec.config.run.s3))


@contextmanager
def _start_engine(spec: JobSpec, shown: Display, measured: Mapping[str, float]) -> Iterator[Runner]:
    """Start the engine that the configuration names, for the length of the block.

    Args:
        spec: of the job.
        shown: is told.
        measured: what the steps took in the run before this one.
    """
    if spec.config.run.engine == "local":
        from archive_colorizer.pipeline.engines import local

        yield lambda todo: local.run(spec, todo)
        return
    from archive_colorizer.pipeline.engines import ray  # Ray is slow to load

    address = spec.config.run.address
    shown.say(f"joining Ray at {address}" if address else "starting Ray")
    with ray.cluster(spec.config.run) as resources:
        yield lambda todo: ray.run(spec, todo, resources, measured)


def _record_excluded(store: Store, excluded: pa.Table, spec: JobSpec) -> None:
    """Write rows for pages that are never opened."""
    size = 1024
    words = {word.strip().casefold() for word in spec.config.select.sensitive}
    for start in range(0, excluded.num_rows, size):
        outcomes = []
        for ref in refs_of(excluded.slice(start, size)):
            sensitive = ref.sensitivity.strip().casefold() in words
            reason = (
                f"its sensitivity is {ref.sensitivity.strip()}"
                if sensitive
                else "on the exclude list"
            )
            outcomes.append(
                Outcome(
                    ref=ref,
                    status=Status.SKIPPED,
                    started_at_us=now_us(),
                    error_class="excluded",
                    error_message=f"{ref.source_uri}: {reason}",
                )
            )
        write_rows(store, outcomes, spec.context)


def _report(
    config: JobConfig, listing: Listing, intent: Intent, work: _Work, seconds: float
) -> JobReport:
    chosen, tally = intent.selection, work.tally
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
        touched=chosen.touched.num_rows,
        left=chosen.held_back + tally.total - tally.done,
        failed_left=work.attention.failed,
        max_failed=config.run.count_allowed(chosen.listed),
        attention=work.attention,
        changed_masters=work.changed_masters,
        unlisted=listing.unlisted,
        errors=dict(errors),
        seconds=seconds,
        pictures_per_s=tally.pictures_per_s(),
        notes=(*chosen.notes, *intent.notes, *work.notes),
        pilot=work.pilot,
    )
