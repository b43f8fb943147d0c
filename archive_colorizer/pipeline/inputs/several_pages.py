"""Files of several pages: each of their pages becomes a page of the job.

How many there are stands in the file alone, so with `--pages all` the driver opens those that may
have more than one.
"""

import math
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.imaging.header import read_header
from archive_colorizer.pipeline.inputs.pages import PAGES
from archive_colorizer.pipeline.program_errors import guarded
from archive_colorizer.storage import S3Settings, open_uri

ENDINGS: Final = (".tif", ".tiff", ".pdf")
"""Of files whose pages are scans; the frames of an animation are none."""
THREADS: Final = 8
MAX_PAGES: Final = 100_000
"""A file that claims more is taken for broken: its first page is listed."""


def expand(table: pa.Table, s3: S3Settings) -> pa.Table:
    """Add a row for each further page of a file.

    Args:
        table: pages as listed, page 0 of each file.
        s3: the way to files that are objects.

    Returns:
        The table, the pages of a file one after the other.
    """
    names = pc.utf8_lower(table["source_uri"])
    may = pc.match_substring_regex(names, pattern=rf"({'|'.join(map(re.escape, ENDINGS))})$")
    several = pc.and_(may, pc.equal(table["page"], 0))
    rows = [i for i, one in enumerate(several.to_pylist()) if one]
    uris = table["source_uri"].take(pa.array(rows, pa.int64())).to_pylist()
    with ThreadPoolExecutor(THREADS) as pool:
        counts = dict(zip(rows, pool.map(lambda uri: _count(uri, s3), uris), strict=True))
    if all(number == 1 for number in counts.values()):
        return table
    numbers = [(row, page) for row in range(table.num_rows) for page in range(counts.get(row, 1))]
    expanded = table.take(pa.array([row for row, _ in numbers], pa.int64()))
    place = table.column_names.index("page")
    pages = pa.array([page for _, page in numbers], pa.int32())
    return expanded.set_column(place, PAGES.field("page"), pages)


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
