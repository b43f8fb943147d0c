"""Lists meet the listing: which pages the lines of an exclude, hints or fixity list mean.

A line that means no page, or more pages than one where it must be one, is `unmatched`: text fit to
be shown, "FILE: line 7: 'box/x.jpg' names nothing that is listed".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.formats import ENDINGS
from archive_colorizer.pipeline.inputs.exclude_and_fixity import (
    Excluded,
    read_exclude_list,
    read_fixity,
)
from archive_colorizer.pipeline.inputs.hints import join_points, read_hints
from archive_colorizer.pipeline.inputs.names import Found, ListedNames
from archive_colorizer.storage import DEFAULT_S3, S3Settings, parse_location

SHOWN: Final = 3
"""Unmatched lines that a message shows; it counts the others."""
SHOWN_CHARS: Final = 200


def mark_excluded(
    table: pa.Table,
    path: str,
    *,
    names: ListedNames | None = None,
    s3: S3Settings = DEFAULT_S3,
) -> tuple[pa.Array, tuple[str, ...]]:
    """Mark the pages that an exclude list means; in doubt a page is excluded.

    Args:
        table: a listing with the columns that `ListedNames` takes.
        path: of the list; empty for none.
        names: of the listing, where they are at hand.
        s3: the way to the object store, for a list that lies there.

    Returns:
        A mask over the rows, and the lines that mean none.

    Raises:
        ConfigError: the list cannot be read.
    """
    if not path:
        return pa.array([False] * table.num_rows, pa.bool_()), ()
    names = names or ListedNames(table)
    beside = folder_of(path)
    rows: set[int] = set()
    unmatched = []
    for line in read_exclude_list(path, s3):
        meant = _rows_excluded(line, names, beside)
        rows |= meant
        if not meant and not line.may_be_comment:
            unmatched.append(_say_unmatched(line.where, line.names[0].strip(), 0))
    rows = names.same_files(rows)
    return pa.array([row in rows for row in range(table.num_rows)], pa.bool_()), tuple(unmatched)


def add_hints(
    table: pa.Table,
    path: str,
    *,
    names: ListedNames | None = None,
    s3: S3Settings = DEFAULT_S3,
) -> tuple[pa.Table, tuple[str, ...]]:
    """Add the column `hints`: each picture's points. Arguments as of `mark_excluded`.

    Returns:
        The table, and the lines that do not mean one picture.

    Raises:
        ConfigError: the list cannot be read or understood.
    """
    if not path:
        return table.append_column("hints", pa.repeat("", table.num_rows)), ()
    names = names or ListedNames(table)
    given = read_hints(path, s3)
    entries = [Entry((hint.name,), hint.where) for hint in given]
    claims, unmatched = match_one_each(entries, names, folder_of(path))
    hints = [""] * table.num_rows
    for row, numbers in claims.items():
        hints[row] = join_points([given[number] for number in numbers])
    return table.append_column("hints", pa.array(hints, pa.string())), unmatched


def add_fixity(
    table: pa.Table,
    path: str,
    *,
    names: ListedNames | None = None,
    s3: S3Settings = DEFAULT_S3,
) -> tuple[pa.Table, tuple[str, ...]]:
    """Put the checksums of a list in place of the inventory's own in `expected_digest`.

    Lines about files that are no pictures by their ending pass: a list of checksums is of all
    files. Arguments as of `mark_excluded`.

    Returns:
        The table, and the lines that do not mean one picture.

    Raises:
        ConfigError: the list cannot be read or understood, or contradicts itself.
    """
    if not path:
        return table, ()
    names = names or ListedNames(table)
    given = read_fixity(path, s3)
    entries = [Entry(one.names, one.where, one.digest, _is_picture(one.names[0])) for one in given]
    claims, unmatched = match_one_each(entries, names, folder_of(path))
    digests = table["expected_digest"].to_pylist()
    for row, numbers in claims.items():
        digests[row] = _strongest([entries[number] for number in numbers])
    place = table.column_names.index("expected_digest")
    column = pa.array(digests, pa.string())
    return table.set_column(place, "expected_digest", column), unmatched


def mark_sensitive(table: pa.Table, words: Iterable[str]) -> pa.Array:
    """Mark the pages whose `sensitivity` is one of some words; blanks and case do not count."""
    sought = {_bare(word) for word in words} - {""}
    column = table["sensitivity"]
    values = [value for value in pc.unique(column).to_pylist() if _bare(value or "") in sought]
    mask = pc.is_in(column, value_set=pa.array(values, pa.string()))
    return mask.combine_chunks() if isinstance(mask, pa.ChunkedArray) else mask


def check_matched(unmatched: Sequence[str], *, allowed: bool) -> tuple[str, ...]:
    """Stop at lines that mean nothing, unless that is allowed.

    Returns:
        Notes for the report: the first lines, and how many more there are.

    Raises:
        ConfigError: there are such lines and they are not allowed.
    """
    more = len(unmatched) - SHOWN
    shown = (*unmatched[:SHOWN], *([f"and {more:,} more lines of the kind"] if more > 0 else ()))
    if unmatched and not allowed:
        raise ConfigError(f"{'; '.join(shown)} (--allow-unmatched goes on without them)")
    return shown


def folder_of(path: str) -> str:
    """Give the folder of a list, as a location."""
    parent = parse_location(path).parent
    return f"s3://{parent.bucket}/{parent.key}" if parent.is_s3 else parent.key


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a list that must mean one picture."""

    names: Sequence[str]
    where: str
    value: str = ""
    """What it says: two lines about one picture must not contradict each other."""
    required: bool = True
    """Whether it must mean a listed picture at all."""


