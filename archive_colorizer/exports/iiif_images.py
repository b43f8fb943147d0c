"""Pictures of a static IIIF site: one of a limited size each, a thumbnail, and tiles if asked for.

IIIF Image API 3.0, compliance level 0: every URL that a viewer may ask for is a file.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from archive_colorizer.exports.shelf import PutPart
from archive_colorizer.exports.task import Task, stamp_of
from archive_colorizer.imaging.decode import read_colours, read_reduced, to_8_bits
from archive_colorizer.imaging.halving import halved
from archive_colorizer.imaging.header import read_header

MAX_PX: Final = 2048
"""Long side of the picture that is given whole."""
THUMBNAIL_PX: Final = 400
TILE_PX: Final = 512
QUALITY: Final = 88
WHOLE: Final = "full/max/0/default.jpg"
THUMBNAIL: Final = "thumbnail.jpg"
LAYOUT: Final = 1
"""Counts the layouts of these files: another one makes them anew."""
Rgb = NDArray[np.uint8]
Size = tuple[int, int]
"""Width and height."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A file that becomes a picture of the site."""

    open: Callable[[], BinaryIO]
    page: int
    width: int
    """Upright, as height."""
    height: int
    version: str
    """Of its bytes."""
    xmp: bytes = b""
    """Goes into what is given whole."""

    def fit(self, edge_px: int) -> Size:
        """Give the size at which the long side has at most `edge_px`."""
        scale = min(1.0, edge_px / max(self.width, self.height))
        return max(1, round(self.width * scale)), max(1, round(self.height * scale))

    def reduced(self, edge_px: int) -> Rgb:
        """Read it at that size.

        Raises:
            PictureFault: it cannot be decoded.
            OSError: it cannot be read.
        """
        width, height = self.fit(edge_px)
        with self.open() as file:
            header = read_header(file, max_megapixels=np.inf, page=self.page)
            pixels = read_reduced(file, header, min(width, height)).pixels
        return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA))

    def whole(self) -> Rgb:
        """Read it at its own size.

        Raises:
            PictureFault: it cannot be decoded.
            OSError: it cannot be read.
        """
        with self.open() as file:
            header = read_header(file, max_megapixels=np.inf, page=self.page)
            return to_8_bits(read_colours(file, header).pixels)


def put_picture(task: Task, folder: str, subject: Subject) -> dict[str, Any] | None:
    """Put a picture into a folder of DEST.

    Args:
        task: of the export.
        folder: key, without a slash at its end.
        subject: the picture.

    Returns:
        The body of an annotation; None where it could not be put there.
    """
    stamp = stamp_of(LAYOUT, subject.version, subject.page, subject.width, subject.height)
    url = task.url(folder)
    width, height = subject.fit(MAX_PX)
    body: dict[str, Any] = {
        "id": f"{url}/{WHOLE}", "type": "Image", "format": "image/jpeg", "width": width,
        "height": height,
    }  # fmt: skip
    if not task.options.tiles:
        made = task.shelf.put(
            f"{folder}/{WHOLE}", stamp,
            lambda sink: sink.write(encode(subject.reduced(MAX_PX), subject.xmp)),
        )  # fmt: skip
        return body if made else None
    info = make_info(url, subject)
    body["service"] = [{"id": url, "type": "ImageService3", "profile": "level0"}]

    def write(put: PutPart) -> bytes:
        put(WHOLE, encode(subject.reduced(MAX_PX), subject.xmp))
        for name, pixels in cut_tiles(subject.whole()):
            put(name, encode(pixels))
        return json.dumps(info, indent=2).encode()

    return body if task.shelf.put_folder(folder, stamp_of(stamp, info), write) else None


def put_thumbnail(task: Task, folder: str, subject: Subject) -> dict[str, Any] | None:
    """Put a picture's thumbnail into a folder of DEST; give what a manifest says of it."""
    key = f"{folder}/{THUMBNAIL}"
    made = task.shelf.put(
        key, stamp_of(LAYOUT, subject.version, subject.page),
        lambda sink: sink.write(encode(subject.reduced(THUMBNAIL_PX), subject.xmp)),
    )  # fmt: skip
    width, height = subject.fit(THUMBNAIL_PX)
    said = {
        "id": task.url(key), "type": "Image", "format": "image/jpeg", "width": width,
        "height": height,
    }  # fmt: skip
    return said if made else None


def encode(pixels: Rgb, xmp: bytes = b"") -> bytes:
    """Write a JPEG of grey or RGB."""
    sink = io.BytesIO()
    more = {"xmp": xmp} if xmp else {}
    Image.fromarray(pixels).save(sink, "JPEG", quality=QUALITY, **more)
    return sink.getvalue()


def factors_of(width: int, height: int) -> list[int]:
    """Give the factors by which a picture is reduced until one tile holds all of it."""
    factors = [1]
    while max(width, height) > factors[-1] * TILE_PX:
        factors.append(factors[-1] * 2)
    return factors


def make_info(url: str, subject: Subject) -> Mapping[str, Any]:
    """Make the description of a picture's tiles (info.json)."""
    factors = factors_of(subject.width, subject.height)
    last = factors[-1]
    smallest = {"width": -(-subject.width // last), "height": -(-subject.height // last)}
    info: dict[str, Any] = {
        "@context": "http://iiif.io/api/image/3/context.json", "id": url, "type": "ImageService3",
        "protocol": "http://iiif.io/api/image", "profile": "level0", "width": subject.width,
        "height": subject.height, "sizes": [smallest],
        "tiles": [{"width": TILE_PX, "height": TILE_PX, "scaleFactors": factors}],
    }  # fmt: skip
    width, height = subject.fit(MAX_PX)
    if width < subject.width:
        info |= {"maxWidth": width, "maxHeight": height}
    return info


def cut_tiles(pixels: Rgb) -> Iterator[tuple[str, Rgb]]:
    """Cut a picture into tiles, reduced by each factor; names are as the Image API's URLs.

    Args:
        pixels: (H, W, 3).

    Yields:
        Name below the picture's folder, and pixels.
    """
    height, width = pixels.shape[:2]
    for factor in factors_of(width, height):
        rows, columns = pixels.shape[:2]
        for top in range(0, rows, TILE_PX):
            for left in range(0, columns, TILE_PX):
                tile = pixels[top : top + TILE_PX, left : left + TILE_PX]
                region = _name_region(left * factor, top * factor, factor, (width, height))
                size = f"{tile.shape[1]},{tile.shape[0]}"
                if (tile.shape[1], tile.shape[0]) != (width, height):  # else it is WHOLE
                    yield f"{region}/{size}/0/default.jpg", np.ascontiguousarray(tile)
        pixels = halved(pixels)


def _name_region(left: int, top: int, factor: int, whole: Size) -> str:
    """Name a tile's part of the picture in the picture's own pixels."""
    width, height = whole
    across, down = min(TILE_PX * factor, width - left), min(TILE_PX * factor, height - top)
    return "full" if (across, down) == whole else f"{left},{top},{across},{down}"
