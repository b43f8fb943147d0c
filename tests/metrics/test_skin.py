"""Faces, their skin and its tone."""

import numpy as np
import pytest
from faces import SHADES, face
from skimage.data import astronaut, chelsea, coffee
from toys import drawn

from archive_colorizer.imaging.colour import rgb_to_lab
from archive_colorizer.metrics.skin import (
    Box,
    find_faces,
    find_skin,
    is_skin_colour,
    skin_in,
    tone_of,
    typology_angle,
)


def test_the_typology_angle_is_that_of_the_paper() -> None:
    assert typology_angle(65, 15) == pytest.approx(45)
    assert typology_angle(50, 20) == 0
    assert typology_angle(40, 10) == pytest.approx(-45)


@pytest.mark.parametrize(("angle", "tone"), [
    (56, "very light"), (55, "light"), (42, "light"), (41, "intermediate"), (29, "intermediate"),
    (28, "tan"), (11, "tan"), (10, "brown"), (-29, "brown"), (-30, "dark"), (-90, "dark"),
])  # fmt: skip
def test_six_groups_and_their_bounds(angle: float, tone: str) -> None:
    assert tone_of(angle) == tone


def test_a_face_is_found_where_it_is_and_nothing_where_there_is_none() -> None:
    (box,) = find_faces(astronaut())
    assert 160 < box.left < 195
    assert 45 < box.top < 80
    assert 75 < box.width < 110
    for picture in (drawn(0, 256, 256), coffee(), chelsea(), np.zeros((64, 64, 3), np.uint8)):
        assert find_faces(picture) == ()


def test_faces_too_small_to_be_judged_are_left_out() -> None:
    whole = np.zeros((1600, 1600, 3), np.uint8)
    whole[:256, :256] = face()
    assert len(find_faces(whole)) == 1
    assert find_faces(np.ascontiguousarray(whole[::16, ::16])) == ()


@pytest.mark.parametrize(("rgb", "is_skin"), [
    ((224, 172, 140), True), ((141, 85, 54), True), ((70, 45, 35), True),
    ((128, 128, 128), False), ((90, 140, 220), False), ((60, 140, 60), False),
    ((255, 0, 0), False), ((4, 2, 2), False),
])  # fmt: skip
def test_colours_of_skin(rgb: tuple[int, int, int], is_skin: bool) -> None:
    lab = rgb_to_lab(np.array([[rgb]], np.uint8))
    assert is_skin_colour(lab).item() is is_skin


@pytest.mark.parametrize(("tone", "shade"), SHADES.items())
def test_skin_has_the_tone_that_the_picture_shows(tone: str, shade: float) -> None:
    picture = face(shade)
    (skin,) = find_skin(picture)
    (box,) = find_faces(picture)
    assert skin.tone == tone
    rows, columns = np.nonzero(skin.mask_hw)
    assert rows.min() >= box.top
    assert rows.max() <= box.top + box.height
    assert columns.min() >= box.left
    assert columns.max() <= box.left + box.width
    assert is_skin_colour(rgb_to_lab(picture))[skin.mask_hw].all()


def test_a_face_without_colour_or_in_blue_light_has_no_skin() -> None:
    grey = np.repeat(face()[..., 1:2], 3, axis=2)
    assert len(find_faces(grey)) == 1
    assert find_skin(grey) == ()
    assert find_skin(np.ascontiguousarray(face()[..., ::-1])) == ()


def test_a_box_outside_of_the_picture_has_no_skin() -> None:
    assert skin_in(rgb_to_lab(face()), Box(-500, -500, 50, 50)) is None
