"""Pages as rows of a table: what is known of each before anything is opened.

Strings are valid UTF-8; `relative_raw` and `source_path_raw` hold a name's own bytes.
"""

import os
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from archive_colorizer.pipeline.values import INT64, valid_text
from archive_colorizer.storage import Entry, parse_location

PAGES: Final = pa.schema(
    [
        ("source_uri", pa.string()),
        ("source_path_raw", pa.binary()),
        ("relative_raw", pa.binary()),
        ("page", pa.int32()),
        ("size_bytes", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("etag", pa.string()),
        ("object_id", pa.string()),
        ("collection", pa.string()),
        ("sensitivity", pa.string()),
        ("class_id", pa.string()),
        ("expected_digest", pa.string()),
        ("collection_json", pa.string()),
        ("problem", pa.string()),
    ]
)


def page_of_entry(entry: Entry, relative: str) -> dict[str, Any]:
    """Make the row of a file that a store listed."""
    row = make_page(
        entry.uri, relative, size=entry.size_bytes, mtime_ns=None if entry.etag else entry.mtime_ns
    )
    if entry.etag:  # says more of an object than its time does
        row["etag"] = entry.etag
    return row


def page_of_path(path: Path, relative: str) -> dict[str, Any]:
    """Make the row of a named file; one that is not there stays listed, with size 0."""
    try:
        stat = path.stat()
        size, mtime_ns = stat.st_size, stat.st_mtime_ns
    except OSError:
        size, mtime_ns = 0, 0
    return make_page(parse_location(str(path)).uri, relative, size=size, mtime_ns=mtime_ns)


def problem_page(uri: str, relative: str, problem: str) -> dict[str, Any]:
    """Make the row of a file that is there, but of which no more can be said.

    Args:
        uri: of the file.
        relative: its name under SOURCE.
        problem: why, in one line: it becomes the page's error.
    """
    raw = relative.encode("utf-8", errors="replace")
    known = make_page("file:///", "", size=0, mtime_ns=None)
    return known | {
        "source_uri": valid_text(uri),
        "source_path_raw": raw,
        "relative_raw": raw,
        "problem": valid_text(problem),
    }


def make_page(uri: str, relative: str, *, size: int, mtime_ns: int | None) -> dict[str, Any]:
    """Make a row of PAGES of which no more is known than the file.

    Args:
        uri: of the file.
        relative: its name under SOURCE, odd bytes as surrogate escapes.
        size: in bytes.
        mtime_ns: time of the last change; None where the store has none. One that no table can hold
            (before 1678, after 2262) becomes None, and a size of that kind 0.
    """
    return {
        "source_uri": uri,
        "source_path_raw": parse_location(uri).raw,
        "relative_raw": os.fsencode(relative),
        "page": 0,
        "size_bytes": size if 0 <= size in INT64 else 0,
        "mtime_ns": mtime_ns if mtime_ns is None or mtime_ns in INT64 else None,
        "etag": None,
        "object_id": "",
        "collection": "",
        "sensitivity": "",
        "class_id": "",
        "expected_digest": "",
        "collection_json": "{}",
        "problem": "",
    }
