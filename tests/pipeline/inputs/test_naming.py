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


def by_ids(ids: list[str], paths: list[bytes] | None = None) -> list[str]:
    paths = paths or [f"box/{n}.tif".encode() for n in range(len(ids))]
    uris = [f"file:///scans/{n}" for n in range(len(ids))]
    return output_keys(paths, ".colorized", "jpeg", uris=uris, stems=ids)


@pytest.mark.parametrize(
    ("object_id", "name"),
    [
        ("1923.45.6", "1923.45.6"),
        ("1923/45", "1923_45"),
        ('C:\\a*?<>|"b\n\0', "C__a______b__"),
        (" Glas 7 ", "Glas 7"),
        ("..", "_.."),
        (".hidden", "_.hidden"),
        ("con", "_con"),
        ("LPT1.a", "_LPT1.a"),
        ("유리건판 12", "유리건판 12"),
        ("e\u0301", "é"),
        ("manifest", "manifest"),
    ],
)
def test_an_object_id_becomes_a_name_that_file_systems_take(object_id: str, name: str) -> None:
    assert by_ids([object_id]) == [f"{name}.colorized.jpg"]


def test_equal_object_ids_are_told_apart_by_their_files_in_any_order() -> None:
    ids = ["7", "7", "8/1", "8_1", "", "9", "9"]
    paths = [b"a/1.tif", b"a/2.tif", b"3.tif", b"4.tif", b"b/5.tif", b"a/6.tif", b"b/6.tif"]
    found = by_ids(ids, paths)
    assert found[:5] == [
        "7.1.tif.colorized.jpg", "7.2.tif.colorized.jpg", "8_1.3.tif.colorized.jpg",
        "8_1.4.tif.colorized.jpg", "b/5.colorized.jpg",
    ]  # fmt: skip
    assert len(set(found)) == 7
    assert set(by_ids(ids[::-1], paths[::-1])) == set(found)


def test_a_long_object_id_is_shortened() -> None:
    first, second = by_ids(["x" * 400 + "1", "x" * 400 + "2"])
    assert first != second
    assert len(first.encode()) == len(second.encode()) == 255


@given(st.lists(st.text(max_size=20), min_size=1, max_size=8), st.sampled_from([b"a.tif", b""]))
def test_no_two_rows_get_one_name_whatever_their_object_ids_are(
    ids: list[str], path: bytes
) -> None:
    ids = [one.encode(errors="replace").decode().strip() for one in ids]
    found = by_ids(ids, [path or f"{n}/a.tif".encode() for n in range(len(ids))])
    assert len({fold(key) for key in found}) == len(ids)
    assert not any(is_own_file(key) or len(key.encode()) > 255 for key in found)


def test_one_name_in_two_sources_is_told_apart_in_any_order() -> None:
    uris = ["file:///a/1.jpg", "file:///b/1.jpg"]
    keys = output_keys([b"1.jpg"] * 2, ".colorized", "jpeg", uris=uris)
    assert len(set(keys)) == 2
    assert keys == output_keys([b"1.jpg"] * 2, ".colorized", "jpeg", uris=uris[::-1])[::-1]
