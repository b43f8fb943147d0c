"""Panoramas: what GPano says, and chroma that goes round."""

from dataclasses import replace
from typing import Any

import numpy as np
import panoramas
import pytest

from archive_colorizer.imaging.blocks import Blocks
from archive_colorizer.imaging.compose import compose
from archive_colorizer.imaging.gpano import NAMESPACE, find_panorama, read_gpano, scaled
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.imaging.projection import (
    Panorama,
    done_around,
    even_poles,
    lay_back,
    margin_of,
    wrapped,
)
from archive_colorizer.imaging.upsample import Method
from archive_colorizer.provenance.watermark import read
from archive_colorizer.provenance.watermark_embedding import mark

SIZE = (100, 200)


def said(**more: object) -> Blocks:
    return Blocks(xmp=panoramas.gpano(SIZE[1], SIZE[0], **more))


def without_numbers(**more: object) -> Blocks:
    names = ("FullPano", "CroppedAreaImage")
    gone = {f"{name}{side}Pixels": None for name in names for side in ("Width", "Height")}
    return said(**gone, CroppedAreaLeftPixels=None, CroppedAreaTopPixels=None, **more)


CASES: list[tuple[Blocks, tuple[int, int], Panorama | None, Panorama | None]] = [
    (Blocks(), SIZE, None, Panorama()),
    (Blocks(), (100, 201), None, Panorama()),
    (Blocks(), (100, 210), None, None),
    (said(), SIZE, Panorama(), Panorama()),
    (said(), (50, 100), Panorama(), Panorama()),  # reduced, and its metadata left
    (said(), (100, 150), None, None),  # cut, and its metadata left
    (without_numbers(), SIZE, Panorama(), Panorama()),
    (without_numbers(), (100, 150), None, None),
    (said(UsePanoViewer="False"), SIZE, None, Panorama()),
    (said(ProjectionType="cylindrical"), SIZE, None, None),
    (said(ProjectionType=None), SIZE, None, None),
    (said(FullPanoWidthPixels=400, FullPanoHeightPixels=200), SIZE, None, None),
    (said(FullPanoHeightPixels="many"), SIZE, None, None),
    (said(CroppedAreaTopPixels=-5), SIZE, None, None),
    (said(FullPanoHeightPixels="nan"), SIZE, None, None),
    (said(FullPanoHeightPixels="inf"), SIZE, None, None),
    (said(FullPanoHeightPixels=200), SIZE, None, None),  # no sphere
    (Blocks(xmp=panoramas.gpano(200, 100)[:-20]), SIZE, None, Panorama()),  # cannot be read
]


@pytest.mark.parametrize(("blocks", "size", "by_itself", "asked"), CASES)
def test_metadata_decide_and_two_to_one_where_it_is_asked_for(
    blocks: Blocks, size: tuple[int, int], by_itself: Panorama | None, asked: Panorama | None
) -> None:
    assert find_panorama(blocks, size, asked=False) == by_itself
    assert find_panorama(blocks, size, asked=True) == asked


def test_a_whole_turn_without_its_poles_goes_round() -> None:
    blocks = said(FullPanoHeightPixels=100, CroppedAreaImageHeightPixels=50,
                  CroppedAreaTopPixels=20)  # fmt: skip
    assert find_panorama(blocks, (50, 200), asked=False) == Panorama(54.0, -36.0)


def test_properties_are_read_as_attributes_and_as_elements() -> None:
    element = Blocks(xmp=(
        b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description>'
        b'<G:ProjectionType xmlns:G="' + NAMESPACE.encode() + b'">'
        b" equirectangular </G:ProjectionType>"
        b"</r:Description></r:RDF>"
    ))  # fmt: skip
    assert read_gpano(element) == {"ProjectionType": "equirectangular"}
    assert find_panorama(element, SIZE, asked=False) == Panorama()
    apart = Blocks(xmp=b"<x/>", extended_xmp=said().xmp)
    assert read_gpano(apart)["FullPanoWidthPixels"] == "200"


def test_numbers_of_pixels_follow_the_derivatives_size() -> None:
    blocks = said(CroppedAreaTopPixels=10, FullPanoHeightPixels=120)
    grown = read_gpano(scaled(blocks, 4, 2))
    assert grown == read_gpano(blocks) | {
        "FullPanoWidthPixels": "400", "CroppedAreaImageWidthPixels": "400",
        "FullPanoHeightPixels": "480", "CroppedAreaImageHeightPixels": "400",
        "CroppedAreaTopPixels": "40",
    }  # fmt: skip
    assert grown["PoseHeadingDegrees"] == "12.5"
    other = Blocks(xmp=b"<any/>")
    assert scaled(other, 2, 2) is other
    odd = read_gpano(scaled(said(CroppedAreaTopPixels="none"), 2, 2))
    assert odd["CroppedAreaTopPixels"] == "none"


