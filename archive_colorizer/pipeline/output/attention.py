"""Pictures that want a person's attention: which, why in plain words, and what to do."""

import csv
import io
import re
import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.cells import cell_len, set_cell_size

from archive_colorizer.errors import ListingPhotoError, LocationError
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.layout import PASSED_OVER
from archive_colorizer.pipeline.reasons import (
    Reason,
    passed_over_reason,
    reason_of,
    review_reasons,
)
from archive_colorizer.storage import Store

LISTS: Final = ("failed", "review", "skipped", "passed_over")
COLUMNS: Final = (
    "row_id", "source_path", "source_uri", "page", "object_id", "status", "error_class",
    "error_message", "tone_class", "flags", "review_needed", "doubt_mean",
)  # fmt: skip
FIRST: Final = 5
"""Failed pictures that the summary of a run names."""
_PASSED_OVER: Final = pa.schema([("path", pa.string()), ("kind", pa.string())])
_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a list."""

    path: str
    """Below SOURCE."""
    object_id: str
    kind: str
    """Its error class, its flags (`doubt` for none), or the kind of a file passed over."""
    reasons: tuple[Reason, ...]
    page: int = 0
    message: str = ""
    """What the row says, in full."""
    source_uri: str = ""
    row_id: str = ""

    @property
    def why(self) -> str:
        """The reasons, in English; of a listing's entry also which one it is."""
        text = "; ".join(reason.why.en for reason in self.reasons)
        where = self.message.partition(ListingPhotoError.WORDS)[2]
        if self.kind == ListingPhotoError.error_class and where:
            return f"{text}: {_BLANKS.sub(' ', where)}"
        return text

    @property
    def todo(self) -> str:
        """What to do, in English."""
        return "; ".join(dict.fromkeys(reason.todo.en for reason in self.reasons))

    @property
    def name(self) -> str:
        """Path and page, on one line."""
        shown = _BLANKS.sub(" ", self.path)
        return f"{shown} (page {self.page + 1})" if self.page else shown

    def to_dict(self) -> dict[str, Any]:
        """Give what `--json` and `--csv` write."""
        return {
            "path": self.path, "page": self.page, "object_id": self.object_id,
            "class": self.kind, "reason": self.why, "what_to_do": self.todo,
            "message": self.message, "source_uri": self.source_uri, "row_id": self.row_id,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attention:
    """What wants attention in OUTPUT, in numbers, with the first failed pictures by name."""

    failed: int = 0
    first_failed: tuple[Entry, ...] = ()
    review: int = 0
    in_colour: int = 0
    """Pictures left out because they are in colour already."""
    hand_coloured: int = 0
    """Pictures left out because somebody coloured them by hand."""

    def lines(self, output: str) -> list[str]:
        """Say it to people, with what to do next."""
        lines = []
        status = f"archive-colorizer status {shlex.quote(output)}"
        if self.failed:
            lines.append(f"{_pictures(self.failed)} failed:")
            lines += [f"  {one.name}: {one.why} ({one.kind})" for one in self.first_failed]
            if more := self.failed - len(self.first_failed):
                lines.append(f"  and {more:,} more: {status} --failed")
            advice = dict.fromkeys(one.todo for one in self.first_failed)
            lines += [f"  what to do: {text}" for text in advice]
        if self.review:
            lines.append(f"{_pictures(self.review)} to review: {status} --review")
        if left_out := self.in_colour + self.hand_coloured:
            lines.append(
                f"{_pictures(left_out)} left out: {self.in_colour:,} in colour, "
                f"{self.hand_coloured:,} coloured by hand (--on-colour recolor takes them)"
            )
        return lines


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"


def count_attention(rows: pa.Table) -> Attention:
    """Count what wants attention.

    Args:
        rows: of the manifest, with COLUMNS.
    """
    failed = rows.filter(pc.equal(rows["status"], "failed"))
    skipped = rows.filter(pc.fill_null(pc.equal(rows["error_class"], "already_colour"), False))
    tinted = pc.sum(pc.equal(skipped["tone_class"], "tinted")).as_py() or 0
    return Attention(
        failed=failed.num_rows,
        first_failed=tuple(make_entries(add_paths(failed).slice(0, FIRST))),
        review=select_rows(rows, "review").num_rows,
        in_colour=skipped.num_rows - tinted,
        hand_coloured=tinted,
    )


def read_list(store: Store, name: str) -> list[Entry]:
    """Read one of LISTS, by path.

    Raises:
        LocationError: the manifest or the list cannot be read.
    """
    if name == "passed_over":
        return list(_read_passed_over(store))
    rows = add_paths(select_rows(manifest.read(store, COLUMNS), name))
    order = pc.sort_indices(rows, sort_keys=[("source_path", "ascending"), ("page", "ascending")])
    return make_entries(rows.take(order))


def select_rows(rows: pa.Table, name: str) -> pa.Table:
    """Select the rows that stand on a list: `failed`, `review` or `skipped`."""
    if name == "review":
        return rows.filter(
            pc.and_(pc.equal(rows["status"], "ok"), pc.fill_null(rows["review_needed"], False))
        )
    return rows.filter(pc.equal(rows["status"], name))


def make_entries(rows: pa.Table) -> list[Entry]:
    """Make the entries of rows that have their `source_path`."""
    return [_make_entry(row) for row in rows.select(COLUMNS).to_pylist()]


def _make_entry(row: dict[str, Any]) -> Entry:
    if row["status"] == "ok":
        found = review_reasons(row["flags"] or ())
        kind, reasons = " ".join(found), tuple(found.values())
        doubt = row["doubt_mean"]
        message = f"mean doubt {doubt:.2f}" if doubt is not None else ""
    else:
        kind, message = row["error_class"] or "", row["error_message"] or ""
        reasons = (reason_of(kind, row["tone_class"] or ""),)
    return Entry(
        path=row["source_path"], object_id=row["object_id"] or "", kind=kind, reasons=reasons,
        page=row["page"] or 0, message=message, source_uri=row["source_uri"], row_id=row["row_id"],
    )  # fmt: skip


def add_paths(rows: pa.Table) -> pa.Table:
    """Fill `source_path` where an earlier version wrote none: the URI below the common folder."""
    if not rows["source_path"].null_count:
        return rows
    uris = rows["source_uri"].to_pylist()
    paths = rows["source_path"].to_pylist()
    bare = [uri for uri, path in zip(uris, paths, strict=True) if path is None]
    root = _find_common_folder(bare)
    filled = [
        path if path is not None else _readable(uri, root)
        for uri, path in zip(uris, paths, strict=True)
    ]
    place = rows.column_names.index("source_path")
    return rows.set_column(place, "source_path", pa.array(filled, pa.string()))


def _find_common_folder(uris: Sequence[str]) -> str:
    low, high = min(uris), max(uris)
    same = 0
    while same < len(low) and low[same : same + 1] == high[same : same + 1]:
        same += 1
    return low[: low.rfind("/", 0, same) + 1]


def _readable(uri: str, root: str) -> str:
    tail = uri.removeprefix(root)
    return unquote(tail) if uri.startswith("file://") else tail


def write_passed_over(store: Store, names: Sequence[tuple[str, str]]) -> None:
    """Write the names of files that were passed over: (path below SOURCE, kind)."""
    table = pa.table([[one[i] for one in names] for i in (0, 1)], schema=_PASSED_OVER)
    store.write_atomic(PASSED_OVER, manifest.to_parquet(table))


def _read_passed_over(store: Store) -> Iterable[Entry]:
    try:
        table = pq.read_table(io.BytesIO(store.read(PASSED_OVER)), schema=_PASSED_OVER)
    except FileNotFoundError:
        return
    except (OSError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise LocationError(f"{store.uri_of(PASSED_OVER)}: cannot be read: {text}") from error
    for row in table.sort_by("path").to_pylist():
        yield Entry(row["path"], "", row["kind"], (passed_over_reason(row["kind"]),))


def to_csv(entries: Sequence[Entry]) -> str:
    """Write entries as CSV, with a header."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, Entry("", "", "", ()).to_dict())
    writer.writeheader()
    writer.writerows(one.to_dict() for one in entries)
    return text.getvalue()


def to_lines(entries: Sequence[Entry], name: str) -> Iterable[str]:
    """Write entries as a table for people, and below it what to do, by class."""
    yield f"{name.replace('_', ' ')}: {len(entries):,}"
    if not entries:
        return
    cells = [("path", "object id", "class", "reason")]
    cells += [(one.name, _BLANKS.sub(" ", one.object_id), one.kind, one.why) for one in entries]
    widths = [max(cell_len(row[i]) for row in cells) for i in range(3)]
    for *first, why in cells:
        padded = [set_cell_size(cell, width) for cell, width in zip(first, widths, strict=True)]
        yield "  ".join([*padded, why])
    yield "what to do:"
    for kind, _ in Counter(one.kind for one in entries).most_common():
        yield f"  {kind}: {next(one.todo for one in entries if one.kind == kind)}"
