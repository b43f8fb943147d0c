"""Read: the master's bytes once, their SHA-256, and what its header says."""

import hashlib
import io
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO, Final

from archive_colorizer.errors import (
    FixityPhotoError,
    ListingPhotoError,
    PhotoError,
    TooLargePhotoError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
)
from archive_colorizer.imaging.header import Header, read_header
from archive_colorizer.pipeline.config import Pages, RunConfig
from archive_colorizer.pipeline.flags import MULTIPAGE
from archive_colorizer.pipeline.records import Opened, Outcome, PhotoRef, SourceFacts
from archive_colorizer.pipeline.steps.picture_errors import reading
from archive_colorizer.pipeline.steps.step import Stage, failure, ms_since, now_us
from archive_colorizer.storage import open_uri

CHUNK_BYTES: Final = 4 << 20


class Read(Stage[PhotoRef, Opened]):
    """PhotoRef -> Opened."""

    name = "read"

    def __init__(self, config: RunConfig, upscale: int = 1, pages: Pages = "first") -> None:
        self._inline_bytes = int(config.inline_mib * (1 << 20))
        self._max_megapixels = config.max_megapixels
        self._s3 = config.s3
        self._upscale = upscale
        self._pages = pages

    def __call__(self, batch: Sequence[PhotoRef]) -> list[Opened | Outcome]:
        """Read each page's bytes; a picture's error becomes its outcome."""
        return [self._read(ref) for ref in batch]

    def take(self, ref: PhotoRef, data: bytes) -> Opened | Outcome:
        """Take a page whose encoded bytes are in hand."""
        return self._read(ref, data)

    def _read(self, ref: PhotoRef, in_hand: bytes | None = None) -> Opened | Outcome:
        started_at_us, start_s = now_us(), time.perf_counter()
        facts: SourceFacts | None = None
        try:
            with reading(ref):
                if ref.problem:
                    raise ListingPhotoError(f"{ListingPhotoError.WORDS}{ref.problem}")
                data, source, digests, size = (
                    self._bytes_of(ref) if in_hand is None else _bytes_in_hand(ref, in_hand)
                )
                with source:
                    if not size:
                        raise UnreadablePhotoError("the file is empty")
                    header = read_header(source, max_megapixels=self._max_megapixels, page=ref.page)
                    self._check_enlarged(header)
                facts = _facts(header, digests["sha256"], _fixity(ref, digests))
                if header.n_pages > 1 and self._pages == "reject":
                    raise UnsupportedPhotoError(f"it has {header.n_pages} pages (--pages reject)")
                if header.n_pages > 1 and self._pages == "first":
                    facts = replace(facts, flags=(MULTIPAGE,))
                if facts.fixity == "mismatch":
                    algorithm, _, expected = ref.expected_digest.partition(":")
                    raise FixityPhotoError(
                        f"{algorithm.upper().replace('SHA', 'SHA-')} is {digests[algorithm]}, "
                        f"the fixity list says {expected}"
                    )
        except PhotoError as error:
            return failure(ref, error, started_at_us, facts, {"read": ms_since(start_s)})
        ref = replace(ref, size_bytes=size)
        return Opened(ref, header, facts, data, started_at_us, {"read": ms_since(start_s)})

    def _check_enlarged(self, header: Header) -> None:
        """The limit holds for what is made, too."""
        megapixels = header.width * header.height * self._upscale**2 / 1e6
        if megapixels > self._max_megapixels:
            raise TooLargePhotoError(
                f"{header.width} x {header.height} pixels, enlarged {self._upscale} times, are "
                f"{megapixels:.0f} megapixels; the limit is {self._max_megapixels:g}"
            )

    def _bytes_of(self, ref: PhotoRef) -> "Bytes":
        """The bytes if they may travel, a handle on them, their digests and their number."""
        source = open_uri(ref.source_uri, self._s3)
        data = source.read(self._inline_bytes + 1)
        hashes = _hashes(ref, data)
        size = len(data)
        if size <= self._inline_bytes:
            source.close()
            return data, io.BytesIO(data), _digests(hashes), size
        while chunk := source.read(CHUNK_BYTES):
            for one in hashes.values():
                one.update(chunk)
            size += len(chunk)
        source.seek(0)
        return None, source, _digests(hashes), size


Bytes = tuple[bytes | None, BinaryIO, Mapping[str, str], int]


def _bytes_in_hand(ref: PhotoRef, data: bytes) -> Bytes:
    return data, io.BytesIO(data), _digests(_hashes(ref, data)), len(data)


def _hashes(ref: PhotoRef, data: bytes) -> Mapping[str, "hashlib._Hash"]:
    """SHA-256, and the algorithm of the checksum that the page must have."""
    names = {"sha256", ref.expected_digest.partition(":")[0]} - {""}
    return {name: hashlib.new(name, data, usedforsecurity=False) for name in names}


def _digests(hashes: Mapping[str, "hashlib._Hash"]) -> Mapping[str, str]:
    return {name: one.hexdigest() for name, one in hashes.items()}


def _fixity(ref: PhotoRef, digests: Mapping[str, str]) -> str:
    if not ref.expected_digest:
        return "not_given"
    algorithm, _, expected = ref.expected_digest.lower().partition(":")
    return "match" if expected == digests[algorithm] else "mismatch"


def _facts(header: Header, sha256: str, fixity: str) -> SourceFacts:
    return SourceFacts(
        source_sha256=sha256,
        mime=header.mime,
        width=header.width,
        height=header.height,
        bits_per_sample=header.bits_per_sample,
        samples=header.samples,
        photometric=header.photometric,
        n_pages=header.n_pages,
        orientation=header.orientation,
        dpi_x=header.dpi_x,
        dpi_y=header.dpi_y,
        icc_name=header.icc_name,
        icc_status="",
        fixity=fixity,
    )