def cells(height: int, width: int, pixels: float, channels: int = 2, seed: int = 0) -> NetworkMap:
    """Waves that go round, as a network says them at a size of its own."""
    rows, columns = round(height / pixels), round(width / pixels)
    rng = np.random.default_rng(seed)
    turn = 2 * np.pi * (np.arange(columns) + 0.5) / columns
    rates, phases = rng.integers(1, 5, (2, rows, 1, channels))
    waves = 20 * np.sin(turn[None, :, None] * rates + phases)
    return NetworkMap(waves.astype(np.float16), (height, width), (height, width))


@pytest.mark.parametrize("pixels", [1, 4, 16 / 3])
def test_what_is_said_of_wrapped_columns_is_laid_back(pixels: float) -> None:
    true = cells(64, 128, pixels)
    margin, columns = 32, round(32 / pixels)
    around = NetworkMap(wrapped(true.cells_hwc, columns, 1), (64, 192), (64, 192))
    back = lay_back(around, 128, margin)
    assert back.wraps
    assert (back.padded, back.size) == ((64, 128), (64, 128))
    assert back.cells_hwc.shape == true.cells_hwc.shape
    assert np.abs(back.cells_hwc - true.cells_hwc).max() < (0.02 if pixels != 16 / 3 else 1)


def test_what_differs_at_the_two_sides_fades() -> None:
    ramp = np.broadcast_to(np.arange(96.0)[None, :, None], (16, 96, 2))  # 0 to 96 over the picture
    back = lay_back(NetworkMap.of_pixels(ramp), 64, 16).cells_hwc[..., 0].astype(float)
    assert abs(back[0, 0] - back[0, -1]) < 3
    assert np.array_equal(back[0, 16:48], np.arange(32, 64))
    assert np.abs(np.diff(back[0])).max() < 3


@pytest.mark.parametrize("size", [(8, 16), (30, 61)])
def test_small_pictures_are_laid_back_too(size: tuple[int, int]) -> None:
    height, width = size
    margin = margin_of(height)
    assert margin == 32
    picture = np.random.default_rng(0).normal(size=(*size, 3))
    back = lay_back(NetworkMap.of_pixels(wrapped(picture, margin, 1)), width, margin)
    assert np.allclose(back.cells_hwc, picture, atol=2e-3)


def test_poles_are_smoothed_as_far_as_rows_are_drawn_out() -> None:
    true = replace(cells(64, 128, 1), wraps=True)
    smooth = even_poles(true, Panorama())
    before, after = (one.cells_hwc.astype(float).std(1).mean(1) for one in (true, smooth))
    assert (after[[0, -1]] < 0.01 * before[[0, -1]]).all()
    assert (after[30:34] > 0.995 * before[30:34]).all()
    means = [one.cells_hwc.astype(float).mean(1) for one in (true, smooth)]
    assert np.abs(means[0] - means[1]).max() < 0.05
    middle = even_poles(true, Panorama(20, -20)).cells_hwc
    assert np.abs(middle - true.cells_hwc).max() < 2.5


@pytest.mark.parametrize("method", ["guided", "bilinear"])
@pytest.mark.parametrize("size", [(200, 400), (333, 667), (400, 800)])
def test_full_size_chroma_goes_round(method: Method, size: tuple[int, int]) -> None:
    luma = panoramas.draw_panorama(size[0], width=size[1])
    chroma = replace(cells(64, 128, 4), wraps=True)
    whole = np.concatenate(list(compose(luma, chroma, method).rgb_strips(8, 50)))
    half = size[1] // 2  # of an odd width no whole column
    turned = replace(chroma, cells_hwc=np.roll(chroma.cells_hwc, 16, 1))
    there = np.concatenate(list(compose(np.roll(luma, half, 1), turned, method).rgb_strips(8, 64)))
    difference = np.abs(np.roll(whole, half, 1).astype(int) - there)
    assert difference.mean() < (0.05 if size[1] % 2 == 0 else 0.5)
    seams = [difference[:, place - 8 : place + 8] for place in (half, 8)]  # 8: half of it the end
    assert max(one.mean() for one in seams) < (0.1 if size[1] % 2 == 0 else 1)


def test_the_mark_goes_round_and_can_be_read() -> None:
    luma = panoramas.draw_panorama(384)
    picture = compose(luma, replace(cells(64, 128, 4), wraps=True))
    marked = mark(picture, job=77)
    assert marked is not None
    pixels = np.concatenate(list(marked.rgb_strips(8, 64)))
    seam = panoramas.measure_seam(pixels)
    assert seam.over <= seam.inside
    assert read(pixels).job == 77
    plain = np.concatenate(list(picture.rgb_strips(8, 64)))
    moved = np.abs(panoramas.chroma_of(pixels) - panoramas.chroma_of(plain))
    assert moved.mean() < 1  # the mark alone: chroma stays in its place


def test_a_function_of_pictures_sees_across_the_seam() -> None:
    luma = panoramas.draw_panorama(40)

    def enlarge(given: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.repeat(np.repeat((given + np.roll(given, 1, 1)) // 2, 2, 0), 2, 1)

    made = done_around(enlarge, luma, 4)
    assert np.array_equal(made, enlarge(luma))  # np.roll goes round by itself
