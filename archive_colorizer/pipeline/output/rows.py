"""Rows of the manifest: what became of one page, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa

from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.pipeline.flags import ASKED_FOR
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.records import STEP_TIMES, Outcome, SourceFacts
from archive_colorizer.pipeline.values import fitting


@dataclass(frozen=True, slots=True)
class JobContext:
    """Columns that every row of a job has in common."""

    job_id: str
    recipe_sha256: str
    recipe_json: str
    """The recipe itself: whatever decides how the derivatives look."""
    steps: tuple[Mapping[str, Any], ...]
    """Work on a picture, as the manifest's `steps`."""
    version: str
    git_commit: str
    torch_version: str
    ray_version: str
    review_doubt: float = 1.0
    """Pictures whose mean doubt is above this are marked for review."""


def outcome_row(outcome: Outcome, context: JobContext, node: str) -> dict[str, Any]:
    """Make the manifest row of one outcome; columns that do not apply are null."""
    ref, facts, done = outcome.ref, outcome.facts, outcome.derivative
    row: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    row |= {name: getattr(ref, name) for name in _REF_COLUMNS}
    row |= {
        "source_path": ref.relative or None,
        "job_id": context.job_id,
        "recipe_sha256": context.recipe_sha256,
        "recipe_json": context.recipe_json,
        "source_bytes": ref.size_bytes,
        "source_mtime": ref.mtime_ns,
        "started_at": outcome.started_at_us,
        "version": context.version,
        "git_commit": context.git_commit,
        "torch_version": context.torch_version,
        "ray_version": context.ray_version,
        "node": node,
        "status": str(outcome.status),
        "error_class": outcome.error_class,
        "error_message": outcome.error_message,
        "flags": list(outcome.flags),
        "steps": [],
        "review_needed": bool(set(outcome.flags) - ASKED_FOR)
        or (outcome.doubt_mean or 0) > context.review_doubt,
        "doubt_mean": outcome.doubt_mean,
        "doubt_p95": outcome.doubt_p95,
        "doubt_map": outcome.doubt_map,
        "thumbnail_key": outcome.thumbnail_key,
        "thumbnail_index": outcome.thumbnail_index,
    }
    row |= {f"ms_{name}": outcome.ms.get(name) for name in STEP_TIMES}
    if facts is not None:
        row |= _facts_columns(facts)
    if done is not None:
        row |= asdict(done)
        ran = {"device": outcome.device, "precision": outcome.precision}
        row |= {"steps": [{**step, **ran} for step in context.steps]}
        row |= {"digital_source_type": DIGITAL_SOURCE_TYPE}
    return row


_REF_COLUMNS: Final = (
    "row_id",
    "object_id",
    "collection",
    "sensitivity",
    "class_id",
    "hints",
    "collection_json",
    "source_uri",
    "source_path_raw",
    "page",
    "etag",
    "attempt",
)


def _facts_columns(facts: SourceFacts) -> dict[str, Any]:
    values = asdict(facts)
    del values["flags"]
    return values | {"decoder_words": list(facts.decoder_words)}


def outcome_table(outcomes: Sequence[Outcome], context: JobContext, node: str) -> pa.Table:
    """Make the manifest rows of some outcomes."""
    rows = [fitting(outcome_row(outcome, context, node), SCHEMA) for outcome in outcomes]
    return pa.Table.from_pylist(rows, SCHEMA)
