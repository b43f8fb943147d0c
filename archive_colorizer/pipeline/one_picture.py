"""One picture into one file: `colorize one.jpg out.jpg`, by the steps of a job, without its record.

Beside the file nothing is left: no manifest, no lease, no memory. What would be its row stands in
its XMP, as far as it is known before the file is written, and is given to the caller.
"""

import contextlib
import json
import logging
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.imaging.formats import READ, WRITTEN, Format
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.engines.transport import refs_of
from archive_colorizer.pipeline.inputs.inventory import INVENTORIES
from archive_colorizer.pipeline.inputs.listing import list_source
from archive_colorizer.pipeline.intent import check_signing, make_intent
from archive_colorizer.pipeline.job import composition, making_steps
from archive_colorizer.pipeline.job_spec import JobSpec, make_spec
from archive_colorizer.pipeline.output.lease import Fence, NoFence
from archive_colorizer.pipeline.output.rows import outcome_table
from archive_colorizer.pipeline.records import Derivative, Made, Outcome, PhotoRef, Status
from archive_colorizer.pipeline.steps.deliver import Deliver
from archive_colorizer.pipeline.steps.step import run_batch, set_up
from archive_colorizer.storage import TEMPORARIES, open_store, parse_location

LOG: Final = logging.getLogger("archive_colorizer")
FORMS_OF: Final[Mapping[str, tuple[Format, ...]]] = {
    ending: tuple(name for name, form in WRITTEN.items() if form.mime == one.mime)
    for one in READ.values()
    for ending in one.endings
    if any(form.mime == one.mime for form in WRITTEN.values())
}
"""Ending of OUTPUT's name -> formats that the file may have; the first where none is named."""
NEEDS_RECORD: Final = (
    "include_again", "include_withdrawn", "not_moved", "limit", "sample", "retry_failed", "redo",
    "ids", "adopt", "adopt_new",
)  # fmt: skip
"""Settings of `select` that are about an earlier run."""
NOT_YET: Final = Derivative("", "", "", 0, "", "", 0, 0, 0.0, None, None)
"""Stands for the file that is about to be written."""
OF_THIS_HOUSE: Final = frozenset({"source_uri", "source_path_raw", "node"})
"""Columns that tell strangers of a house's machines: in XMP only with `publish_paths`."""
MAX_XMP_CHARS: Final = 30_000
"""Of a row in XMP: a packet in a JPEG has at most 64 KB, with quotes written as entities."""


@dataclass(frozen=True, slots=True)
class PictureReport:
    """The fate of the picture."""

    output: str
    row: Mapping[str, Any]
    """As the manifest would have it."""

    @property
    def is_written(self) -> bool:
        """Whether the file is there."""
        return bool(self.row["status"] == Status.OK)

    def text(self) -> str:
        """Write it as a line for people."""
        if not self.is_written:
            return f"not written: {self.row['error_message']}"
        size = f"{self.row['derivative_width']} x {self.row['derivative_height']}"
        doubt, flags = self.row["doubt_mean"], ", ".join(self.row["flags"])
        return (
            f"{self.output}: {size}"
            + (f", mean doubt {doubt:.2f}" if doubt is not None else "")
            + (f"; look at it: {flags}" if flags else "")
        )

    def json(self) -> str:
        """Write the row as JSON, on one line; times as ISO 8601."""
        return to_json(self.row)


def is_one_file(output: str) -> bool:
    """Tell whether OUTPUT names a file to be written, and not a folder."""
    place = parse_location(output)
    if output.endswith("/") or place.suffix not in FORMS_OF:
        return False
    return place.is_s3 or not place.path.is_dir()


def colorize_one(config: JobConfig, *, overwrite: bool = False) -> PictureReport:
    """Colour one picture into the file that OUTPUT names.

    Raises:
        LocationError: SOURCE is no picture, or OUTPUT is there already, and `overwrite` is not
            given; or OUTPUT is SOURCE.
        ConfigError: a setting that one file cannot have.
        UsageError: the model or a list is not usable.
    """
    config = _fit_settings(config)
    place = parse_location(config.output)
    _check_source(config)
    store = open_store(place.parent, config.run.s3)
    if not overwrite and store.exists(place.name):
        raise LocationError(
            f"{config.output}: is there already: --overwrite replaces it, or give another name"
        )
    check_signing(config)
    ref, spec = _plan(config)
    spec = replace(spec, output=store.uri)
    ref = replace(ref, output_key=place.name, owns_key=overwrite)
    way = (*making_steps(spec, delivers=True), DeliverFile(spec, composition(spec)))
    set_up(way)
    try:
        (outcome,) = run_batch(way, [ref])
    finally:
        store.delete_tree(f"{TEMPORARIES}/{spec.context.job_id}")
        if not place.is_s3:
            with contextlib.suppress(OSError):  # it is somebody else's, too
                (place.parent.path / TEMPORARIES).rmdir()
    if outcome.trace:
        LOG.error("%s", outcome.trace)
    return PictureReport(config.output, _make_row(outcome, spec))


