"""Lists that a user gives beside SOURCE: pages never to be opened, and fixity values."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.pages import read_sha256

SUM_LINE: Final = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def read_exclude_list(path: str) -> frozenset[str]:
    """Read a list of pages: a relative path, URI or object id a line; `#` begins a comment.

    Raises:
        ConfigError: the file cannot be read.
    """
    names = (line.strip() for _, line in read_lines(path))
    return frozenset(name for name in names if name and not name.startswith("#"))


def read_fixity(path: str) -> Mapping[str, str]:
    """Read fixity values from `sha256sum` output or a CSV with `uri` (or `path`) and `sha256`.

    Returns:
        Path or URI -> SHA-256.

    Raises:
        ConfigError: the file cannot be read, or a line is something else; the line is named.
    """
    if path.lower().endswith(".csv"):
        return _read_fixity_csv(path)
    sums: dict[str, str] = {}
    for number, line in read_lines(path):
        if not line.strip() or line.startswith("#"):
            continue
        match = SUM_LINE.fullmatch(line.rstrip("\r\n"))
        if not match:
            raise ConfigError(
                f"{path}: line {number}: not '<SHA-256>  <path>': {line.strip()[:80]!r}"
            )
        sums[match[2].removeprefix("./")] = match[1].lower()
    return sums


def _read_fixity_csv(path: str) -> Mapping[str, str]:
    rows = csv.DictReader(line for _, line in read_lines(path))
    names = rows.fieldnames or []
    key = next((name for name in ("uri", "path") if name in names), None)
    if key is None or "sha256" not in names:
        raise ConfigError(f"{path}: a fixity list needs the columns uri (or path) and sha256")
    return {
        str(row[key]): read_sha256(row["sha256"], f"{path}: row {number}")
        for number, row in enumerate(rows, start=2)
    }


def read_lines(path: str) -> Iterator[tuple[int, str]]:
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            yield from enumerate(file, start=1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the list: {error}") from error
