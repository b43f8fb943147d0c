"""Masters that moved without OUTPUT being told: to colour them anew would forget their rows."""

from collections.abc import Iterator
from typing import Final

import pyarrow as pa

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.storage import S3Settings, find_entry, parse_location

LOOKED_AT: Final = 20
"""Old places that are looked at, of all that match."""


def check_not_moved(new: pa.Table, rows: pa.Table, config: JobConfig) -> None:
    """Stop where pictures without a row are, by name and size, ones that OUTPUT knows elsewhere.

    Their exclusions, hints and derivatives would be lost on them.

    Args:
        new: pages to be done that have no row: `source_uri` and `size_bytes`.
        rows: of pages that SOURCE does not hold: `source_uri` and `source_bytes`.
        config: of the job.

    Raises:
        LocationError: half of the new pictures or more are such, and are not at the old place.
    """
    if config.select.not_moved or not new.num_rows or not rows.num_rows:
        return
    known = {_key(*row): row[0] for row in _pairs(rows, "source_bytes")}
    pairs = [
        (known[_key(uri, size)], uri)
        for uri, size in _pairs(new, "size_bytes")
        if size and _key(uri, size) in known
    ]
    if 2 * len(pairs) < new.num_rows or not pairs:
        return
    if any(_is_there(old, config.run.s3) for old, _ in pairs[:: -(-len(pairs) // LOOKED_AT)]):
        return
    before, after = _differing(*pairs[0])
    raise LocationError(
        f"{config.source}: {len(pairs):,} of {new.num_rows:,} pictures without a row have name and "
        f"size of ones that OUTPUT knows at {before}, where they are no more: "
        f"archive-colorizer relocate {config.output} --from {before} --to {after} "
        "(--not-moved colours them as new ones)"
    )


def _pairs(table: pa.Table, size: str) -> Iterator[tuple[str, int]]:
    return zip(table["source_uri"].to_pylist(), table[size].to_pylist(), strict=True)


def _key(uri: str, size: int) -> tuple[str, int]:
    return uri.rpartition("/")[2], size


def _is_there(uri: str, s3: S3Settings) -> bool:
    """Whether a master is where it was; where nobody can say it is taken to be."""
    place = parse_location(uri)
    try:
        return find_entry(place, s3) is not None if place.is_s3 else place.path.exists()
    except OSError:
        return True


def _differing(old: str, new: str) -> tuple[str, str]:
    """Give the folders in which two URIs differ: without what they end on alike."""
    before, after = old.split("/"), new.split("/")
    while len(before) > 3 and len(after) > 3 and before[-1] == after[-1]:
        before.pop()
        after.pop()
    return _shown("/".join(before)), _shown("/".join(after))


def _shown(uri: str) -> str:
    place = parse_location(uri)
    return uri if place.is_s3 else str(place.path)
