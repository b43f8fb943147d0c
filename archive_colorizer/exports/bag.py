"""The form `bagit`: DEST is a bag (BagIt 1.0, RFC 8493) of derivatives, with PREMIS beside them.

The library bagit makes a bag of a folder of this machine, by reading all of it once more. Here the
sums come from the one reading that copies, and DEST may be an object store; the tests have that
library validate what is written.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial
from typing import BinaryIO, Final
from urllib.parse import quote_from_bytes

from archive_colorizer.exports import premis
from archive_colorizer.exports.ledger import Written
from archive_colorizer.exports.names import fit_key, slug
from archive_colorizer.exports.pictures import Picture, below_source
from archive_colorizer.exports.shelf import Sink, Write, each
from archive_colorizer.exports.task import CHUNK_BYTES, Task, stamp_of
from archive_colorizer.version import __version__

DERIVATIVES: Final = "data/derivatives/"
MASTERS: Final = "data/masters/"
RECORDS: Final = "data/premis/"
MANIFEST: Final = "manifest-sha256.txt"
ORDER: Final = ("source_path", "source_uri", "page")
DECLARATION: Final = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
_ODD: Final = re.compile("[%=\x00-\x1f\x7f]")


def safe_key(key: str) -> str:
    """Make a payload's name that every validator and file system reads alike.

    RFC 8493 escapes the percent sign and line ends in a manifest, and validators differ in what
    they do with them, so no payload has any in its name: `=25` stands for the percent sign.
    """
    return fit_key(_ODD.sub(lambda found: f"={ord(found[0]):02X}", key))


def write(task: Task) -> None:
    """Write the payload, then the manifest and the tag files."""
    count = files = size = 0
    with tempfile.TemporaryFile() as lines:
        for payload in each(partial(_put_payload, task), _name_masters(task)):
            count += 1
            for one in payload:
                lines.write(f"{one.sha256}  {one.key}\n".encode())
                files += 1
                size += one.bytes
        _put_tags(task, lines, {"Pictures": f"{count}", "Payload-Oxum": f"{size}.{files}"})


def _name_masters(task: Task) -> Iterator[tuple[Picture, str]]:
    """Yield the pictures, each with the key that its master gets: none, or another page has it."""
    last_uri = last_path = ""
    for picture in premis.recorded(task, (*premis.COLUMNS, "source_path_raw"), ORDER):
        uri, path = picture.row["source_uri"], picture.row["source_path"]
        key = ""
        if task.options.with_masters and picture.row["source_sha256"] and uri != last_uri:
            folder = f"{slug('', uri)}/" if path == last_path else ""  # a name of several SOURCEs
            key = MASTERS + folder + safe_key(_master_name(picture))
        last_uri, last_path = uri, path
        yield picture, key


def _put_payload(task: Task, named: tuple[Picture, str]) -> list[Written]:
    """Put the files of one picture; give those that are there."""
    picture, master = named
    row = picture.row
    written = []
    if picture.key:
        key = DERIVATIVES + safe_key(picture.key)
        stamp = stamp_of("derivative", row["derivative_sha256"])
        written.append(task.shelf.put(key, stamp, task.copy_derivative(picture)))
    written.append(premis.put_record(task, picture, RECORDS, safe_key))
    if master:
        stamp = stamp_of("master", row["source_uri"], row["source_sha256"])
        written.append(task.shelf.put(master, stamp, task.copy_master(picture)))
    return [one for one in written if one]


def _master_name(picture: Picture) -> str:
    """Name a master below SOURCE; bytes that are no UTF-8 stand as `%E9`."""
    name = below_source(picture)
    try:
        return name.decode()
    except UnicodeDecodeError:
        return quote_from_bytes(name, safe="/ ")


def _put_tags(task: Task, lines: BinaryIO, counts: Mapping[str, str]) -> None:
    """Write the manifest of the payload, what the bag is, and the manifest of these."""

    def copy(sink: Sink) -> None:
        lines.seek(0)
        while data := lines.read(CHUNK_BYTES):
            sink.write(data)

    info = {
        "Bag-Software-Agent": f"archive-colorizer {__version__}",
        "Bagging-Date": task.shelf.begun,
        "External-Description": "Coloured derivatives of black-and-white photographs: the colours "
        "are an estimate by a model, not a record of what was there.",
        "External-Identifier": str(task.job["job_id"]),
        **counts,
    }
    texts = {
        "bagit.txt": DECLARATION,
        "bag-info.txt": "".join(f"{name}: {value}\n" for name, value in info.items()),
    }
    put = task.shelf.put
    tags = [put(MANIFEST, "", copy, steady=False)]
    for key, text in texts.items():
        tags.append(put(key, "", _write_text(text), steady=False))
    sums = "".join(f"{one.sha256}  {one.key}\n" for one in tags if one)
    put("tagmanifest-sha256.txt", "", _write_text(sums), steady=False)


def _write_text(text: str) -> Write:
    return lambda sink: sink.write(text.encode())