def match_one_each(
    entries: Sequence[Entry], names: ListedNames, beside: str
) -> tuple[Mapping[int, Sequence[int]], tuple[str, ...]]:
    """Find the picture of each line of a list.

    A list has one place where it was made. So a line of which only the end is known (another mount)
    counts only where no line is known better, and where as many folders agree as of any such line:
    else `box2/1.jpg` would be taken for the `1.jpg` of a SOURCE that is box1.

    Returns:
        Numbers of the lines by row, and the lines that mean none or several.
    """
    found = [_find(entry.names, names, beside) for entry in entries]
    known = any(one.rows and one.is_path and not one.guessed for one in found)
    best = max((one.agreement for one in found if one.guessed), default=0)
    found = [
        replace(one, rows=(), pictures=0)
        if one.guessed and (known or one.agreement < best)
        else one
        for one in found
    ]
    claims: dict[int, list[int]] = defaultdict(list)
    for number, one in enumerate(found):
        if one.pictures == 1:
            for row in one.rows:
                claims[row].append(number)
    left = {row: _settle(numbers, entries, found) for row, numbers in claims.items()}
    matched = {number for numbers in left.values() for number in numbers}
    unmatched = [
        _say_unmatched(entry.where, entry.names[0], one.pictures)
        for number, (entry, one) in enumerate(zip(entries, found, strict=True))
        if number not in matched and (entry.required or one.pictures)
    ]
    return {row: numbers for row, numbers in left.items() if numbers}, tuple(unmatched)


def _settle(
    numbers: Sequence[int], entries: Sequence[Entry], found: Sequence[Found]
) -> Sequence[int]:
    """Settle which lines about one picture count, where they say different things.

    A path from the list's own folder goes before one from SOURCE; two guesses are no knowledge.
    """
    values = {entries[number].value for number in numbers}
    algorithms = {value.partition(":")[0] for value in values}
    guesses = {entries[number].names[0] for number in numbers if found[number].guessed}
    if len(guesses) > 1 and (len(values) > len(algorithms) or values == {""}):
        return [number for number in numbers if not found[number].guessed]
    beside = [number for number in numbers if found[number].beside]
    return beside if beside and len(values) > len(algorithms) else numbers


def _find(names: Sequence[str], listed: ListedNames, beside: str) -> Found:
    sure = (listed.find_surely(name, beside) for name in names)
    guesses = (listed.guess(name) for name in names)
    return next(filter(None, sure), None) or next((g for g in guesses if g.rows), Found())


def _rows_excluded(line: Excluded, names: ListedNames, beside: str) -> set[int]:
    for name in line.names:
        found = names.find_surely(name, beside)
        if found:
            return set(found.rows)
    if line.may_be_comment:
        return set()
    return {row for name in line.names for row in names.guess(name).rows}


def _strongest(entries: Sequence[Entry]) -> str:
    """Give the strongest checksum of a picture: the longest."""
    by_algorithm: dict[str, Entry] = {}
    for entry in entries:
        algorithm = entry.value.partition(":")[0]
        other = by_algorithm.setdefault(algorithm, entry)
        if other.value != entry.value:
            raise ConfigError(
                f"{entry.where}: {_shown(entry.names[0])} has another checksum than"
                f" {_shown(other.names[0])} in {other.where.rpartition(': ')[2]}"
            )
    return max((entry.value for entry in by_algorithm.values()), key=len)


def _is_picture(name: str) -> bool:
    return PurePosixPath(name.strip().replace("\\", "/")).suffix.lower() in ENDINGS


def _bare(word: str) -> str:
    return "".join(word.split()).casefold()


def _shown(name: str) -> str:
    return repr(name if len(name) <= SHOWN_CHARS else f"{name[:SHOWN_CHARS]}...")


def _say_unmatched(where: str, name: str, pictures: int) -> str:
    said = f"names {pictures:,} pictures" if pictures else "names nothing that is listed"
    return f"{where}: {_shown(name)} {said}"