def _fit_settings(config: JobConfig) -> JobConfig:
    """Let OUTPUT's ending decide the format, and refuse what makes no sense for one file."""
    form = _find_form(config)
    where = f"{config.output} is one file"
    for key in NEEDS_RECORD:
        if config.is_given("select", key):
            raise ConfigError(f"select.{key}: {where}, of which no record is kept")
    if config.select.pages == "all":
        raise ConfigError(f"select.pages=all: {where}: name a folder")
    for key, off in (("mark", "off"), ("access_px", 0)):
        if (value := getattr(config.deliver, key)) != off:
            raise ConfigError(f"output.{key}={value}: {where}: name a folder")
    if config.run.engine == "ray" or config.run.address:
        raise ConfigError(f"run.engine: {where}, which this process makes without Ray")
    return replace(
        config,
        deliver=replace(config.deliver, format=form),
        run=replace(config.run, engine="local", keep_model="off", report="off"),
    )


def _find_form(config: JobConfig) -> Format:
    """Find the format that OUTPUT's ending asks for."""
    forms = FORMS_OF[parse_location(config.output).suffix]
    given = config.deliver.format
    if not config.is_given("output", "format"):
        return forms[0]
    if given not in forms:
        raise ConfigError(f"output.format={given}: {config.output} is a {forms[0]}")
    return given


def _check_source(config: JobConfig) -> None:
    source = parse_location(config.source)
    is_folder = not source.is_s3 and source.path.is_dir()
    if is_folder or source.suffix in INVENTORIES:
        raise LocationError(
            f"{config.source}: must be one picture, as {config.output} is one file: "
            "name a folder for many"
        )
    if parse_location(config.output).is_same(source):
        raise LocationError(f"{config.output}: OUTPUT may not be SOURCE")


def _plan(config: JobConfig) -> tuple[PhotoRef, JobSpec]:
    """Plan the job as for a new OUTPUT, so that lists and settings hold as they do in any."""
    chosen = config.select
    listing = list_source(config.source, chosen.include, chosen.exclude, s3=config.run.s3)
    with tempfile.TemporaryDirectory() as nowhere:
        intent = make_intent(config, listing, open_store(nowhere))
    if intent.selection.excluded.num_rows:
        raise ConfigError(f"{config.source}: is excluded, and was not opened")
    (ref,) = refs_of(intent.selection.todo)
    return ref, make_spec(intent.config, intent.models, owner="")


class DeliverFile(Deliver[Made]):
    """Made -> Outcome, with the derivative under its own name and its row in its XMP."""

    def _make_fence(self) -> Fence:
        """OUTPUT's folder is protected by nobody's lease."""
        return NoFence()

    def _ours(self, ref: PhotoRef) -> bool:
        """Whether a file that is in the way may be replaced."""
        return ref.owns_key

    def _labels(self, made: Made) -> dict[str, str]:
        known = Outcome(
            ref=made.ref, status=Status.OK, started_at_us=made.started_at_us, facts=made.facts,
            doubt_mean=made.doubt_mean, doubt_p95=made.doubt_p95,
            flags=(*made.facts.flags, *self._composition.flags),
            device=made.device, precision=made.precision, ms=made.ms, derivative=NOT_YET,
        )  # fmt: skip
        hidden = {item.name for item in fields(Derivative)} | {"glare_map"}
        if not self._spec.config.deliver.publish_paths:
            hidden |= OF_THIS_HOUSE
        row = {
            name: value
            for name, value in _make_row(known, self._spec).items()
            if name not in hidden and value not in (None, "", [])
        }
        if len(text := to_json(row)) > MAX_XMP_CHARS:
            text = to_json({name: value for name, value in row.items() if name != "hints"})
        return super()._labels(made) | {"row": text}


def _make_row(outcome: Outcome, spec: JobSpec) -> dict[str, Any]:
    (row,) = outcome_table([outcome], spec.context, socket.gethostname()).to_pylist()
    return dict(row)


def to_json(row: Mapping[str, Any]) -> str:
    """Write a row as JSON on one line; times as ISO 8601, bytes as text."""
    return json.dumps(row, ensure_ascii=False, default=_to_text)


def _to_text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    raise TypeError(f"{type(value).__name__} has no place in a row")
