"""Prints are found beside colour, and nothing is found where there is none."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archive_colorizer.demo import colour_photographs
from archive_colorizer.imaging.content_box import NOTHING, Bounds, Found, find_print
from archive_colorizer.imaging.tone import tone_class
from tests.support.pages import page_with_print, scene

PHOTOGRAPHS = dict(colour_photographs())


def look(rgb: np.ndarray) -> Found:
    return find_print(rgb, tone_class(rgb)[0], rgb.shape[:2])


def overlap(bounds: Bounds | None, corners: np.ndarray) -> float:
    assert bounds is not None
    ours = bounds.corners()
    common, _ = cv2.intersectConvexConvex(ours, corners)
    return float(common / (cv2.contourArea(ours) + cv2.contourArea(corners) - common))


def sepia(gray: np.ndarray) -> np.ndarray:
    g = gray.astype(np.float32)
    tone = 22 * 4 * (g / 255) * (1 - g / 255)
    return np.stack((g + 0.6 * tone, g, g - tone), axis=-1).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("tilt", [-3.0, -1.3, 0.0, 0.7, 3.0])
@pytest.mark.parametrize(
    ("ground", "beside"),
    [("cream", ""), ("orange", ""), ("brown", ""), ("green", "stamp"), ("white", "stamp"),
     ("white", "target"), ("black", "target"), ("cream", "stamp")],
)  # fmt: skip
def test_a_grey_print_beside_colour_is_found_at_any_small_tilt(
    ground: str, beside: str, tilt: float
) -> None:
    page, corners = page_with_print(ground, tilt=tilt, beside=beside)
    found = look(page)
    assert overlap(found.bounds, corners) > 0.93
    assert found.tone == "neutral"
    assert not found.unsure


@pytest.mark.parametrize("place", [(120, 20, 200, 280), (40, 150, 370, 130), (200, 60, 150, 150)])
def test_a_print_is_found_wherever_it_lies(place: tuple[int, int, int, int]) -> None:
    page, corners = page_with_print("orange", place=place, tilt=1.0)
    assert overlap(look(page).bounds, corners) > 0.9


def test_a_print_goes_before_the_rectangles_that_it_holds() -> None:
    """Its lower side has the ground's own grey in places; a bright window in it is seen better."""
    page, corners = page_with_print("grey", beside="target")
    assert overlap(look(page).bounds, corners) > 0.93


def test_the_place_is_given_in_pixels_of_the_master() -> None:
    page, corners = page_with_print("orange", tilt=2.0)
    found = find_print(page, tone_class(page)[0], (3500, 4500))
    assert overlap(found.bounds, corners * 10) > 0.93


def test_a_toned_print_on_a_mount_is_found_and_called_toned() -> None:
    page, corners = page_with_print("green")
    inner = sepia(scene(250, 350))
    page[30:280, 30:380] = inner
    found = look(page)
    assert overlap(found.bounds, corners) > 0.93
    assert found.tone == "toned"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_colour_photograph_has_no_print_on_it(name: str) -> None:
    rgb = PHOTOGRAPHS[name]
    small = cv2.resize(rgb, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    found = look(small)
    assert found.bounds is None
    assert not found.unsure


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_a_grey_or_toned_picture_is_not_searched_at_all(name: str) -> None:
    gray = cv2.cvtColor(PHOTOGRAPHS[name], cv2.COLOR_RGB2GRAY)
    assert look(gray) is NOTHING
    assert look(cv2.merge([gray] * 3)) is NOTHING
    assert look(sepia(gray)) is NOTHING


def test_a_grey_print_beside_a_grey_target_is_ordinary() -> None:
    page, _ = page_with_print("white")
    for i, value in enumerate((243, 200, 160, 122, 85, 52)):
        page[305:325, 30 + 25 * i : 50 + 25 * i] = value
    assert look(page) is NOTHING


def test_two_prints_beside_colour_are_not_done_in_silence() -> None:
    page, _ = page_with_print("black", place=(30, 30, 180, 250), beside="target")
    page[30:280, 240:420] = scene(250, 180, seed=2)[..., None]
    found = look(page)
    assert found.unsure or found.bounds is not None


def test_a_page_whose_print_cannot_be_told_from_it_is_shown_to_a_person() -> None:
    page, _ = page_with_print("black", beside="target")
    night = np.random.default_rng(3).normal(24, 2, (250, 350, 1))
    page[30:280, 30:380] = night.clip(0, 255).astype(np.uint8)
    found = look(page)
    assert found.bounds is None
    assert found.unsure


@given(
    st.integers(40, 3000), st.integers(40, 3000), st.integers(0, 500), st.integers(0, 500),
    st.floats(-3.5, 3.5),
)  # fmt: skip
@settings(deadline=None)
def test_an_upright_rectangle_and_a_tilt_say_the_whole_place(
    w: int, h: int, x: int, y: int, tilt: float
) -> None:
    if max(w, h) > 4 * min(w, h):
        return
    corners = Bounds(x, y, w, h, tilt).corners()
    assert np.allclose(corners.min(0), (x, y), atol=0.01 * max(w, h) / 100 + 0.1)
    assert np.allclose(corners.max(0), (x + w, y + h), atol=0.01 * max(w, h) / 100 + 0.1)


def test_tiny_and_narrow_pages_are_taken_as_they_are() -> None:
    for shape in ((1, 1, 3), (8, 200, 3), (63, 63, 3)):
        rgb = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
        assert find_print(rgb, "colour", shape[:2]) is NOTHING
