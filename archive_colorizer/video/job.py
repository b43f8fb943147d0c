"""A job of films, from its configuration to its report."""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.extras import require
from archive_colorizer.models.catalog import TAKES_HINTS
from archive_colorizer.models.catalog import Task as Does
from archive_colorizer.pipeline.intent import check_signing
from archive_colorizer.pipeline.job_models import task_of
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.rows import JobContext
from archive_colorizer.pipeline.records import Status
from archive_colorizer.pipeline.steps.record import write_rows
from archive_colorizer.pipeline.steps.step import failure, now_us
from archive_colorizer.progress import LOG, Display, Silent, Tally, display, duration
from archive_colorizer.provenance.certificates import find_fingerprint
from archive_colorizer.registry import kept as kept_models
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import Store, absolute, open_store
from archive_colorizer.storage.location import TEMPORARIES
from archive_colorizer.version import __version__, git_commit
from archive_colorizer.video.choice import Choice, choose
from archive_colorizer.video.config import FilmConfig
from archive_colorizer.video.engines import Engine
from archive_colorizer.video.films import list_films
from archive_colorizer.video.hints import pin_colours
from archive_colorizer.video.kept import forget, missing_pieces
from archive_colorizer.video.plan import find_plan
from archive_colorizer.video.worker import Answer, FilmSpec, PieceTask, Task
from archive_colorizer.weights.reference import ResolvedModel


@dataclass(frozen=True, slots=True)
class FilmReport:
    """What a run has done, and what is in OUTPUT now."""

    output: str
    listed: int
    done_before: int
    ok: int
    """Films in OUTPUT that are coloured."""
    failed: tuple[str, ...]
    """A line for each film that is not."""
    frames: int
    """That this run coloured."""
    seconds: float
    notes: tuple[str, ...]
    """What was left out or changed, one line each."""

    @property
    def is_clean(self) -> bool:
        """Whether no film failed."""
        return not self.failed

    def text(self) -> str:
        """Write it as lines for people."""
        rate = f", {self.frames / self.seconds:.1f} frames/s" if self.frames else ""
        lines = [
            f"{self.output}: {self.listed:,} films, {self.ok:,} coloured, {len(self.failed):,} "
            f"failed ({self.done_before:,} were done before)",
            f"{self.frames:,} frames coloured in {duration(self.seconds)}{rate}",
            *(f"failed: {line}" for line in self.failed),
            *(f"note: {line}" for line in self.notes),
        ]
        return "\n".join(lines)


@dataclass(slots=True)
class FrameTally(Tally):
    """Running counts of a job, in frames."""

    def add_frames(self, count: int) -> None:
        """Count frames that were coloured."""
        self.counts[Status.OK] += count
        self.last_s = self.clock()
        self.begun_s = self.made_s

    def line(self) -> str:
        """Format frames done, frames a second and time left as one line."""
        now = self.rate_now()
        text = f"{self.done:,}/{self.total:,} frames"
        if not now:
            return text
        return f"{text}, {now:.1f} frames/s, {duration((self.total - self.done) / now)} left"


def colorize_films(config: FilmConfig, show: Display | None = None) -> FilmReport:
    """Colour the films that SOURCE names into OUTPUT; every film gets its manifest row.

    Args:
        config: of the job.
        show: is told of the progress.

    Raises:
        UsageError: SOURCE, OUTPUT or the model is not usable. Nothing was done.
    """
    require("video", "archive-colorizer video")
    job = config.job
    _check_signing(config)
    model = _find_model(config)
    films = list_films(job.sources, job.output, job.run.s3)
    if job.select.hints:
        films = pin_colours(films, job.select.hints, job.run.s3)
    store = open_store(job.output, job.run.s3)
    layout.check_kind(store, layout.FILMS)
    with show or (Silent() if job.run.quiet else display()) as shown:
        layout.prepare(store)
        with Lock(store) as lock:
            layout.recover(store)
            chosen = choose(store, films, config, model)
            spec = _make_spec(config, model, lock.owner, chosen)
            try:
                tally = _carry_out(spec, chosen, store, shown, lock)
            finally:
                store.delete_tree(TEMPORARIES)
    return _report(store, chosen, tally)


