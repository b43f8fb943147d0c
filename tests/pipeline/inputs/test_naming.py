"""Names of derivatives: distinct, valid everywhere, never among our own files."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from archive_colorizer.pipeline.inputs.naming import output_keys
from archive_colorizer.pipeline.output.layout import is_own_file


def named(*paths: bytes, suffix: str = ".colorized", image_format: str = "jpeg") -> list[str]:
    return output_keys(paths, suffix, image_format)


def fold(key: str) -> str:
    return unicodedata.normalize("NFC", key).casefold()


PARTS = st.one_of(
    st.sampled_from(
        [
            b"a",
            b"A",
            b"a.jpg",
            b"a.png",
            b"A.JPG",
            b"manifest",
            b"MANIFEST",
            b"manifest_",
            b".tmp",
            b"history",
            b"job.json",
            b"job.lock",
            b"..",
            b".",
            b"%FF",
            b"\xff",
            b"\xc3\xa9",
            b"e",
            b"e\xcc\x81",
            b"a.colorized.jpg",
            b"stra\xc3\x9fe",
            b"strasse",
            b"x" * 300,
            b"X" * 300,
        ]
    ),
    st.binary(min_size=1, max_size=12),
    st.text(min_size=1, max_size=300).map(lambda text: text.encode(errors="replace")),
)
PATHS = st.lists(PARTS.map(lambda part: part.replace(b"/", b"_")), min_size=1, max_size=4).map(
    b"/".join
)


@given(st.lists(PATHS, max_size=12, unique=True), st.sampled_from(["jpeg", "png", "tiff"]))
@example([b"manifest/a.jpg", b"manifest_/a.jpg", b"Manifest/a.png"], "jpeg")
@example([b"\xff.jpg", b"%FF.jpg", b"%ff.png"], "png")
@example([b"a.jpg", b"a.png", b"a.jpg.jpg", b"A.jpg"], "jpeg")
@example([b"job.json/a.jpg", b"JOB.LOCK/a.jpg"], "jpeg")
def test_keys_are_distinct_valid_short_and_inside_output(
    paths: list[bytes], image_format: str
) -> None:
    keys = output_keys(paths, ".colorized", image_format)
    assert len({fold(key) for key in keys}) == len(paths)
    assert keys == output_keys(paths, ".colorized", image_format)
    for key in keys:
        parts = key.encode("utf-8").split(b"/")
        assert all(0 < len(part) <= 255 for part in parts)
        assert not {b".", b".."} & set(parts)
        assert b"\0" not in key.encode()
        assert not is_own_file(fold(key))


@given(st.lists(PATHS, min_size=1, max_size=8, unique=True))
def test_names_do_not_depend_on_the_order_of_the_listing(paths: list[bytes]) -> None:
    forwards = dict(zip(paths, named(*paths), strict=True))
    backwards = dict(zip(paths[::-1], named(*paths[::-1]), strict=True))
    assert forwards == backwards


@pytest.mark.parametrize(
    ("image_format", "ending"), [("jpeg", ".jpg"), ("png", ".png"), ("tiff", ".tif")]
)
def test_a_name_keeps_its_folders_and_says_that_it_is_coloured(
    image_format: str, ending: str
) -> None:
    assert named(b"box 1/page.TIFF", image_format=image_format) == [f"box 1/page.colorized{ending}"]


def test_two_masters_that_differ_in_their_ending_keep_it() -> None:
    assert named(b"a.png", b"a.jpg", b"b.jpg") == [
        "a.png.colorized.jpg",
        "a.jpg.colorized.jpg",
        "b.colorized.jpg",
    ]


def test_names_that_differ_only_in_case_get_a_hash() -> None:
    keys = named(b"a.jpg", b"A.jpg")
    assert all(key.lower().startswith("a.jpg.") for key in keys)
    assert len({fold(key) for key in keys}) == 2


def test_bytes_that_are_not_utf8_are_written_as_percent_signs() -> None:
    assert named(b"Stra\xdfe.jpg") == ["Stra%DFe.colorized.jpg"]


@pytest.mark.parametrize("folder", ["manifest", "history", ".tmp", "Manifest", "job.json"])
def test_a_source_folder_named_like_one_of_ours_gets_an_underscore(folder: str) -> None:
    assert named(f"{folder}/a.jpg".encode()) == [f"{folder}_/a.colorized.jpg"]


def test_only_the_first_folder_can_be_ours() -> None:
    assert named(b"box/manifest/a.jpg") == ["box/manifest/a.colorized.jpg"]


def test_a_long_name_keeps_suffix_and_ending() -> None:
    (key,) = named(b"n" * 251 + b".jpg")
    assert len(key) == 255
    assert key.endswith(".colorized.jpg")


def test_nothing_leaves_output() -> None:
    assert named(b"../../etc/a.jpg", b"/abs/a.jpg") == [
        "etc/a.colorized.jpg",
        "abs/a.colorized.jpg",
    ]
