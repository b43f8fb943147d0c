"""Export: what OUTPUT holds, in another form. The grey masters' pictures, colour taken off."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import pyarrow.compute as pc

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.colour_off import take_colour_off
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.pipeline.output import derivatives, manifest
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.storage import TEMPORARIES, Store, parse_location

COLUMNS: Final = (
    "source_uri", "page", "status", "derivative_uri", "derivative_key", "reversible",
)  # fmt: skip
THREADS: Final = 4
GREY: Final = ".grey"
"""Goes before the ending, so that nobody takes the file for the master itself."""
STAGING: Final = "export"
"""Names the folder of temporaries in DEST."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """The files that were written, and those that were not, with why."""

    written: int
    problems: tuple[str, ...]
    others: int = 0
    """Derivatives whose colour cannot be taken off."""

    @property
    def is_clean(self) -> bool:
        """Whether every derivative has its file."""
        return not (self.problems or self.others)

    def text(self) -> str:
        """Format the report for people."""
        lines = [f"{self.written:,} grey pictures written"]
        if self.others:
            lines.append(
                f"{self.others:,} derivatives left: not made with --reversible, or of a master "
                "that is no sound grey JPEG"
            )
        return "\n".join([*lines, *(f"  not written: {line}" for line in self.problems)])


def export_masters(store: Store, destination: Store) -> ExportReport:
    """Write the grey picture of each derivative whose colour can be taken off.

    It gets the derivative's name below DEST, with GREY for the suffix; a file that is there is
    left.

    Args:
        store: of OUTPUT.
        destination: DEST.

    Raises:
        LocationError: there is no job at OUTPUT, no derivative of that form, or DEST is in OUTPUT
            or SOURCE.
    """
    job = read_job(store)
    if not job:
        raise LocationError(f"{store.uri}: no job there (it has no job.json)")
    config = job["config"]
    _check_place(destination, "OUTPUT", store.uri)
    for source in (config["source"], *config["further"]):
        _check_place(destination, "SOURCE", source)
    rows = manifest.read(store, COLUMNS)
    rows = rows.filter(pc.equal(rows["status"], "ok"))
    kept = rows.filter(pc.fill_null(rows["reversible"], False))
    if not kept.num_rows:
        raise LocationError(
            f"{store.uri}: no derivative there whose colour can be taken off "
            "(colorize --reversible makes such ones)"
        )
    keys = derivatives.find_present(store, kept).keys_of(kept).to_pylist()
    export = partial(_export, store, destination, config["deliver"]["suffix"])
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            problems = tuple(filter(None, pool.map(export, keys)))
    finally:
        destination.delete_tree(f"{TEMPORARIES}/{STAGING}")
        place = parse_location(destination.uri)
        if not place.is_s3:
            with contextlib.suppress(OSError):  # it is somebody else's, too
                (place.path / TEMPORARIES).rmdir()
    return ExportReport(len(keys) - len(problems), problems, rows.num_rows - kept.num_rows)


def _check_place(destination: Store, name: str, place: str) -> None:
    held = parse_location(place)
    if held.holds(parse_location(destination.uri)):
        raise LocationError(f"{destination.uri}: DEST may not be in {name}")


def _export(store: Store, destination: Store, suffix: str, key: str) -> str:
    """Write one; give why it was not."""
    stem, _, ending = key.rpartition(".")
    to = f"{stem.removesuffix(suffix)}{GREY}.{ending}"
    try:
        grey = take_colour_off(store.read(key))
        with destination.staged(to, STAGING, replace=False) as sink:
            sink.write(grey)
    except FileExistsError:
        return f"{destination.uri_of(to)}: is there already"
    except (ValueError, PictureFault) as error:
        return f"{store.uri_of(key)}: {error}"
    except OSError as error:
        return f"{key}: {error.strerror or error}"
    return ""
