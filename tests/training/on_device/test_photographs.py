"""Photographs on the device, and crops of them."""

import cv2
import numpy as np
import pytest
import torch
from landscapes import MakeLibrary

from archive_colorizer.errors import ConfigError
from archive_colorizer.training.on_device import photographs as module
from archive_colorizer.training.on_device.photographs import (
    Crops,
    DevicePhotographs,
    as_words,
    load_photographs,
)

TOP, LEFT = (3, 0, 5, 7, 2), (1, 9, 0, 4, 6)
HEIGHT, WIDTH = (40, 64, 80, 96, 110), (50, 64, 70, 90, 100)
MIRRORED = (False, True, False, True, False)


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    sizes = [(90 + 7 * i, 110 + 5 * i, 3) for i in range(5)]
    return [
        cv2.GaussianBlur(rng.integers(0, 256, size).astype(np.uint8), (0, 0), 1) for size in sizes
    ]


def flat(pictures: list[np.ndarray]) -> DevicePhotographs:
    height, width = torch.tensor([picture.shape[:2] for picture in pictures]).T
    start = torch.cumsum(height * width, 0) - height * width
    return DevicePhotographs(torch.from_numpy(as_words(pictures)), start, height, width)


@pytest.mark.parametrize("px", [32, 64, 128])
def test_crops_are_those_of_opencv(pictures: list[np.ndarray], px: int) -> None:
    crops = Crops(
        torch.arange(5), *map(torch.tensor, (TOP, LEFT, HEIGHT, WIDTH)), torch.tensor(MIRRORED)
    )
    cut = flat(pictures).cut(crops, px)
    assert cut.shape == (5, 3, px, px)
    for i, made in enumerate(cut):
        part = pictures[i][TOP[i] : TOP[i] + HEIGHT[i], LEFT[i] : LEFT[i] + WIDTH[i]]
        reduced = max(HEIGHT[i], WIDTH[i]) > px
        how = cv2.INTER_AREA if reduced else cv2.INTER_LINEAR
        expected = cv2.resize(part, (px, px), interpolation=how)
        expected = expected[:, ::-1] if MIRRORED[i] else expected
        off = np.abs(made.permute(1, 2, 0).numpy() * 255 - expected)
        assert off.mean() < (1.5 if reduced else 0.3), i


def test_a_librarys_photographs_are_all_there(make_library: MakeLibrary) -> None:
    library = make_library()
    loaded = load_photographs(library, "cpu", workers=2)
    whole = Crops(
        torch.arange(4), torch.zeros(4, dtype=torch.int64), torch.zeros(4, dtype=torch.int64),
        torch.full((4,), 40), torch.full((4,), 40), torch.zeros(4, dtype=torch.bool),
    )  # fmt: skip
    cut = (loaded.cut(whole, 40) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    for i in range(4):
        assert np.array_equal(cut[i], library[i].target[:40, :40])


def test_more_than_fits_is_refused_in_one_line(
    make_library: MakeLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "HOST_BYTES", 100)
    with pytest.raises(ConfigError, match=r"do not fit on cpu .*feed\.place=host"):
        load_photographs(make_library(), "cpu", workers=1)
