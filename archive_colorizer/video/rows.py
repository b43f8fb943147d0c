"""Rows of films and of their shots."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from archive_colorizer.pipeline.output.manifest import to_parquet
from archive_colorizer.pipeline.values import fitting
from archive_colorizer.storage import Store
from archive_colorizer.video.kept import PieceFigures
from archive_colorizer.video.plan import FOLDER, ROW_CHARS, Plan

SHOTS: Final = pa.schema(
    [
        ("row_id", pa.string()),
        ("shot", pa.int32()),
        ("first_frame", pa.int64()),
        ("frames", pa.int64()),
        ("start_s", pa.float64()),
        ("doubt_mean", pa.float64()),
        ("doubt_p95", pa.float64()),
        ("flicker", pa.float64()),
        ("flicker_frame_by_frame", pa.float64()),
        ("ms_model", pa.float64()),
        ("ms_prepare", pa.float64()),
    ]
)
"""Columns of OUTPUT/shots/*.parquet, one row a shot; docs/video.md explains each."""
MEANS: Final = {
    "doubt_mean": "doubt_mean", "doubt_p95": "doubt_p95", "flicker": "flicker",
    "flicker_frame_by_frame": "flicker_before",
}  # fmt: skip


def write_shots(
    store: Store, row_id: str, plan: Plan, figures: Sequence[PieceFigures], time_base: float
) -> None:
    """Write the rows of a film's shots.

    Args:
        store: OUTPUT.
        row_id: of the film.
        plan: of the film.
        figures: of its pieces, in order.
        time_base: seconds of a step of its times.
    """
    rows = []
    for shot in plan.shots:
        own = [one for piece, one in zip(plan.pieces, figures, strict=True)
               if piece.shot == shot.number]  # fmt: skip
        row: dict[str, Any] = {
            "row_id": row_id, "shot": shot.number, "first_frame": shot.start,
            "frames": shot.stop - shot.start,
            "start_s": float(plan.pts[shot.start] - plan.pts[0]) * time_base,
            "ms_model": sum(one.ms_model for one in own),
            "ms_prepare": sum(one.ms_prepare for one in own),
        }  # fmt: skip
        row |= {name: mean_of(own, field) for name, field in MEANS.items()}
        rows.append(fitting(row, SHOTS))
    key = f"{FOLDER}/{row_id[:ROW_CHARS]}.parquet"
    store.write_atomic(key, to_parquet(pa.Table.from_pylist(rows, SHOTS)))


def mean_of(figures: Sequence[PieceFigures], name: str) -> float:
    """Mean of a figure over pieces, each counted by its frames."""
    frames = sum(one.frames for one in figures)
    return float(sum(getattr(one, name) * one.frames for one in figures) / frames)
