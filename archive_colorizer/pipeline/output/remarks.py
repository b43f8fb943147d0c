"""Remarks at the end of a run: what its rows say of many pictures at once."""

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.pipeline.flags import MULTIPAGE


def count_left_pages(rows: pa.Table, job_id: str) -> str:
    """Say how many pages of the run's files were left because only their first one is done."""
    mine = rows.filter(pc.equal(rows["job_id"], job_id))
    counts = [
        count - 1
        for flags, count in zip(mine["flags"].to_pylist(), mine["n_pages"].to_pylist(), strict=True)
        if MULTIPAGE in flags
    ]
    if not counts:
        return ""
    return (
        f"{sum(counts):,} further pages of {len(counts):,} files were left (--pages all does them)"
    )


def count_small(rows: pa.Table, job_id: str, proxy_px: int) -> str:
    """Say how many of the run's masters are smaller than what the model should see."""
    mine = rows.filter(pc.and_(pc.equal(rows["job_id"], job_id), pc.equal(rows["status"], "ok")))
    short = pc.min_element_wise(mine["width"], mine["height"])
    count = pc.sum(pc.less(short, proxy_px)).as_py()
    if not count:
        return ""
    return (
        f"{count:,} masters are smaller than the {proxy_px:,} pixels of --proxy-px (RESOL): the "
        "model saw them at their own size"
    )
