"""Signatures of derivatives, read again: which hold, which do not, and which merely grew old."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from archive_colorizer.extras import install_command, is_installed
from archive_colorizer.provenance.c2pa_reading import EXPIRED, VALID, C2paReading, read_c2pa
from archive_colorizer.storage import S3Settings, open_uri

THREADS: Final = 4


@dataclass(frozen=True, slots=True)
class Signatures:
    """What became of the signatures of OUTPUT."""

    broken: tuple[str, ...] = ()
    """One line each: the derivative's URI, and why its signature does not hold."""
    notes: tuple[str, ...] = ()
    """Counts of those that hold or have expired, or why none was read."""


def check_signatures(signed: Sequence[tuple[str, str]], s3: S3Settings) -> Signatures:
    """Read the manifests of derivatives that rows call signed.

    Args:
        signed: URI and type of each; one that cannot be read is left to the comparison of hashes.
        s3: the way to those that are objects.
    """
    if not signed:
        return Signatures()
    if not is_installed("c2pa"):
        how = install_command("c2pa")
        return Signatures(notes=(f"{len(signed):,} signatures were not read: {how}",))
    counts: Counter[str] = Counter()
    broken = []
    with ThreadPoolExecutor(THREADS) as pool:
        readings = pool.map(lambda one: _read(one[0], one[1], s3), signed)
        for (uri, _), reading in zip(signed, readings, strict=True):
            if reading is None:
                continue
            counts[reading.state] += 1
            if reading.state not in (VALID, EXPIRED):
                broken.append(f"{uri} ({reading.reason or 'it has no manifest'})")
    notes = (
        *([f"{counts[VALID]:,} signatures hold"] if counts[VALID] else ()),
        *(
            [f"{counts[EXPIRED]:,} signatures hold, and their certificate has expired since"]
            if counts[EXPIRED]
            else ()
        ),
    )
    return Signatures(tuple(broken), notes)


def _read(uri: str, mime: str, s3: S3Settings) -> C2paReading | None:
    try:
        with open_uri(uri, s3) as file:
            return read_c2pa(file, mime)
    except OSError:
        return None
