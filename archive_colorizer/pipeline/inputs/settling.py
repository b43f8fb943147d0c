"""Files that are still being copied into SOURCE: they wait for a later look."""

import time
from dataclasses import replace

import numpy as np
import pyarrow as pa

from archive_colorizer.pipeline.inputs.listing import Listing


def hold_unsettled(listing: Listing, seconds: float, now_s: float | None = None) -> Listing:
    """Set pages aside whose file was changed less than so many seconds ago.

    An object of a store is whole from the moment that it is listed, and has no time here. A time in
    the future says nothing.

    Args:
        listing: of SOURCE.
        seconds: how long a file must have been left alone.
        now_s: the time now, seconds since 1970.
    """
    now_ns = int(1e9 * (time.time() if now_s is None else now_s))
    times = np.asarray(listing.table["mtime_ns"].fill_null(0).to_numpy())
    young = (times > now_ns - int(1e9 * seconds)) & (times <= now_ns)
    if not young.any():
        return listing
    waiting = listing.table.filter(pa.array(young))
    return replace(
        listing,
        table=listing.table.filter(pa.array(~young)),
        filtered=pa.concat_tables([listing.filtered, waiting]),
        notes=(*listing.notes, f"{waiting.num_rows:,} files were changed within {seconds:g} s: "
               "they wait for the next look"),
    )  # fmt: skip
