"""Lists that a user gives beside SOURCE: pages never to be opened, and checksums of masters.

Checksums are text, "sha256:HEX": MD5, SHA-1, SHA-256 and SHA-512, as archives hold them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.inputs.text_files import (
    Csv,
    open_list,
    read_csv,
    read_lines,
    reading_list,
)
from archive_colorizer.storage import DEFAULT_S3, S3Settings

DIGEST_CHARS: Final[Mapping[str, int]] = {"sha512": 128, "sha256": 64, "sha1": 40, "md5": 32}
"""Algorithms, the strongest first, and how many hex digits each has."""
SUM_LINE: Final = re.compile(r"([0-9a-fA-F]{32,128})(?: [ *]|[ \t]+)(.+)", re.DOTALL)
"""As coreutils write it; one blank or several in BagIt manifests and by others."""
TAGGED_LINE: Final = re.compile(
    r"([A-Za-z][\w/-]*) ?\((.+)\) ?= ?([0-9a-fA-F]+)\s*", re.DOTALL
)  # BSD, sha256sum --tag, openssl dgst
ESCAPE: Final = re.compile(r"\\([\\nr])")
ESCAPED: Final = {"\\": "\\", "n": "\n", "r": "\r"}
BAGIT: Final = re.compile(r"(?:tag)?manifest-([a-z0-9-]+)\.txt", re.IGNORECASE)
BAGIT_ESCAPE: Final = re.compile("%(0A|0D|25)", re.IGNORECASE)
COMMENT: Final = re.compile(r"\s+#")
NAME_COLUMNS: Final = ("uri", "path")


@dataclass(frozen=True, slots=True)
class Excluded:
    """A line of an exclude list."""

    names: Sequence[str]
    """What it may mean: the whole line, then without a comment at its end."""
    where: str
    """File and line, as a message shows it."""

    @property
    def may_be_comment(self) -> bool:
        """Whether the line says nothing, unless a page has this name."""
        return self.names[0].lstrip().startswith("#")


@dataclass(frozen=True, slots=True)
class Sum:
    """A line of a fixity list."""

    names: Sequence[str]
    """What its name may be, the likeliest first."""
    digest: str
    """"sha256:HEX" and so on."""
    where: str
    """File and line, as a message shows it."""


def read_exclude_list(path: str, s3: S3Settings = DEFAULT_S3) -> Sequence[Excluded]:
    """Read a list of pages: a path, URI or object id a line, a comment after ` #`.

    Raises:
        ConfigError: the file cannot be read.
    """
    return [
        Excluded(tuple(_without_comments(line)), f"{path}: line {number}")
        for number, line in enumerate(read_lines(path, s3), start=1)
        if line.strip()
    ]


def read_fixity(path: str, s3: S3Settings = DEFAULT_S3) -> Sequence[Sum]:
    """Read checksums of files.

    They are the output of md5sum, sha1sum, sha256sum or sha512sum in any of its forms, a BagIt
    manifest, or a CSV with `uri` or `path` and columns md5, sha1, sha256, sha512 (or PowerShell's
    Algorithm, Hash and Path). Of several checksums of one file the strongest counts.

    Raises:
        ConfigError: the file cannot be read, or a line is something else; the line is named.
    """
    if PurePosixPath(path).suffix.lower() in {".csv", ".tsv"}:
        return _read_fixity_csv(path, s3)
    bagit = BAGIT.fullmatch(PurePosixPath(path).name)
    if bagit and bagit[1].lower() not in DIGEST_CHARS:
        raise ConfigError(f"{path}: {bagit[1]} is no algorithm that is understood ({_names()})")
    sums = []
    for number, line in enumerate(read_lines(path, s3), start=1):
        if not line.strip() or line.startswith(("#", ";")):
            continue
        where = f"{path}: line {number}"
        name, digest = _read_sum(line, where)
        decoded = BAGIT_ESCAPE.sub(lambda code: chr(int(code[1], 16)), name) if bagit else name
        if bagit and not digest.startswith(f"{bagit[1].lower()}:"):
            raise ConfigError(f"{where}: is no checksum of {bagit[1]}")
        sums.append(Sum(tuple(dict.fromkeys((decoded, name))), digest, where))
    return sums


def read_digest(values: Mapping[str, object], where: str) -> str:
    """Read the strongest checksum of a row, "sha256:HEX" and so on; empty where none is given.

    Args:
        values: cells of the columns md5, sha1, sha256 and sha512.
        where: names the row.

    Raises:
        ConfigError: one is something else.
    """
    strongest = ""
    for algorithm, chars in DIGEST_CHARS.items():
        value = values.get(algorithm)
        text = "" if value is None else str(value).strip().lower()
        if text and not re.fullmatch(f"[0-9a-f]{{{chars}}}", text):
            shown = algorithm.upper().replace("SHA", "SHA-")
            raise ConfigError(f"{where}: {text[:80]!r} is not a {shown} ({chars} hex digits)")
        strongest = strongest or (f"{algorithm}:{text}" if text else "")
    return strongest


def plain_algorithm(name: str) -> str:
    """Spell the name of an algorithm as DIGEST_CHARS does: `SHA-256` and `sha2-256` are sha256."""
    bare = re.sub(r"[-_ ]", "", name.strip().lower())
    return bare.replace("sha2", "sha", 1) if bare in {"sha2256", "sha2512"} else bare


def _without_comments(line: str) -> Iterator[str]:
    """Give the line, then what stands before each ` #`, the longest first."""
    yield line
    for mark in reversed(list(COMMENT.finditer(line))):
        if line[: mark.start()].strip():
            yield line[: mark.start()]


def _read_sum(line: str, where: str) -> tuple[str, str]:
    escaped = line.startswith("\\")
    text = line[1:] if escaped else line
    tagged = TAGGED_LINE.fullmatch(text)
    summed = None if tagged else SUM_LINE.fullmatch(text)
    if tagged:
        algorithm, name, value = plain_algorithm(tagged[1]), tagged[2], tagged[3]
    elif summed:
        value, name = summed[1], summed[2]
        algorithm = next((a for a, n in DIGEST_CHARS.items() if n == len(value)), "")
    if not (tagged or summed) or len(value) != DIGEST_CHARS.get(algorithm) or not name.strip():
        shown = line.strip()[:80]
        raise ConfigError(f"{where}: not '<checksum>  <path>' with {_names()}: {shown!r}")
    if escaped:
        name = ESCAPE.sub(lambda code: ESCAPED[code[1]], name)
    return name, f"{algorithm}:{value.lower()}"


def _read_fixity_csv(path: str, s3: S3Settings) -> Sequence[Sum]:
    with reading_list(path), open_list(path, s3) as file:
        lines = (line for line in file if not line.startswith("#TYPE "))  # PowerShell's own mark
        return list(_read_sums(read_csv(lines, NAME_COLUMNS), path))


def _read_sums(table: Csv, path: str) -> Iterable[Sum]:
    names = [plain_algorithm(name) for name in table.names]
    key = next((name for name in NAME_COLUMNS if name in names), None)
    by_name = {"algorithm", "hash"} <= set(names)
    if key is None or not (by_name or set(names) & set(DIGEST_CHARS)):
        columns = "md5, sha1, sha256 or sha512"
        raise ConfigError(f"{path}: a fixity list needs the columns uri (or path) and {columns}")
    for row in table.rows:
        where = f"{path}: row {row.number}"
        if row.problem:
            raise ConfigError(f"{where}: {row.problem}")
        values = dict(zip(names, row.cells, strict=True))
        if by_name and values["hash"]:
            values[plain_algorithm(values["algorithm"])] = values["hash"]
        digest = read_digest(values, where)
        if digest:
            yield Sum((values[key],), digest, where)


def _names() -> str:
    return "MD5, SHA-1, SHA-256 or SHA-512"
