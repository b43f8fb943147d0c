"""Reproduce: derivatives made again from the kept weights and the settings that their rows record.

The pictures go through the steps of a job into a temporary folder; OUTPUT is only read. What stands
in a file of its making (the run's number, the program's version) is taken from the row, so that a
derivative can come out the same to the last byte. A signature cannot: it has a time, and its key is
not asked for. Of signed files pixels and metadata are compared.
"""

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError, LocationError, ModelReferenceError
from archive_colorizer.imaging.difference import compare_pictures
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.pipeline.config import ColorConfig, JobConfig, OutputConfig, RunConfig
from archive_colorizer.pipeline.job import composition, making_steps
from archive_colorizer.pipeline.job_spec import JobSpec, find_version
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.lease import Fence, NoFence
from archive_colorizer.pipeline.output.rows import JobContext
from archive_colorizer.pipeline.output.status import check_job
from archive_colorizer.pipeline.output.written import digest
from archive_colorizer.pipeline.recipe import read_settings
from archive_colorizer.pipeline.records import (
    RENDITIONS,
    Made,
    Outcome,
    PhotoRef,
    SourceFacts,
    Status,
)
from archive_colorizer.pipeline.reproduction import (
    DIFFERENT,
    IDENTICAL,
    IMPOSSIBLE,
    FileResult,
    ReproduceReport,
    Reproduction,
)
from archive_colorizer.pipeline.steps.deliver import Deliver
from archive_colorizer.pipeline.steps.step import Step, run_batch, set_up
from archive_colorizer.provenance.watermark_code import read_key
from archive_colorizer.registry.fetch import is_reference
from archive_colorizer.registry.kept import find_kept
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import S3Settings, Store, open_store
from archive_colorizer.version import __version__
from archive_colorizer.weights.reference import ResolvedModel

FILES: Final = ("derivative", *RENDITIONS)
COMPARED_FACTS: Final = (
    "tone_class", "content_box", "negative_curve", "glare_share", "class_auto", "icc_status",
)  # fmt: skip
"""What the steps decide of a picture before a model sees it, and what changes its colours."""
NO_LIMIT_MP: Final = 1e6
COLUMNS: Final = tuple(
    dict.fromkeys(
        (
            "row_id", "job_id", "status", "error_class", "recipe_sha256", "recipe_json",
            "object_id", "collection", "sensitivity", "class_id", "hints", "collection_json",
            "source_uri", "source_path", "source_path_raw", "page", "source_sha256",
            "source_bytes", "steps", "version", "torch_version", "c2pa_state", "watermark",
            "thumbnail_key", "thumbnail_index",
            *COMPARED_FACTS,
            *(f"{name}_{what}" for name in FILES for what in ("key", "sha256")),
        )
    )
)  # fmt: skip
Row = Mapping[str, Any]


class _ImpossibleError(Exception):
    """A picture cannot be made again; the message says why, in one line."""


def reproduce(  # noqa: PLR0913 (most have defaults)
    store: Store,
    ids: Sequence[str] = (),
    *,
    sample: int = 0,
    seed: int = 0,
    watermark_key: str = "",
    s3: S3Settings,
    tell: Callable[[Reproduction], None] = lambda one: None,
) -> ReproduceReport:
    """Make derivatives again and compare them with what is recorded.

    Args:
        store: OUTPUT, which is only read.
        ids: of rows.
        sample: without ids, so many derivatives are drawn.
        seed: of the sample.
        watermark_key: file with the key of the imperceptible mark; empty takes the one that the
            last run named.
        s3: the way to masters and weights that are objects.
        tell: is told of each picture as soon as it is done.

    Raises:
        LocationError: there is no job at OUTPUT, or it cannot be read.
        ConfigError: an id is of no row.
    """
    job = check_job(store)
    rows = manifest.read(store, COLUMNS)
    chosen = _choose(rows, ids, sample, seed)
    key = watermark_key or job["config"]["run"].get("watermark_key", "")
    done = []
    with tempfile.TemporaryDirectory() as folder:
        again = _Again(store, rows, RunConfig(
            engine="local", report="off", keep_model="off", max_megapixels=NO_LIMIT_MP,
            watermark_key=key, s3_endpoint=s3.endpoint, s3_anonymous=s3.anonymous,
        ), folder)  # fmt: skip
        for row in chosen:
            done.append(again.picture(row))
            tell(done[-1])
    return ReproduceReport(tuple(done), None if ids else seed)


