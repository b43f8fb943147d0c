"""Tones of pages before any is done: header and a reduced decode of each, in threads."""

import io
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import pyarrow as pa

from archive_colorizer.imaging.decode import read_reduced
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.tone import tone_class
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.program_errors import guarded
from archive_colorizer.storage import open_uri

THREADS: Final = 4
UNREAD: Final = "unread"
"""Label of a page that cannot be read: the job's own reading will say why."""


def probe_tones(pages: pa.Table, config: JobConfig) -> list[str]:
    """Find the tone class of pages as the job will see it, at the proxy's size.

    Args:
        pages: `source_uri` and `page`.
        config: has the proxy's size, the limit of megapixels and the way to object stores.

    Returns:
        neutral, toned, tinted, colour, or UNREAD.
    """
    uris, numbers = pages["source_uri"].to_pylist(), pages["page"].to_pylist()
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(partial(_probe, config), uris, numbers))


def _probe(config: JobConfig, uri: str, page: int) -> str:
    most = int(config.run.inline_mib * (1 << 20))

    def work() -> str:
        with open_uri(uri, config.run.s3) as file:
            data = file.read(most + 1)  # a store is asked once for what is not large
            source = io.BytesIO(data) if len(data) <= most else file
            header = read_header(source, max_megapixels=config.run.max_megapixels, page=page)
            return tone_class(read_reduced(source, header, config.color.proxy_px).pixels)[0]

    found = guarded(work)
    return found if isinstance(found, str) else UNREAD