def _find_model(config: FilmConfig) -> ResolvedModel:
    model = resolve(config.job.color.model, s3=config.job.run.s3)
    if task_of(model) is not Does.COLORIZE:
        raise ConfigError(f"{model.ref}: {model.card.family} makes other pictures: films need one "
                          "that colours")  # fmt: skip
    if config.job.select.hints and model.card.family not in TAKES_HINTS:
        raise ConfigError(f"{model.ref}: --hints: {model.card.family} takes none")
    return model


def _check_signing(config: FilmConfig) -> None:
    """See that films can be signed, where they are to be, before anything is coloured."""
    check_signing(config.job)
    if config.job.run.c2pa and config.video.resolved_container == "mkv":
        raise ConfigError("c2pa: MKV has no place for a signature: use --container mp4 or mov")


def _make_spec(config: FilmConfig, model: ResolvedModel, owner: str, chosen: Choice) -> FilmSpec:
    run = config.job.run
    if run.engine == "auto":
        config = config.with_run(engine="ray" if run.address or run.workers else "local")
    if run.c2pa:  # workers may be in another folder
        certificate, key = (str(Path(name).absolute()) for name in (run.c2pa, run.c2pa_key))
        config = config.with_run(c2pa=certificate, c2pa_key=key)
    card = model.card
    step = {
        "op": card.family, "model_ref": model.ref, "model_version": model.release,
        "weights_sha256": model.weights_sha256, "weights_rights": card.data_rights,
        "params_json": chosen.recipe_json, "seed": 0,
    }  # fmt: skip
    context = JobContext(
        job_id=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}",
        recipe_sha256=chosen.recipe_sha256, recipe_json=chosen.recipe_json, steps=(step,),
        version=__version__, git_commit=git_commit(), torch_version=version("torch"),
        ray_version=version("ray") if config.job.run.engine == "ray" else "",
        review_doubt=card.review_doubt,
    )  # fmt: skip
    fingerprint = find_fingerprint(run.c2pa) if run.c2pa else ""
    return FilmSpec(config, absolute(config.job.output), model, context, owner, fingerprint)


def _carry_out(
    spec: FilmSpec, chosen: Choice, store: Store, shown: Display, lock: Lock
) -> FrameTally:
    tally = FrameTally(total=0)
    if not chosen.todo:
        return tally
    if spec.config.job.run.keep_model == "on":
        kept_models.keep(store, spec.model)
    record = _record(spec, chosen)
    layout.write_job(store, record)
    with _open_engine(spec, shown) as engine:
        size = engine.films_at_once
        for start in range(0, len(chosen.todo), size):
            _Round(spec, store, shown, lock, tally).carry_out(
                engine, chosen.todo[start : start + size]
            )
    manifest.settle(store, spec.context.job_id)
    manifest.compact(store)
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    work = {"frames": tally.done, "seconds": round(tally.seconds, 3)}
    layout.write_job(store, record | {"finished_at": finished, "frames": work})
    return tally


