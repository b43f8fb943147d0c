"""The two sides of a row, its master and its derivative: their sizes, names and pixels."""

import math
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import cv2
import numpy as np

from archive_colorizer.imaging.decode import read_colours, read_reduced, to_8_bits
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import Header, read_header
from archive_colorizer.review.cache import name_of
from archive_colorizer.review.pyramid import Rgb, shrink
from archive_colorizer.storage import S3Settings, Store, open_uri
from archive_colorizer.web.refusals import RefusedError

BEFORE: Final = "before"
AFTER: Final = "after"
SIDES: Final = (BEFORE, AFTER)
COLUMNS: Final = (
    "row_id", "status", "source_uri", "page", "source_sha256", "etag", "source_mtime", "width",
    "height", "orientation", "derivative_uri", "derivative_key", "derivative_sha256",
    "derivative_width", "derivative_height", "thumbnail_key", "thumbnail_index",
)  # fmt: skip
PIXELS_AT_ONCE: Final = 250e6
"""Pictures that are decoded at the same time have no more pixels together; a larger one is decoded
alone."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a row."""

    kind: str
    """One of SIDES."""
    row: Mapping[str, Any]
    """COLUMNS of it."""

    @property
    def size(self) -> tuple[int, int]:
        """Width and height, upright; 0 where the row does not say."""
        return size_of(self.row, self.kind)

    @property
    def is_there(self) -> bool:
        """Whether the row names such a file."""
        return self.kind == BEFORE or (self.row["status"] == "ok" and bool(self._key_or_uri))

    @property
    def _key_or_uri(self) -> str:
        return self.row["derivative_key"] or self.row["derivative_uri"] or ""

    @property
    def name(self) -> str:
        """What names these pixels: other pixels have another name."""
        row = self.row
        if self.kind == AFTER:
            return name_of(AFTER, row["derivative_sha256"] or self._key_or_uri)
        version = row["source_sha256"] or f"{row['etag']} {row['source_mtime']}"
        return name_of(BEFORE, row["source_uri"], row["page"] or 0, version)


def size_of(row: Mapping[str, Any], kind: str) -> tuple[int, int]:
    """Width and height of a side, upright; 0 where the row does not say."""
    if kind == AFTER:
        return row["derivative_width"] or 0, row["derivative_height"] or 0
    width, height = row["width"] or 0, row["height"] or 0
    return (height, width) if (row["orientation"] or 1) >= 5 else (width, height)


class PixelReader:
    """Decodes sides, few pixels at once. Thread-safe."""

    def __init__(self, store: Store, s3: S3Settings, max_megapixels: float) -> None:
        self._store, self._s3, self._max_megapixels = store, s3, max_megapixels
        self._busy = threading.Condition()
        self._pixels = 0.0

    def read_whole(self, side: Side) -> Rgb:
        """Decode a side at full size.

        Returns:
            (H, W, 3) uint8, upright sRGB.

        Raises:
            RefusedError: it is gone, broken or too large.
        """
        with self._opened(side) as (source, header), self._room_for(header):
            pixels = to_8_bits(read_colours(source, header).pixels)
        return np.asarray(pixels, np.uint8)

    def read_small(self, side: Side, edge_px: int) -> Rgb:
        """Decode a side reduced: its longest side is at most so long.

        Returns:
            (h, w, 3) uint8, upright sRGB.

        Raises:
            RefusedError: it is gone, broken or too large.
        """
        with self._opened(side) as (source, header), self._room_for(header):
            short, long = sorted((header.width, header.height))
            wanted = max(1, math.ceil(min(edge_px, long) * short / long))
            pixels = read_reduced(source, header, wanted).pixels
        small = shrink(np.asarray(pixels, np.uint8), edge_px)
        return np.asarray(small if small.ndim == 3 else cv2.merge([small] * 3), np.uint8)

    @contextmanager
    def _opened(self, side: Side) -> Iterator[tuple[BinaryIO, Header]]:
        what = "master" if side.kind == BEFORE else "derivative"
        if not side.is_there:
            raise RefusedError(404, f"this picture has no {what}")
        try:
            with self._open(side) as source:
                page = (side.row["page"] or 0) if side.kind == BEFORE else 0
                yield source, read_header(source, max_megapixels=self._max_megapixels, page=page)
        except FileNotFoundError as error:
            raise RefusedError(404, f"the {what} is not there any more") from error
        except PictureFault as error:
            line = " ".join(str(error).split())
            raise RefusedError(422, f"the {what} cannot be shown: {line}") from error
        except MemoryError as error:
            raise RefusedError(
                503, f"the {what} cannot be shown: memory ran out", retry_after_s=5
            ) from error
        except OSError as error:
            reason = error.strerror or error
            raise RefusedError(422, f"the {what} cannot be read: {reason}") from error

    def _open(self, side: Side) -> BinaryIO:
        """Open what the row names, never what a request names."""
        if side.kind == BEFORE:
            return open_uri(side.row["source_uri"], self._s3)
        if key := side.row["derivative_key"]:
            return self._store.open(_check_key(key))
        uri = str(side.row["derivative_uri"])
        if not uri.startswith(self._store.uri):
            raise FileNotFoundError(uri)
        return self._store.open(_check_key(self._store.key_of(uri)))

    @contextmanager
    def _room_for(self, header: Header) -> Iterator[None]:
        pixels = float(header.width * header.height)
        with self._busy:
            self._busy.wait_for(lambda: not self._pixels or self._pixels + pixels <= PIXELS_AT_ONCE)
            self._pixels += pixels
        try:
            yield
        finally:
            with self._busy:
                self._pixels -= pixels
                self._busy.notify_all()


def _check_key(key: str) -> str:
    """Give a key of OUTPUT back, if it lies in OUTPUT.

    Raises:
        FileNotFoundError: it does not.
    """
    if key.startswith("/") or os.pardir in key.split("/"):
        raise FileNotFoundError(key)
    return key