def _choose(rows: pa.Table, ids: Sequence[str], sample: int, seed: int) -> list[Row]:
    """Choose the rows that are made again, those of one recipe after the other."""
    if ids:
        found = rows.filter(pc.is_in(rows["row_id"], value_set=pa.array(ids, pa.string())))
        for one in set(ids) - set(found["row_id"].to_pylist()):
            raise ConfigError(f"--id {one[:80]}: is the id of no row in the manifest")
    else:
        made = rows.filter(pc.equal(rows["status"], str(Status.OK)))
        all_ids = sorted(made["row_id"].to_pylist())
        drawn = random.Random(seed).sample(all_ids, min(sample, len(all_ids)))  # noqa: S311
        found = made.filter(pc.is_in(made["row_id"], value_set=pa.array(drawn, pa.string())))
    order = [("recipe_sha256", "ascending"), ("job_id", "ascending"), ("row_id", "ascending")]
    return [dict(row) for row in found.sort_by(order).to_pylist()]


class _DeliverAgain(Deliver[Made]):
    """Made -> Outcome, with the files in a folder that is nobody else's."""

    def _make_fence(self) -> Fence:
        return NoFence()


@dataclass(frozen=True, slots=True)
class _Way:
    """The steps of a row's pictures, set up."""

    key: tuple[str, ...]
    making: tuple[Step, ...]
    deliver: Step


class _Again:
    """Makes pictures again, by the same steps as long as rows have the same settings."""

    def __init__(self, store: Store, rows: pa.Table, run: RunConfig, folder: str) -> None:
        self._store, self._rows, self._run = store, rows, run
        self._folder, self._made = folder, open_store(folder)
        self._way: _Way | None = None
        self._past: pa.Table | None = None

    def picture(self, row: Row) -> Reproduction:
        """Make the picture of a row again."""
        name = row["source_path"] or row["source_uri"]
        try:
            return self._picture(row, name)
        except (_ImpossibleError, ModelReferenceError, LocationError, ConfigError) as error:
            reason = f"cannot be made again: {error}"
            return Reproduction(row["row_id"], name, IMPOSSIBLE, reason)

    def _picture(self, row: Row, name: str) -> Reproduction:
        if row["status"] != Status.OK:
            why = row["error_class"] or row["status"]
            raise _ImpossibleError(f"its row has no derivative ({why})")
        way = self._find_way(row)
        outcome, files = self._make(way, [row], row)
        batch, alone = 1, None
        if _judge(files) == DIFFERENT and len(mates := self._find_mates(row)) > 1:
            again, found = self._make(way, mates, row)
            if _judge(found) == IDENTICAL:
                alone, outcome, files, batch = files[0], again, found, len(mates)
        verdict = _judge(files)
        problems = [one.text() for one in files if one.problem]
        reason = f"cannot be compared: {'; '.join(problems)}" if verdict == IMPOSSIBLE else ""
        return Reproduction(
            row["row_id"], name, verdict, reason, files, batch, alone,
            _compare_facts(row, outcome.facts), _tell_then(row), _tell_now(outcome),
        )  # fmt: skip

    def _find_way(self, row: Row) -> _Way:
        """Find the steps for a row: those of the row before, or new ones."""
        step = row["steps"][0]
        key = (row["recipe_json"] or "", row["job_id"], row["version"] or "", step["precision"])
        if self._way is None or self._way.key != key:
            self._way = None  # its networks may go before others come
            spec = self._make_spec(row)
            way = _Way(key, making_steps(spec), _DeliverAgain(spec, composition(spec)))
            set_up((*way.making, way.deliver))
            self._way = way
        return self._way

    def _make_spec(self, row: Row) -> JobSpec:
        """Make the spec of the job as it was for a row."""
        color, deliver = _read_recipe(row)
        model, *after = (self._find_model(step) for step in row["steps"])
        run = replace(self._run, precision=row["steps"][0]["precision"] or "auto")
        if row["watermark"]:
            read_key(run.watermark_key)  # says what is missing
        else:
            run = replace(run, watermark_key="")
        context = JobContext(
            row["job_id"], row["recipe_sha256"], row["recipe_json"], tuple(row["steps"]),
            row["version"] or "", "", row["torch_version"] or "", "",
        )  # fmt: skip
        labels = {
            "model": model.card.name,
            "modelVersion": model.card.version,
            "weightsSha256": model.weights_sha256,
            "jobId": row["job_id"],
            "version": row["version"] or "",
        }
        config = JobConfig(source="", output="", color=color, deliver=deliver, run=run)
        return JobSpec(
            config=config, output=self._folder, model=model, enlarger=after[0] if after else None,
            context=context, labels=labels, owner="",
        )  # fmt: skip

    def _find_model(self, step: Mapping[str, Any]) -> ResolvedModel:
        """Find the weights of a step: OUTPUT's copy, or what the reference names, if it is that.

        Raises:
            _ImpossibleError: they are gone.
        """
        ref, sha256, s3 = step["model_ref"], step["weights_sha256"], self._run.s3
        version = step["model_version"] if is_reference(ref) else ""
        if kept := find_kept(self._store, sha256, ref, version, s3):
            return kept
        try:
            found = resolve(ref, s3=s3)
        except (ModelReferenceError, LocationError) as error:
            raise _ImpossibleError(f"its weights are not kept, and {error}") from error
        if found.weights_sha256 != sha256:
            raise _ImpossibleError(f"its weights are not kept, and {ref} names others by now")
        return found

    def _make(
        self, way: _Way, batch: Sequence[Row], row: Row
    ) -> tuple[Outcome, tuple[FileResult, ...]]:
        """Make a row's picture in a batch, and compare its files.

        Raises:
            _ImpossibleError: the master is gone, or another, or its way ends.
        """
        for entry in list(self._made.list()):
            self._made.delete(entry.key)
        records = run_batch(way.making, [_make_ref(one) for one in batch])
        record = records[[one["row_id"] for one in batch].index(row["row_id"])]
        (outcome,) = run_batch((way.deliver,), [record])
        facts = outcome.facts
        if facts and facts.source_sha256 != row["source_sha256"]:
            raise _ImpossibleError("its master has other bytes than it had")
        if outcome.status != Status.OK:
            raise _ImpossibleError(f"{outcome.error_class}: {outcome.error_message}")
        return outcome, tuple(self._compare(row, outcome))

    def _compare(self, row: Row, outcome: Outcome) -> Iterator[FileResult]:
        made = asdict(outcome.derivative) if outcome.derivative else {}
        for name in FILES:
            recorded = row[f"{name}_sha256"]
            if recorded is None:
                continue
            if made[f"{name}_sha256"] == recorded:
                yield FileResult(name, same_bytes=True)
                continue
            unsigned = row["c2pa_state"] == "signed"
            try:
                with (
                    self._store.open(row[f"{name}_key"] or "") as then,
                    self._made.open(made[f"{name}_key"]) as now,
                ):
                    yield _compare_files(name, then, now, recorded, unsigned=unsigned)
            except (OSError, PictureFault) as error:
                yield FileResult(name, same_bytes=False, problem=f"cannot be read: {error}")

    def _find_mates(self, row: Row) -> list[Row]:
        """Find the rows that were recorded in one batch with a row: they share its thumbnails."""
        if row["thumbnail_key"] is None:
            return []
        if self._past is None:  # a mate may have been done again since, or withdrawn
            self._past = manifest.read(self._store, COLUMNS, manifest.HISTORY)
        found: dict[int, Row] = {}
        for rows in (self._rows, self._past):
            mates = rows.filter(pc.equal(rows["thumbnail_key"], row["thumbnail_key"]))
            for one in mates.to_pylist():
                found.setdefault(one["thumbnail_index"], one)
        return [found[place] for place in sorted(found)]


