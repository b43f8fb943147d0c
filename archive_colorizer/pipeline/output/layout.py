"""Layout of OUTPUT: where it may be, its job.json, and the tidying up after a dead run."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.pilot.record import PILOT
from archive_colorizer.registry import kept
from archive_colorizer.storage import TEMPORARIES, Store, parse_location

JOB: Final = "job.json"
STILLS: Final = "stills"
FILMS: Final = "films"
"""Values of `kind` in job.json; a record without one is of stills."""
PASSED_OVER: Final = "passed-over.parquet"
REPORT: Final = "report"
THUMBNAILS: Final = f"{REPORT}/thumbnails"
REVIEWS: Final = "reviews"
PINS: Final = f"{REVIEWS}/pins"
"""Folders of what people decided: their files are only added (`appended.py`)."""
_KEPT: Final = re.compile(f"{kept.FOLDER}/[0-9a-f]{{64}}/")
_OF_REPORT: Final = re.compile(
    rf"{REPORT}/(index\.html|pages/[a-z-]+-[0-9]{{6}}\.html|thumbnails/[0-9a-f]{{32}}\.jpg)"
)
"""Exactly: an OUTPUT of before may have a folder `report` of its own with derivatives."""
_OF_REVIEWS: Final = re.compile(
    rf"{REVIEWS}/(pins/)?([0-9]{{8}}T[0-9]{{12}}Z|merged)-[0-9a-f]{{32}}\.parquet"
)
_OF_FILMS: Final = re.compile(r"shots/[0-9a-f]{32}(\.parquet|/(plan|[0-9]{6})\.npz)")
"""Exactly, too: what a job of films knows of their shots (`video/plan.py`)."""
_OWN: Final = frozenset(
    {JOB, PASSED_OVER, PILOT, "job.lock", manifest.FOLDER, manifest.HISTORY, TEMPORARIES}
)


def check_apart(source: str, output: str) -> None:
    """Make sure that masters and derivatives cannot meet.

    Raises:
        LocationError: OUTPUT is SOURCE, inside it, or around it, after links are resolved.
    """
    masters, derivatives = parse_location(source), parse_location(output)
    if derivatives.is_same(masters):
        raise LocationError(f"{output}: OUTPUT may not be SOURCE")
    if masters.holds(derivatives) and (masters.is_s3 or masters.path.is_dir()):
        raise LocationError(f"{output}: OUTPUT may not lie inside SOURCE")
    if derivatives.holds(masters):
        raise LocationError(f"{output}: OUTPUT may not lie around SOURCE")


def check_masters_apart(uris: pa.ChunkedArray, output: str) -> None:
    """Make sure of the same for the pictures that an inventory names.

    Raises:
        LocationError: one of them lies inside OUTPUT.
    """
    derivatives = parse_location(output)
    folders = {uri.rpartition("/")[0] for uri in pc.unique(uris).to_pylist()}
    for folder in folders:
        if derivatives.holds(parse_location(f"{folder}/")):
            raise LocationError(f"{output}: OUTPUT may not hold masters ({folder})")


def prepare(store: Store) -> None:
    """Make sure that OUTPUT can be written.

    Raises:
        LocationError: it cannot, or it is a file.
    """
    try:
        with store.staged(".writable", "check", replace=True) as file:
            file.write(b"?")
        store.delete(".writable")
        store.delete_tree(f"{TEMPORARIES}/check")
    except OSError as error:
        reason = error.strerror or error
        raise LocationError(f"{store.uri}: OUTPUT cannot be written: {reason}") from error


def recover(store: Store) -> None:
    """Tidy up after a run that died: its temporaries, its rows, and a compaction in the midst."""
    store.delete_tree(TEMPORARIES)
    manifest.recover(store)
    manifest.settle(store, str(read_job(store).get("job_id", "interrupted")))


def read_job(store: Store) -> dict[str, Any]:
    """Read job.json; empty where there is none.

    Raises:
        LocationError: it cannot be read.
    """
    try:
        values = json.loads(store.read(JOB))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LocationError(f"{store.uri_of(JOB)}: cannot be read: {error}") from error
    return dict(values)


def check_kind(store: Store, kind: str = STILLS) -> None:
    """Make sure that OUTPUT is new, or has a job of this kind: stills or films.

    Raises:
        LocationError: it has one of the other kind.
    """
    there = read_job(store) or {"kind": kind}
    if there.get("kind", STILLS) != kind:
        raise LocationError(
            f"{store.uri}: has a job of {there.get('kind', STILLS)}: {kind} need an OUTPUT of "
            "their own"
        )


def write_job(store: Store, values: Mapping[str, Any]) -> None:
    """Write job.json whole."""
    store.write_atomic(JOB, json.dumps(values, indent=2, ensure_ascii=False).encode())


def is_own_file(key: str) -> bool:
    """Tell whether a key of OUTPUT is the job's record and not a derivative."""
    first = key.split("/", 1)[0]
    return first in _OWN or bool(
        _KEPT.match(key)
        or _OF_REPORT.fullmatch(key)
        or _OF_FILMS.fullmatch(key)
        or is_review_file(key)
    )


def is_review_file(key: str) -> bool:
    """Tell whether a key of OUTPUT is a file of decisions or pins.

    Other files in those folders are somebody's: a derivative of a picture in `reviews/`, say.
    """
    return _OF_REVIEWS.fullmatch(key) is not None
