"""Withdraw: derivatives are taken back. Tombstones first, then whatever shows the pictures."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline import html_report
from archive_colorizer.pipeline.inputs.text_files import read_lines
from archive_colorizer.pipeline.output import layout, manifest
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.status import check_job
from archive_colorizer.pipeline.output.withdrawal import (
    Remnants,
    Withdrawal,
    bury,
    clear,
    find_remnants,
    join_pages,
    mark_withdrawn,
)
from archive_colorizer.pipeline.records import RENDITIONS
from archive_colorizer.storage import TEMPORARIES, Store

FILES: Final = ("derivative", *RENDITIONS)
NAMES: Final = (
    "row_id", "object_id", "source_path", "source_uri",
    *(f"{name}_key" for name in FILES), *(f"{name}_sha256" for name in FILES),
)  # fmt: skip
"""Columns by which a line may name a row."""
SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class WithdrawReport:
    """What was taken back, or would be."""

    pages: int
    """Pages that the list names."""
    buried: int
    """Those that were not withdrawn before."""
    files: int
    """Files that were deleted."""
    thumbnails: int
    """Thumbnails that were taken off sheets with others on them."""
    is_trial: bool = False
    """Whether nothing was done: then nothing is known of files and thumbnails."""

    def text(self) -> str:
        """Format the report for people."""
        if self.is_trial:
            return f"{self.buried:,} of {self.pages:,} pictures would be withdrawn; none was"
        return (
            f"{self.buried:,} of {self.pages:,} pictures withdrawn, the others were before; "
            f"{self.files:,} files deleted, {self.thumbnails:,} thumbnails taken off their sheets"
        )


def withdraw(
    store: Store, ids: str, reason: str, by: str, *, dry_run: bool = False
) -> WithdrawReport:
    """Take derivatives back.

    An interrupted withdrawal is finished by the next one, whatever that names.

    Args:
        store: OUTPUT.
        ids: file that names them, one a line: row ids, object ids, paths or URIs of masters, keys
            or SHA-256 of derivatives.
        reason: why, for the record.
        by: who asks for it.
        dry_run: say what would be done, and do nothing.

    Raises:
        ConfigError: the list cannot be read, a line names no row, or no reason is given.
        LocationError: there is no job at OUTPUT, or it cannot be read or written.
        LockedError: a run holds OUTPUT.
    """
    said = Withdrawal(_one_line(reason, "--reason"), _one_line(by, "--by"), datetime.now(UTC))
    check_job(store)
    lines = [line.strip() for line in read_lines(ids)]
    if dry_run:
        pages, new = _find_pages(store, lines, ids)
        return WithdrawReport(len(pages), new, 0, 0, is_trial=True)
    with Lock(store) as lock:
        layout.recover(store)
        pages, _ = _find_pages(store, lines, ids)
        try:
            buried = bury(store, pages, said, _make_job_id(said))
            lock.check()
            found = find_remnants(store)
            clear(store, found)
            if store.exists(html_report.INDEX):
                html_report.write_report(store)
        except OSError as error:
            problem = error.strerror or error
            raise LocationError(
                f"{store.uri}: the withdrawal was interrupted ({problem}); the same command "
                "finishes it"
            ) from error
        store.delete_tree(TEMPORARIES)
    return _report(pages, buried, found)


def _report(pages: Sequence[str], buried: int, found: Remnants) -> WithdrawReport:
    thumbnails = sum(map(len, found.cells.values()))
    return WithdrawReport(len(pages), buried, len(found.files), thumbnails)


def _one_line(text: str, option: str) -> str:
    line = " ".join(text.split())
    if not line or not line.isprintable():
        raise ConfigError(f"{option} {text!r}: must be a line of text")
    return line


def _make_job_id(said: Withdrawal) -> str:
    return f"{said.at:%Y%m%dT%H%M%SZ}-withdraw-{uuid.uuid4().hex[:8]}"


def _find_pages(store: Store, lines: Sequence[str], path: str) -> tuple[list[str], int]:
    """Find the pages that lines name, and how many of them are not withdrawn yet.

    A name may be of an earlier row of the page: whoever holds an old derivative names that.

    Raises:
        ConfigError: a line names none.
    """
    wanted = pa.array(sorted({line for line in lines if line}), pa.string())
    if not len(wanted):
        raise ConfigError(f"{path}: names no picture")
    columns = (*NAMES, "page", "error_class")
    rows = manifest.read(store, columns)
    past = manifest.read(store, columns, manifest.HISTORY)
    current = join_pages(rows)
    by_id = pc.is_in(past["row_id"], value_set=rows["row_id"].combine_chunks())
    by_page = pc.is_in(join_pages(past), value_set=current.combine_chunks())
    past = past.filter(pc.or_(by_id, by_page))
    ids, pages, known = set[str](), set[str](), set[str]()
    for table in (rows, past):
        for name in NAMES:
            found = table.filter(pc.is_in(table[name], value_set=wanted))
            ids.update(found["row_id"].to_pylist())
            pages.update(join_pages(found).to_pylist())
            known.update(found[name].to_pylist())
    _check_known(lines, known, path)
    of_id = pc.is_in(rows["row_id"], value_set=pa.array(sorted(ids), pa.string()))
    of_page = pc.is_in(current, value_set=pa.array(sorted(pages), pa.string()))
    chosen = pc.or_(of_id, of_page)
    new = pc.and_(chosen, pc.invert(mark_withdrawn(rows)))
    return current.filter(chosen).to_pylist(), int(pc.sum(new).as_py() or 0)


def _check_known(lines: Sequence[str], known: set[str], path: str) -> None:
    unknown = [
        f"line {number}: {line[:80]!r}"
        for number, line in enumerate(lines, start=1)
        if line and line not in known
    ]
    if unknown:
        more = len(unknown) - SHOWN
        shown = [*unknown[:SHOWN], *([f"and {more:,} more"] if more > 0 else [])]
        raise ConfigError(f"{path}: names no row of {len(unknown):,}: {'; '.join(shown)}")
