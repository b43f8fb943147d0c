"""The form `sums`: fixity at hand-over, in files as sha256sum and its like write and check."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from archive_colorizer.exports.pictures import Picture, below_source
from archive_colorizer.exports.shelf import Sink, each
from archive_colorizer.exports.task import CHUNK_BYTES, Task
from archive_colorizer.pipeline.records import RENDITIONS
from archive_colorizer.storage import open_uri

COLUMNS: Final = (
    "source_sha256", "source_path_raw",
    *(f"{name}_{fact}" for name in RENDITIONS for fact in ("key", "sha256")),
)  # fmt: skip
ORDER: Final = ("source_path", "source_uri", "page")
ALGORITHM: Final = "sha256"
_ESCAPES: Final = ((b"\\", b"\\\\"), (b"\n", b"\\n"), (b"\r", b"\\r"))


class _File(NamedTuple):
    """A file to be summed."""

    name: bytes
    """Below OUTPUT or SOURCE."""
    uri: str
    sha256: str | None


def write_line(digest: str, name: bytes) -> bytes:
    """Write a line as GNU coreutils does: a name with odd characters has a backslash first."""
    escaped = name
    for odd, instead in _ESCAPES:
        escaped = escaped.replace(odd, instead)
    mark = b"\\" if escaped != name else b""
    return mark + digest.encode() + b"  " + escaped + b"\n"


def write(task: Task) -> None:
    """Write `derivatives.ALGORITHM` and `masters.ALGORITHM`.

    Derivatives are always read. Masters are read when that is asked for, otherwise their SHA-256 is
    taken from the rows, and there is nothing to tell in another algorithm. A file whose bytes are
    not those of its row is a problem, and gets no line.
    """
    algorithm = task.options.algorithm or ALGORITHM
    _put(task, f"derivatives.{algorithm}", algorithm, _derivatives, read=True)
    if algorithm == ALGORITHM or task.options.rehash_masters:
        _put(task, f"masters.{algorithm}", algorithm, _masters, read=task.options.rehash_masters)
    else:
        task.shelf.tally.notes.append(
            f"no {algorithm} of the masters: rows have their SHA-256 (--rehash-masters reads them)"
        )


def _put(
    task: Task,
    name: str,
    algorithm: str,
    list_files: Callable[[Task, Picture], Iterator[_File]],
    *,
    read: bool,
) -> None:
    """Write one file of sums."""
    last = ""

    def files() -> Iterator[_File]:
        nonlocal last
        for picture in task.pictures(COLUMNS, ORDER):
            for file in list_files(task, picture):
                if file.uri != last:  # several pages are one master
                    yield file
                last = file.uri

    def line(file: _File) -> bytes:
        digest = _sum(task, file, algorithm) if read else file.sha256
        return write_line(digest, file.name) if digest else b""

    def write_all(sink: Sink) -> None:
        for text in each(line, files()):
            sink.write(text)

    task.shelf.put(name, "", write_all, steady=False)


def _derivatives(task: Task, picture: Picture) -> Iterator[_File]:
    row = picture.row
    renditions = ((row[f"{name}_key"], row[f"{name}_sha256"]) for name in RENDITIONS)
    for key, sha256 in ((picture.key, row["derivative_sha256"]), *renditions):
        if picture.key and key:
            yield _File(key.encode(), task.store.uri_of(key), sha256)


def _masters(task: Task, picture: Picture) -> Iterator[_File]:
    """Yield a master that was read once; what is excluded is not opened now either."""
    row = picture.row
    if row["source_sha256"]:
        yield _File(below_source(picture), row["source_uri"], row["source_sha256"])


def _sum(task: Task, file: _File, algorithm: str) -> str:
    """Read a file and give its sum; empty where it is not as its row says, which is told."""
    hashes = [hashlib.new(name, usedforsecurity=False) for name in ("sha256", algorithm)]
    try:
        with open_uri(file.uri, task.s3) as source:
            while data := source.read(CHUNK_BYTES):
                for one in hashes:
                    one.update(data)
    except OSError as error:
        task.shelf.tell(f"{file.uri}: {error.strerror or error}")
        return ""
    if hashes[0].hexdigest() != file.sha256:
        task.shelf.tell(f"{file.uri}: has other bytes than its row says")
        return ""
    return hashes[1].hexdigest()