@dataclass(frozen=True, slots=True)
class _Round:
    """Some films, from their plans to their rows."""

    spec: FilmSpec
    store: Store
    shown: Display
    lock: Lock
    tally: FrameTally

    def carry_out(self, engine: Engine, tasks: Sequence[Task]) -> None:
        names = ", ".join(task.film.name for task in tasks[:3])
        self.shown.say(f"reading {names}{', ...' if len(tasks) > 3 else ''}")
        tasks = self._keep_good(tasks, engine.run("plan", tasks))
        pieces: list[PieceTask] = []
        for task in tasks:
            plan = find_plan(self.store, task.ref.row_id)
            if plan is None:
                raise LocationError(f"{self.store.uri}: the plan of {task.film.name} is gone")
            missing = missing_pieces(self.store, task.ref.row_id, plan.pieces)
            self.tally.total += sum(one.stop - one.start for one in missing)
            pieces += [PieceTask(task, one) for one in missing]
        tasks = self._keep_good(tasks, self._watched(engine.run("colour", pieces)))
        self.shown.say(f"writing {', '.join(task.film.name for task in tasks[:3])}")
        self._keep_good(tasks, engine.run("finish", tasks))

    def _watched(self, answers: Iterator[Answer]) -> Iterator[Answer]:
        for answer in answers:
            self.tally.add_frames(answer.frames)
            self.shown.update(self.tally)
            yield answer

    def _keep_good(self, tasks: Sequence[Task], answers: Iterator[Answer]) -> list[Task]:
        """Give the tasks that went well; the others get their row."""
        bad: dict[str, Answer] = {}
        for answer in answers:
            self.lock.check()
            if answer.error is not None and answer.row_id not in bad:
                bad[answer.row_id] = answer
        for task in tasks:
            if failed := bad.get(task.ref.row_id):
                self._fail(task, failed)
        return [task for task in tasks if task.ref.row_id not in bad]

    def _fail(self, task: Task, answer: Answer) -> None:
        assert answer.error is not None
        if answer.trace:
            LOG.error("row %s: %s\n%s", answer.row_id, answer.error, answer.trace)
        outcome = failure(task.ref, answer.error, now_us())
        write_rows(self.store, [outcome], self.spec.context)
        forget(self.store, task.ref.row_id)


@contextmanager
def _open_engine(spec: FilmSpec, shown: Display) -> Iterator[Engine]:
    if spec.config.job.run.engine == "local":
        from archive_colorizer.video.engines.local import LocalEngine

        yield LocalEngine(spec)
        return
    from archive_colorizer.video.engines.ray import RayEngine, cluster  # Ray is slow to load

    shown.say("starting Ray")
    with cluster(spec.config.job.run) as resources:
        yield RayEngine(spec, resources)


def _record(spec: FilmSpec, chosen: Choice) -> dict[str, Any]:
    """What job.json holds, as a job of stills has it."""
    job, model = spec.config.job, spec.model
    said = {"select": asdict(job.select), "color": asdict(job.color), "run": asdict(job.run),
            "video": asdict(spec.config.video)}  # fmt: skip
    for name in ("on_end", "c2pa_key"):
        said["run"].pop(name)
    return {
        "kind": layout.FILMS,
        "job_id": spec.context.job_id,
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "listed": chosen.listed,
        "todo": len(chosen.todo),
        "held_back": 0,
        "config": said,
        "recipe_sha256": chosen.recipe_sha256,
        "recipe": chosen.recipe,
        "model": {
            "ref": model.ref, "name": model.card.name, "version": model.release,
            "weights_sha256": model.weights_sha256, "data_rights": model.card.data_rights,
        },
        "versions": {
            "archive-colorizer": __version__, "git_commit": spec.context.git_commit,
        },
    }  # fmt: skip


def _report(store: Store, chosen: Choice, tally: FrameTally) -> FilmReport:
    columns = ["source_uri", "status", "error_message", "decoder_words"]
    rows: pa.Table = manifest.read(store, columns)
    here = [row for row in rows.to_pylist() if row["source_uri"] in chosen.uris]
    return FilmReport(
        output=store.uri, listed=chosen.listed, done_before=chosen.listed - len(chosen.todo),
        ok=sum(row["status"] == Status.OK for row in here),
        failed=tuple(row["error_message"] for row in here if row["status"] == Status.FAILED),
        frames=tally.done, seconds=tally.seconds,
        notes=tuple(
            f"{row['source_uri']}: {word}" for row in here for word in row["decoder_words"] or ()
        ),
    )  # fmt: skip