def _compare_files(
    name: str, then: BinaryIO, now: BinaryIO, recorded: str, *, unsigned: bool
) -> FileResult:
    if digest(then)[0] != recorded:
        return FileResult(name, same_bytes=False, problem="the file in OUTPUT is not as recorded")
    return FileResult(name, False, compare_pictures(then, now), unsigned)


def _judge(files: Sequence[FileResult]) -> str:
    if any(one.problem for one in files):
        return IMPOSSIBLE
    same = all(one.same_bytes or (one.unsigned and not one.difference) for one in files)
    return IDENTICAL if same else DIFFERENT


def _read_recipe(row: Row) -> tuple[ColorConfig, OutputConfig]:
    """Read the settings that a row records.

    Raises:
        _ImpossibleError: it records none, or such as this version does not know.
    """
    try:
        recipe = read_settings(row["recipe_json"] or "")
        return ColorConfig(**recipe["color"]), OutputConfig(**recipe["output"])
    except (ValueError, KeyError, TypeError) as error:
        raise _ImpossibleError("its row records no settings that this version knows") from error


def _make_ref(row: Row) -> PhotoRef:
    """Name the page of a row as the run named it."""
    named = {
        name: row[name]
        for name in (item.name for item in fields(PhotoRef))
        if name in COLUMNS and row[name] is not None
    }
    return PhotoRef(
        **named, output_key=row["derivative_key"] or row["row_id"],
        size_bytes=row["source_bytes"] or 0, relative=row["source_path"] or "",
    )  # fmt: skip


def _compare_facts(row: Row, facts: SourceFacts | None) -> tuple[str, ...]:
    """Name what the steps found otherwise than the row has it."""

    def plain(value: object) -> object:
        return list(value) if isinstance(value, tuple) else value or None

    return tuple(name for name in COMPARED_FACTS if plain(getattr(facts, name)) != plain(row[name]))


def _tell_then(row: Row) -> Mapping[str, str]:
    step = row["steps"][0]
    told = {
        "device": step["device"], "precision": step["precision"], "torch": row["torch_version"],
        "archive-colorizer": row["version"],
    }  # fmt: skip
    return {name: value for name, value in told.items() if value}


def _tell_now(outcome: Outcome) -> Mapping[str, str]:
    return {
        "device": outcome.device, "precision": outcome.precision, "torch": find_version("torch"),
        "archive-colorizer": __version__,
    }  # fmt: skip
