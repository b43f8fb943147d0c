"""Pictures for the page: tiles, previews and thumbnails, each made once."""

import asyncio
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import simplejpeg

from archive_colorizer.imaging.thumbnails import EDGE_PX
from archive_colorizer.pipeline.output.layout import THUMBNAILS, is_own_file
from archive_colorizer.review import pyramid
from archive_colorizer.review.cache import DiskCache, MemoryCache, name_of
from archive_colorizer.review.pyramid import Levels, Rgb
from archive_colorizer.review.sides import BEFORE, PixelReader, Side, size_of
from archive_colorizer.review.workshop import Workshop
from archive_colorizer.storage import Store
from archive_colorizer.web.refusals import RefusedError

EDGES: Final = (800, 1600, 2400)
"""Longest sides of previews, px."""
MEMORY_BYTES: Final = 96 << 20
SHEETS_BYTES: Final = 64 << 20
MAX_SHEET_PIXELS: Final = 50e6
CUTTERS: Final = 2
"""Threads that cut thumbnails from sheets."""
FORMS: Final = 1
"""Another number when what is kept looks different."""


class Pictures:
    """Gives JPEG files of the sides of rows."""

    def __init__(self, store: Store, reader: PixelReader, disk: DiskCache) -> None:
        self._store, self._reader, self._disk = store, reader, disk
        self._memory, self._sheets = MemoryCache(MEMORY_BYTES), MemoryCache(SHEETS_BYTES)
        self._workshop, self._cutters = Workshop(), Workshop(CUTTERS)

    def close(self) -> None:
        """End the threads."""
        self._workshop.close()
        self._cutters.close()

    async def tile(self, side: Side, level: int, column: int, row: int) -> bytes:
        """Give a tile of a deep zoom.

        Raises:
            RefusedError: there is none, or the picture cannot be shown.
        """
        if not Levels(*side.size).has(level, column, row):
            raise RefusedError(404, "no such tile")
        name = name_of("tiles", FORMS, side.name)
        for _ in range(2):
            pack: Path | bytes | None = self._disk.find(name)
            if pack is None:
                made = await self._workshop.make(name, lambda: self._make_pack(name, side))
                pack = self._disk.find(name) or made
            try:
                return await asyncio.to_thread(pyramid.read_tile, pack, level, column, row)
            except KeyError as error:
                raise RefusedError(404, "no such tile: the file has another size now") from error
            except (OSError, zipfile.BadZipFile):
                self._disk.path(name).unlink(missing_ok=True)
        raise RefusedError(503, "the tile is being made anew: ask again", retry_after_s=1)

    def _make_pack(self, name: str, side: Side) -> bytes:
        data = pyramid.make_pyramid(self._reader.read_whole(side))
        return b"" if self._disk.put(name, data) else data

    async def preview(self, side: Side, edge_px: int) -> bytes:
        """Give a side reduced to one of EDGES.

        Raises:
            RefusedError: the picture cannot be shown.
        """
        if edge_px not in EDGES:
            raise RefusedError(422, f"edge: must be one of {', '.join(map(str, EDGES))}")
        return await self._keep(
            name_of("preview", FORMS, edge_px, side.name),
            lambda: pyramid.encode(self._reader.read_small(side, edge_px)),
        )

    async def cut(self, row: Mapping[str, Any], kind: str) -> bytes:
        """Give a side as a thumbnail from a sheet of OUTPUT's; empty where none has it.

        Args:
            row: what the catalog holds of it.
            kind: of the side.
        """
        key, index = row["thumbnail_key"], row["thumbnail_index"]
        if not key or index is None:
            return b""
        name, size = name_of("cut", key, index, kind), size_of(row, kind)
        known = self._memory.get(name)
        if known is None:  # by other threads: who cuts does not wait for who decodes
            known = await self._cutters.make(name, lambda: self._cut(key, index, kind, size))
            self._memory.put(name, known)
        return known

    async def thumbnail(self, side: Side) -> bytes:
        """Give a side as a thumbnail that is made of the picture itself.

        Raises:
            RefusedError: the picture cannot be shown.
        """
        return await self._keep(
            name_of("thumbnail", FORMS, side.name),
            lambda: pyramid.encode(self._reader.read_small(side, EDGE_PX)),
        )

    async def _keep(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Give what is kept in memory or on disk, or make it."""
        if known := self._memory.get(name):
            return known
        data = await self._workshop.make(name, lambda: self._find_or_make(name, make))
        self._memory.put(name, data)
        return data

    def _find_or_make(self, name: str, make: Callable[[], bytes]) -> bytes:
        if path := self._disk.find(name):
            try:
                return path.read_bytes()
            except OSError:  # tidied away just now
                pass
        data = make()
        self._disk.put(name, data)
        return data

    def _cut(self, key: str, index: int, kind: str, size: tuple[int, int]) -> bytes:
        """Cut a thumbnail from its sheet; empty where the sheet has none."""
        sheet = self._read_sheet(key)
        top, left = index * EDGE_PX, 0 if kind == BEFORE else EDGE_PX
        width, height = size
        if sheet is None or not width or not height or sheet.shape[0] < top + EDGE_PX:
            return b""
        scale = min(1.0, EDGE_PX / max(width, height))
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        top, left = top + (EDGE_PX - h) // 2, left + (EDGE_PX - w) // 2
        return pyramid.encode(sheet[top : top + h, left : left + w])

    def _read_sheet(self, key: str) -> Rgb | None:
        """Decode a sheet: (H, 2 EDGE_PX, 3). Kept: pictures of one folder are on few sheets."""
        if not key.startswith(f"{THUMBNAILS}/") or not is_own_file(key):
            return None
        pixels = self._sheets.get(key)
        if pixels is None:
            try:
                data = self._store.read(key)
                height, width, *_ = simplejpeg.decode_jpeg_header(data)
                if width != 2 * EDGE_PX or width * height > MAX_SHEET_PIXELS:
                    return None
                pixels = simplejpeg.decode_jpeg(data, "RGB").tobytes()
            except (OSError, ValueError):  # gone or broken: made from the picture itself
                return None
            self._sheets.put(key, pixels)
        return np.frombuffer(pixels, np.uint8).reshape(-1, 2 * EDGE_PX, 3)
