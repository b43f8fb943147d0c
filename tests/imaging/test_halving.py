"""Halves, chroma on the network's cells, and figures off the planes of a JPEG."""

import io

import cv2
import numpy as np
import pytest

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging import encode
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.compose import compose
from archive_colorizer.imaging.halving import halved, halvings_for
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.quality import Meter, measure

PHOTOGRAPHS = dict(colour_photographs())


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (7, 5), (8, 8), (5, 8)])
def test_a_half_is_the_mean_of_each_block_with_edges_repeated(shape: tuple[int, int]) -> None:
    plane = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    even = np.pad(plane, [(0, side % 2) for side in shape], mode="edge").astype(float)
    blocks = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    found = halved(plane)
    assert found.shape == blocks.shape
    assert np.abs(found - blocks).max() <= 0.5


def test_a_picture_is_halved_until_it_is_small_enough() -> None:
    assert [halvings_for(1000, 1000, limit) for limit in (1e6, 999_999, 250_000, 1)] == [
        0,
        1,
        1,
        10,
    ]


def cells_of(height: int, width: int, padded: tuple[int, int]) -> NetworkMap:
    """Left of the middle blue, right of it orange, for a proxy of that size."""
    cells = np.zeros((padded[0] // 4, padded[1] // 4, 2), np.float16)
    cells[..., 1] = -30
    cells[:, round(width / 8) :, 1] = 40
    return NetworkMap(cells, padded, (height, width))


@pytest.mark.parametrize("padded", [(64, 96), (96, 128)])
def test_cells_beyond_a_padded_picture_move_nothing(padded: tuple[int, int]) -> None:
    """Where the colour changes in a 60 x 88 proxy, it changes in the picture."""
    gray = np.full((600, 880), 130, np.uint8)
    _, cb, _ = compose(gray, cells_of(60, 88, padded)).ycc_planes()
    change = np.abs(np.diff(cb.astype(int), axis=1)).argmax(axis=1)
    assert np.abs(change - 220).max() <= 12  # a quarter of a cell's 20 pixels, each way


def test_strips_meet_without_a_seam() -> None:
    """Chroma of a strip is that of the same rows in the whole picture."""
    rng = np.random.default_rng(2)
    cells = rng.normal(0, 25, (64, 96, 2)).astype(np.float16)
    luma = cv2.resize(rng.random((40, 60), np.float32), (1500, 1000))
    chroma = compose(
        (luma * 255).astype(np.uint8), NetworkMap(cells, (256, 384), (256, 384))
    ).chroma
    whole = np.stack(chroma.at(luma, 0, 1000))
    for top, bottom in ((0, 7), (7, 130), (130, 131), (131, 640), (640, 1000)):
        part = np.stack(chroma.at(luma[top:bottom], top, 1000))
        np.testing.assert_allclose(part, whole[:, top:bottom], atol=1e-4)


def test_growing_in_two_steps_is_bilinear() -> None:
    cells = np.random.default_rng(3).normal(0, 25, (16, 24, 2)).astype(np.float16)
    gray = np.full((640, 960), 128, np.uint8)
    chroma = compose(gray, NetworkMap(cells, (64, 96), (64, 96)), "bilinear").chroma
    cb, cr = chroma.at(np.full(gray.shape, 0.5, np.float32), 0, 640)
    wanted = cv2.resize(chroma.coefficients_hw4, (960, 640), interpolation=cv2.INTER_LINEAR)
    gap = np.abs(np.stack((cb, cr), -1) - wanted[..., 2:])
    assert gap.mean() < 1 / 255
    assert gap.max() < 6 / 255  # at the middle of a cell, where the slope changes


@pytest.mark.parametrize("name", ["astronaut", "coffee"])
def test_colours_off_the_planes_are_those_of_the_file(name: str) -> None:
    rgb = PHOTOGRAPHS[name]
    gray = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    cells = np.full((64, 64, 2), (20, 35), np.float16)
    sink, meter = io.BytesIO(), Meter(gray)
    picture = compose(gray, NetworkMap(cells, (256, 256), (256, 256)))
    encode.encode(picture, sink, encode.Settings(), Tags(), meter)
    seen = measure(sink, meter)
    read = measure(sink, Meter(gray, full=True))
    assert seen.colourfulness == pytest.approx(read.colourfulness, rel=0.02)
    assert min(seen.reduced_hw3.shape[:2]) >= 192
    decoded = cv2.imdecode(np.frombuffer(sink.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert read.luminance_mae == pytest.approx(np.abs(decoded - gray.astype(int)).mean(), abs=0.05)


def test_colourfulness_is_that_of_the_paper() -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (33, 41, 3), np.uint8)
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
    rg, yb = red - green, (red + green) / 2 - blue
    wanted = np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean())
    assert colourfulness(rgb) == pytest.approx(wanted, rel=1e-6)
    assert colourfulness(rgb[::-1, ::-1, ::-1][..., ::-1]) == pytest.approx(wanted, rel=1e-6)
