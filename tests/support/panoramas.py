"""Panoramas of a whole turn, photographic and drawn, that have no seam; and how large one is.

Photographic: about the horizon a photograph stands upright and runs round, every second time
mirrored. Over the zenith and under the nadir lies a plane (as a ceiling and a floor are) of its
upper and lower part.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.gpano import NAMESPACE

REACH: Final = 48.0
"""Latitude, degrees, to which the photograph reaches up and down; there the planes begin."""
FADE: Final = 6.0
"""Degrees of latitude over which one fades into the other."""
START: Final = 0.07
"""Of a turn: the picture's edge is no edge of the photograph."""
DRAWN_START: Final = -0.3125
"""Of a turn: the first seed's waves are not steep there."""
BLOCK: Final = 8
"""Columns of a JPEG's block of chroma."""


def panoramas(height: int) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Names and (height, 2 * height, 3) uint8 pixels of those of the sample photographs."""
    for name, rgb in colour_photographs():
        yield name, lay_round(rgb, height)


def lay_round(rgb_hw3: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """Lay a photograph round the sphere: (height, 2 * height, 3), equirectangular."""
    rows, columns = rgb_hw3.shape[:2]
    y, x = np.mgrid[:height, : 2 * height].astype(np.float32)
    latitude = 90 - 180 * (y + 0.5) / height
    turn = (x + 0.5) / (2 * height) + START
    scale = rows / (2 * REACH)  # pixels of the photograph in a degree, about the horizon
    times = 2 * max(1, round(360 * scale / columns / 2))
    band = _sample(rgb_hw3, turn * times * columns, (REACH - latitude) * scale)
    polar = (90 - np.abs(latitude)) * scale
    plane_x = polar * np.cos(2 * np.pi * turn) + columns / 2
    plane_y = polar * np.sin(2 * np.pi * turn)
    up = _sample(rgb_hw3[: rows // 2], plane_x, plane_y)
    down = _sample(rgb_hw3[rows // 2 :], plane_x, plane_y)
    weight = np.clip((REACH - np.abs(latitude)) / FADE, 0, 1)[..., None]
    mixed = weight * band + (1 - weight) * np.where(latitude[..., None] > 0, up, down)
    return np.asarray(np.rint(mixed), np.uint8)


def _sample(rgb_hw3: NDArray[Any], x: NDArray[Any], y: NDArray[Any]) -> NDArray[np.float32]:
    """Pixels of a plane that mirrors of a picture cover, at any places of it."""
    height, width = rgb_hw3.shape[:2]
    across, down = (
        (side - np.abs(side - place % (2 * side)) - 0.5).astype(np.float32)
        for side, place in ((width, x), (height, y))
    )
    found = cv2.remap(rgb_hw3, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float32)


def draw_panorama(height: int, seed: int = 0, width: int = 0) -> NDArray[np.uint8]:
    """Grey waves and grain on a sphere: (height, width) uint8, twice as wide unless said."""
    rng = np.random.default_rng(seed)
    width = width or 2 * height
    y, x = np.mgrid[:height, :width]
    up, turn = np.pi * (0.5 - (y + 0.5) / height), 2 * np.pi * ((x + 0.5) / width + DRAWN_START)
    place = np.stack((np.cos(up) * np.cos(turn), np.cos(up) * np.sin(turn), np.sin(up)), -1)
    waves = np.cos(place @ rng.normal(0, 4, (3, 12)) + rng.uniform(0, 7, 12)).sum(2)
    return np.clip(128 + 18 * waves + rng.normal(0, 2, x.shape), 0, 255).astype(np.uint8)


def gpano(width: int, height: int, **more: object) -> bytes:
    """Write XMP of a whole sphere in so many pixels; `more` goes over it, None leaves out."""
    said: dict[str, object] = {
        "ProjectionType": "equirectangular", "UsePanoViewer": "True",
        "FullPanoWidthPixels": width, "FullPanoHeightPixels": height,
        "CroppedAreaImageWidthPixels": width, "CroppedAreaImageHeightPixels": height,
        "CroppedAreaLeftPixels": 0, "CroppedAreaTopPixels": 0, "PoseHeadingDegrees": "12.5",
    } | more  # fmt: skip
    words = " ".join(f'GPano:{name}="{value}"' for name, value in said.items() if value is not None)
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        f'xmlns:GPano="{NAMESPACE}" {words}/></rdf:RDF></x:xmpmeta>'
    ).encode()


def save(pixels: NDArray[Any], path: Path, xmp: bytes = b"") -> Path:
    """Write a JPEG, PNG or TIFF with XMP."""
    options: dict[str, Any] = {"xmp": xmp, "quality": 95}
    if path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode())
        options = {"pnginfo": info}
    elif path.suffix == ".tif":
        options = {"tiffinfo": {700: xmp}}
    Image.fromarray(pixels).save(path, **(options if xmp else {}))
    return path


class Seam(NamedTuple):
    """Mean |difference| of Cb and Cr, of 255."""

    over: float
    """From the last column to the first."""
    inside: float
    """The 95th percentile of those from a column to the next."""


def measure_seam(rgb_hw3: NDArray[np.uint8]) -> Seam:
    """Compare the step over the seam with those inside."""
    chroma = chroma_of(rgb_hw3)
    steps = np.abs(np.diff(chroma, axis=1)).mean((0, 2))
    over = np.abs(chroma[:, 0] - chroma[:, -1]).mean()
    return Seam(float(over), float(np.percentile(steps, 95)))


def measure_jpeg_seam(data: bytes) -> Seam:
    """Compare the step over a JPEG's seam, which is an edge of its blocks, with those at others.

    On chroma as it is stored, 4:2:0: decoders soften every step but that over the seam.
    """
    stored = chroma_of(simplejpeg.decode_jpeg(data, fastupsample=True))[::2, ::2]
    steps = np.abs(np.diff(stored, axis=1)).mean((0, 2))[BLOCK - 1 :: BLOCK]
    over = np.abs(stored[:, 0] - stored[:, -1]).mean()
    return Seam(float(over), float(np.percentile(steps, 95)))


def seam_of(path: Path) -> Seam:
    """Measure the seam of a derivative."""
    data = path.read_bytes()
    if data.startswith(b"\xff\xd8"):
        return measure_jpeg_seam(data)
    with Image.open(path) as picture:
        return measure_seam(np.asarray(picture))


def chroma_of(rgb_hw3: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Centred Cb and Cr, of 255: (H, W, 2)."""
    rgb = rgb_hw3.astype(np.float32)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.stack(((rgb[..., 2] - luma) / 1.772, (rgb[..., 0] - luma) / 1.402), -1)


def spread_of_rows(rgb_hw3: NDArray[np.uint8], rows: int) -> float:
    """Deviation of the chroma along a row, averaged over the first and the last rows."""
    return float(
        np.concatenate((chroma_of(rgb_hw3[:rows]), chroma_of(rgb_hw3[-rows:]))).std(1).mean()
    )
