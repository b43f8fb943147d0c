"""Files of several pages: each of their pages becomes a page of the job.

How many there are stands in the file alone, so with `--pages all` the driver opens those that may
have more than one.
"""

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from archive_colorizer.imaging.header import read_header
from archive_colorizer.pipeline.program_errors import guarded
from archive_colorizer.storage import S3Settings, open_uri

ENDINGS: Final = (".tif", ".tiff", ".pdf")
"""Of files whose pages are scans; the frames of an animation are none."""
THREADS: Final = 8
CountPages = Callable[[Sequence[str]], Sequence[int]]
MAX_PAGES: Final = 100_000
"""A file that claims more is taken for broken: its first page is listed."""


def expand(
    table: pa.Table, closed: NDArray[np.bool_], known: Mapping[str, int], count: CountPages | None
) -> pa.Table:
    """Add a row for each further page of a file.

    Args:
        table: files as listed, by their page 0.
        closed: marks those that are never to be opened: of them the pages that are known count.
        known: source URI -> pages that have a row, of files with more than one.
        count: counts the pages of the files at some URIs; None takes the first page alone.

    Returns:
        The table, the pages of a file one after the other; hints are of the first page.
    """
    uris = table["source_uri"].to_pylist()
    counts = (
        {row: known.get(uris[row], 1) for row in np.flatnonzero(closed).tolist()} if known else {}
    )
    if count:
        names = pc.utf8_lower(table["source_uri"])
        may = pc.match_substring_regex(names, pattern=rf"({'|'.join(map(re.escape, ENDINGS))})$")
        opened = np.flatnonzero(np.asarray(may) & ~closed).tolist()
        counts |= zip(opened, count([uris[row] for row in opened]), strict=True)
    if all(number == 1 for number in counts.values()):
        return table
    numbers = [(row, page) for row in range(table.num_rows) for page in range(counts.get(row, 1))]
    expanded = table.take(pa.array([row for row, _ in numbers], pa.int64()))
    pages = pa.array([page for _, page in numbers], pa.int32())
    first = pc.equal(pages, 0)
    values = {"page": pages, "hints": pc.if_else(first, expanded["hints"], "")}
    for name, column in values.items():
        expanded = expanded.set_column(table.column_names.index(name), name, column)
    return expanded


def known_pages(manifest: pa.Table) -> Mapping[str, int]:
    """Count the pages that have a row, of files with more than one."""
    further = manifest.filter(pc.greater(manifest["page"], 0))
    last = further.group_by("source_uri").aggregate([("page", "max")])
    pairs = zip(last["source_uri"].to_pylist(), last["page_max"].to_pylist(), strict=True)
    return {uri: page + 1 for uri, page in pairs}


def count_pages(uris: Sequence[str], s3: S3Settings) -> list[int]:
    """Open files, in threads, and count their pages."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda uri: _count(uri, s3), uris))


def _count(uri: str, s3: S3Settings) -> int:
    """Count the pages of a file; what is wrong with it, its first page will tell."""

    def work() -> int:
        with open_uri(uri, s3) as file:
            return read_header(file, max_megapixels=math.inf).n_pages

    found = guarded(work)
    return found if isinstance(found, int) and 1 <= found <= MAX_PAGES else 1


def name_of_page(relative_raw: bytes, page: int) -> bytes:
    """Give the name under SOURCE that a page's derivative is named after: box/a.p3.tif."""
    if not page:
        return relative_raw
    path = PurePosixPath(os.fsdecode(relative_raw))
    return os.fsencode(path.with_name(f"{path.stem}.p{page + 1}{path.suffix}"))
