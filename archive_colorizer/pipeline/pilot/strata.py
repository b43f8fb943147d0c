"""Strata: the labels by which pages are told apart before a sample is drawn.

All keys but `tone` are known when SOURCE is listed. A tone is known only once a picture was read,
so `draw` reads a first, larger sample for it.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.imaging.formats import READ

Labels = tuple[str, ...]
"""One label for each key."""
TONE: Final = "tone"
SIZES: Final = (
    (1, "unknown"), (10**6, "under 1 MB"), (4 * 10**6, "1 to 4 MB"), (16 * 10**6, "4 to 16 MB"),
    (64 * 10**6, "16 to 64 MB"), (256 * 10**6, "64 to 256 MB"),
)  # fmt: skip
"""(upper end in bytes, label)."""
LARGEST: Final = "over 256 MB"
PAGES: Final = ((2, "1 page"), (10, "2 to 9 pages"))
MANY_PAGES: Final = "10 pages or more"
YEARS: Final = ("year", "date", "created", "jahr", "datum", "연도", "제작연도")
"""Columns of an inventory, in lower case, that say when a picture was made."""
UNDATED: Final = "undated"
_YEAR: Final = re.compile(r"(?<!\d)(1[6-9]\d\d|20\d\d)(?!\d)")
_FORMATS: Final[Mapping[str, str]] = {
    ending: name.lower() for name, one in READ.items() for ending in one.endings
}


def label_pages(pages: pa.Table, keys: Sequence[str]) -> tuple[NDArray[np.intp], list[Labels]]:
    """Put pages into strata by keys of LISTED.

    Args:
        pages: `relative`, `collection`, `size_bytes`, `source_uri` and `collection_json`, (n,).
        keys: at least none; without any there is one stratum.

    Returns:
        The stratum of each page, (n,), and the strata's labels in their order, which does not
        follow from that of the pages.
    """
    codes = np.zeros(pages.num_rows, np.int64)
    columns: list[tuple[NDArray[np.intp], list[str]]] = []
    for key in keys:
        column = pc.dictionary_encode(LISTED[key](pages).combine_chunks())
        at = column.indices.to_numpy(zero_copy_only=False).astype(np.intp)
        names = column.dictionary.to_pylist()
        columns.append((at, names))
        codes = codes * max(1, len(names)) + at
    _, first, found = np.unique(codes, return_index=True, return_inverse=True)
    labels = [tuple(names[at[row]] for at, names in columns) for row in first.tolist()]
    order = sorted(range(len(labels)), key=labels.__getitem__)
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    return place[found.ravel()], [labels[one] for one in order]


def _name_collections(pages: pa.Table) -> pa.ChunkedArray:
    """Name the collection, or the first folder where there is none: as the report groups."""
    folder = pc.replace_substring_regex(_name_folders(pages), r"(?s)/.*", "")
    return pc.if_else(pc.equal(pages["collection"], ""), folder, pages["collection"])


def _name_folders(pages: pa.Table) -> pa.ChunkedArray:
    return pc.replace_substring_regex(pages["relative"], r"(?s)/?[^/]*$", "")


def _name_formats(pages: pa.Table) -> pa.ChunkedArray:
    ending = pc.replace_substring_regex(pc.utf8_lower(pages["relative"]), r"(?s)^.*(\.|/)", ".")
    return _map(ending, lambda text: _FORMATS.get(text, "other"))


def _name_sizes(pages: pa.Table) -> pa.ChunkedArray:
    return _name_bands(np.asarray(pages["size_bytes"]), SIZES, LARGEST)


def _name_pages(pages: pa.Table) -> pa.ChunkedArray:
    """Name how many pages of the file are listed: with --pages first, each file has one."""
    _, found, counts = np.unique(
        pc.rank(pages["source_uri"], tiebreaker="dense"), return_inverse=True, return_counts=True
    )
    return _name_bands(counts[found], PAGES, MANY_PAGES)


def _name_bands(
    values: NDArray[np.int64], bands: Sequence[tuple[int, str]], last: str
) -> pa.ChunkedArray:
    at = np.searchsorted([end for end, _ in bands], values, side="right")
    names = pa.array([*(name for _, name in bands), last], pa.string())
    return pa.chunked_array([names.take(pa.array(at))])


def _name_decades(pages: pa.Table) -> pa.ChunkedArray:
    return _map(pages["collection_json"], _find_decade)


def _find_decade(text: str) -> str:
    """Find the decade in an inventory's row, written as JSON."""
    values: Mapping[str, Any] = {name.lower(): one for name, one in json.loads(text).items()}
    for name in YEARS:
        if found := _YEAR.search(str(values.get(name, ""))):
            return f"{found[1][:3]}0s"
    return UNDATED


def _map(column: pa.ChunkedArray, label: Callable[[str], str]) -> pa.ChunkedArray:
    """Label texts; equal ones once."""
    known: dict[str, str] = {}
    for text in pc.unique(column).to_pylist():
        known[text] = label(text)
    chunks = ([known[text] for text in chunk.to_pylist()] for chunk in column.chunks)
    return pa.chunked_array([pa.array(chunk, pa.string()) for chunk in chunks], pa.string())


LISTED: Final[Mapping[str, Callable[[pa.Table], pa.ChunkedArray]]] = {
    "collection": _name_collections,
    "folder": _name_folders,
    "format": _name_formats,
    "size": _name_sizes,
    "pages": _name_pages,
    "year": _name_decades,
}
"""Keys that are known when SOURCE is listed."""
