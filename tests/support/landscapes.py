"""Drawn pictures as libraries and as files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from archive_colorizer.data.library import Library, encode, write_items

MakeLibrary = Callable[..., Library]


def landscape(seed: int, height: int = 40, width: int = 48) -> np.ndarray:
    """Blue above, green below: something that can be learned from grey and place."""
    rgb = np.empty((height, width, 3), np.float32)
    rgb[: height // 2], rgb[height // 2 :] = (90, 140, 240), (50, 130, 30)
    noise = np.random.default_rng(seed).normal(0, 5, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def make_library(tmp_path: Path) -> MakeLibrary:
    """(targets, sources) -> a library of them; without arguments of four landscapes."""

    def make(
        targets: Sequence[np.ndarray] | None = None, sources: Sequence[np.ndarray] | None = None
    ) -> Library:
        targets = targets or [landscape(seed) for seed in range(4)]
        path = tmp_path / f"{len(list(tmp_path.glob('*.arrow')))}.arrow"
        pairs = zip(targets, sources or [None] * len(targets), strict=True)
        write_items(path, [
            {
                "name": str(i), "domain": "", "target": encode(target, lossless=True),
                "source": None if source is None else encode(source, lossless=True),
            }
            for i, (target, source) in enumerate(pairs)
        ])  # fmt: skip
        return Library(str(path))

    return make


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of twenty colour photographs, nested, and a grey one."""
    folder = tmp_path / "photos"
    (folder / "more").mkdir(parents=True)
    for seed in range(20):
        name = f"{'more/' if seed % 3 == 0 else ''}{seed:02d}.png"
        cv2.imwrite(str(folder / name), landscape(seed)[..., ::-1])
    cv2.imwrite(str(folder / "grey.png"), np.full((40, 48, 3), 90, np.uint8))
    return folder
