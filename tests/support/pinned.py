"""What tests of pinned colours share: a drawn street, and rows, pixels and works of a studio."""

import io
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.review.pinning import PinStudio, PinWork
from archive_colorizer.storage import Store

Row = Mapping[str, Any]
RED, BLUE, GREY = "#a02020", "#2030a0", "#808080"


def rows_of(store: Store) -> dict[str, dict[str, Any]]:
    """Rows by the name of their master."""
    rows = manifest.read(store, SCHEMA.names).to_pylist()
    return {row["source_uri"].rpartition("/")[2]: row for row in rows}


def wait_for(studio: PinStudio, work: str, seconds: float = 60) -> PinWork:
    end_s = time.monotonic() + seconds
    while (found := studio.state(work)).state in ("queued", "running"):
        assert time.monotonic() < end_s, found
        time.sleep(0.02)
    return found


def pixels_of(store: Store, row: Row) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(store.read(row["derivative_key"]))).convert("RGB"))


def picture_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def drawn_scene() -> np.ndarray:
    """A street: sky, ground, a house, and a car on it that is to be red. Grey, 300x400."""
    rng = np.random.default_rng(4)
    scene = np.full((300, 400), 205.0)
    scene[180:] = 120
    scene[60:200, 40:170] = 160
    scene[90:130, 60:90] = scene[90:130, 110:140] = 60
    yy, xx = np.mgrid[:300, :400]
    scene[((yy - 210) / 30) ** 2 + ((xx - 280) / 60) ** 2 < 1] = 85
    return np.clip(scene + rng.normal(0, 2, scene.shape), 0, 255).astype(np.uint8)
