"""The pictures of a comparison: rows of several OUTPUTs brought together, shown and measured.

H height, W width.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final
from urllib.parse import unquote

import cv2
import numpy as np
from numpy.typing import NDArray

from archive_colorizer.data.seeds import derive
from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.imaging.decode import luma_of, read_reduced
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.storage import Store

COLUMNS: Final = (
    "source_uri", "page", "status", "error_class", "derivative_uri", "derivative_key",
    "colourfulness", "doubt_mean", "review_needed",
)  # fmt: skip
MAP_TOP: Final = 40.0
"""CIE76 difference that is the brightest on a map."""
MAX_MEGAPIXELS: Final = 1e6
"""Derivatives are our own: whatever size was allowed for them."""
Rgb = NDArray[np.uint8]
Key = tuple[str, int]
"""URI of the master, and its page."""


@dataclass(frozen=True, slots=True)
class Result:
    """One OUTPUT's row of a page."""

    status: str
    """As the manifest has it; empty where it has none."""
    error_class: str = ""
    derivative_uri: str = ""
    key: str = ""
    """Of the derivative, in its store."""
    colourfulness: float | None = None
    doubt_mean: float | None = None
    review_needed: bool | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """A page with what each OUTPUT has of it."""

    name: str
    """Path below what all masters have in common, with the page where it is not the first."""
    source_uri: str
    page: int
    results: tuple[Result, ...]
    order: tuple[int, ...]
    """Positions on the page -> numbers of the OUTPUTs."""
    difference: float | None = None
    """Mean CIE76 difference of the two results that are farthest apart; None where not all are
    there."""
    reason: str = ""
    """Why they are not."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The pictures of a page as they are shown, of one size."""

    grey_hw3: Rgb
    """The first result on the page without its colour: colorizers keep the master's luminance."""
    results: tuple[Rgb, ...]
    """(H, W, 3), in the order of the OUTPUTs."""
    map_hw3: Rgb
    """Where the results differ, dark to bright, 0 to MAP_TOP."""
    difference: float


def pair_rows(stores: Sequence[Store], seed: int | None) -> list[Compared]:
    """Bring the rows of several OUTPUTs together, by master and page, in the order of names.

    Args:
        stores: OUTPUTs.
        seed: draws an order for each page; None leaves the order of the stores.

    Raises:
        LocationError: one is no OUTPUT, or they have no page in common.
    """
    found = [_read_rows(store) for store in stores]
    keys = sorted({key for rows in found for key in rows})
    common = [key for key in keys if all(key in rows for rows in found)]
    if not common:
        raise LocationError(
            f"{stores[0].uri} and {stores[1].uri}: have no picture in common (their rows name "
            "other masters; archive-colorizer relocate tells an OUTPUT where its masters are now)"
        )
    names = _name(keys)
    return [
        Compared(
            names[key], *key, tuple(rows.get(key, Result("")) for rows in found),
            _draw_order(len(stores), seed, key),
        )
        for key in keys
    ]  # fmt: skip


def _read_rows(store: Store) -> Mapping[Key, Result]:
    rows = manifest.read(store, COLUMNS).to_pylist()
    if not rows:
        raise LocationError(f"{store.uri}: has no manifest: it is no OUTPUT of colorize")
    return {(row["source_uri"], row["page"]): _read_result(store, row) for row in rows}


def _read_result(store: Store, row: Mapping[str, Any]) -> Result:
    uri = row["derivative_uri"] or ""
    return Result(
        status=row["status"], error_class=row["error_class"] or "", derivative_uri=uri,
        key=row["derivative_key"] or (store.key_of(uri) if uri else ""),
        colourfulness=row["colourfulness"], doubt_mean=row["doubt_mean"],
        review_needed=row["review_needed"],
    )  # fmt: skip


def _name(keys: Sequence[Key]) -> dict[Key, str]:
    """Name pages by what their masters' paths do not have in common."""
    texts = {key: key[0] if key[0].startswith("s3://") else unquote(key[0]) for key in keys}
    parts = {key: text.split("/") for key, text in texts.items()}
    columns = zip(*(path[:-1] for path in parts.values()), strict=False)
    common = next((i for i, column in enumerate(columns) if len(set(column)) > 1), None)
    if common is None:
        common = min(len(path) for path in parts.values()) - 1
    return {
        key: "/".join(path[common:]) + (f" (page {key[1] + 1})" if key[1] else "")
        for key, path in parts.items()
    }


def _draw_order(count: int, seed: int | None, key: Key) -> tuple[int, ...]:
    if seed is None:
        return tuple(range(count))
    return tuple(int(i) for i in derive(seed, "blind", *key).permutation(count))


def show(picture: Compared, stores: Sequence[Store], long_px: int) -> Shown | str:
    """Read a page's derivatives and measure how far apart they are.

    Args:
        picture: the page.
        stores: OUTPUTs, in the order of its results.
        long_px: long side of what is shown.

    Returns:
        What is shown, or why it cannot be.
    """
    if any(result.status != "ok" for result in picture.results):
        return f"not coloured by all: {' / '.join(map(_name_status, picture.results))}"
    pixels: list[Rgb] = []
    for store, result in zip(stores, picture.results, strict=True):
        try:
            made = _read_pixels(store, result.key, long_px)
        except (OSError, PictureFault) as error:
            return f"{result.derivative_uri}: cannot be read: {error}"
        if pixels and made.shape != pixels[0].shape:
            size = pixels[0].shape[1::-1]
            made = np.asarray(cv2.resize(made, size, interpolation=cv2.INTER_AREA))
        pixels.append(made)
    distances = list(_measure(pixels))
    far_hw = np.maximum.reduce(distances)
    scaled = np.rint(np.clip(far_hw / MAP_TOP, 0, 1) * 255).astype(np.uint8)
    bgr = cv2.applyColorMap(scaled, cv2.COLORMAP_INFERNO)
    return Shown(
        grey_hw3=np.asarray(cv2.merge([luma_of(pixels[picture.order[0]])] * 3)),
        results=tuple(pixels),
        map_hw3=np.ascontiguousarray(bgr[..., ::-1]),
        difference=max(float(one.mean()) for one in distances),
    )


def _name_status(result: Result) -> str:
    return f"{result.status or 'no row'} {result.error_class}".strip()


def _measure(pixels: Sequence[Rgb]) -> Iterator[NDArray[np.float32]]:
    """(H, W) CIE76 differences of each two results."""
    labs = [rgb_to_lab(one) for one in pixels]
    for first, second in combinations(labs, 2):
        yield np.linalg.norm(first - second, axis=-1).astype(np.float32)


def _read_pixels(store: Store, key: str, long_px: int) -> Rgb:
    """A derivative as (H, W, 3), its long side at most `long_px`."""
    with store.open(key) as source:
        header = read_header(source, max_megapixels=MAX_MEGAPIXELS)
        pixels = read_reduced(source, header, long_px).pixels
    scale = long_px / max(pixels.shape[:2])
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in pixels.shape[1::-1])
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return np.asarray(pixels if pixels.ndim == 3 else cv2.merge([pixels] * 3))
