"""What the page is told of rows: plain values that JSON holds."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from archive_colorizer.pipeline.output.reviews import Decision
from archive_colorizer.pipeline.reasons import Words, reason_of, review_reasons
from archive_colorizer.pipeline.values import valid_text
from archive_colorizer.review.pyramid import TILE_PX, Levels
from archive_colorizer.review.sides import AFTER, BEFORE, Side

VERSION_CHARS: Final = 16


def both(words: Iterable[Words]) -> dict[str, str]:
    """Join texts in both languages."""
    found = list(words)
    return {
        "en": "; ".join(one.en for one in found),
        "ko": "; ".join(one.ko for one in found),
    }


def show_item(row: Mapping[str, Any], verdicts: Mapping[str, str]) -> dict[str, Any]:
    """Show a row as one of many.

    Args:
        row: with `rows.COLUMNS`.
        verdicts: derivative -> verdict, as who asks sees it.
    """
    sha256 = row["derivative_sha256"]
    return {
        "id": row["row_id"],
        "path": row["source_path"],
        "page": row["page"] or 0,
        "object_id": row["object_id"] or "",
        "collection": row["collection"] or "",
        "status": row["status"],
        "error_class": row["error_class"] or "",
        "why": both(_reasons(row)),
        "doubt": _number(row["doubt_mean"]),
        "flags": row["flags"] or [],
        "width": row["width"],
        "height": row["height"],
        "sha256": sha256,
        "verdict": verdicts.get(sha256) if sha256 else None,
        "thumb": _thumb(row),
    }


def _reasons(row: Mapping[str, Any]) -> list[Words]:
    if row["status"] != "ok":
        return [reason_of(row["error_class"] or "", row["tone_class"] or "").why]
    if not row["review_needed"]:
        return []
    return [reason.why for reason in review_reasons(row["flags"] or ()).values()]


def _thumb(row: Mapping[str, Any]) -> str | None:
    """The address of a row's thumbnail: of the derivative, or of a master that was left out."""
    if row["status"] == "ok" and row["derivative_sha256"]:
        version = row["derivative_sha256"][:VERSION_CHARS]
        return f"/thumb/{AFTER}/{quote(row['row_id'])}.jpg?v={version}"
    if row["status"] == "skipped" or row["thumbnail_key"]:
        return f"/thumb/{BEFORE}/{quote(row['row_id'])}.jpg"
    return None


def show_side(side: Side) -> dict[str, Any] | None:
    """Show where the pixels of a side are found; None where it has none."""
    width, height = side.size
    if not side.is_there or not width or not height:
        return None
    levels = Levels(width, height)
    start = f"/api/pictures/{quote(side.row['row_id'])}/{side.kind}"
    version = side.name[:VERSION_CHARS]
    return {
        "width": width,
        "height": height,
        "tile_size": TILE_PX,
        "min_level": levels.lowest,
        "max_level": levels.highest,
        "tiles": f"{start}/{{level}}/{{x}}_{{y}}.jpg?v={version}",
        "preview": f"{start}.jpg?edge=1600&v={version}",
    }


def show_decision(decision: Decision | None) -> dict[str, Any] | None:
    """Show a decision; what it was for stays hidden, as honeypots do."""
    if decision is None:
        return None
    return {
        "decision_id": decision.decision_id,
        "sha256": decision.derivative_sha256,
        "reviewer": decision.reviewer,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "note": decision.note,
        "decided_at_us": decision.decided_at_us,
        "seconds": decision.seconds,
    }


def show_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Show all columns of a row."""
    return {name: _plain(value) for name, value in row.items()}


def read_pins(hints: str | None) -> list[Any]:
    """Read the points that a picture was coloured with: [[x, y, "#rrggbb"], ...]."""
    try:
        found = json.loads(hints or "[]")
    except ValueError:
        return []
    return list(found) if isinstance(found, list) else []


def _plain(value: Any) -> Any:  # noqa: ANN401 (whatever a column holds)
    if isinstance(value, bytes):
        return valid_text(os.fsdecode(value))
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value


def _number(value: float | None) -> float | None:
    """A number that JSON holds."""
    return value if value is not None and math.isfinite(value) else None
