"""Locations are parsed once, and their arithmetic is the same for folders and object stores."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.errors import LocationError
from archive_colorizer.storage.location import parse_location, path_of_uri, uri_of_path


@given(st.binary(min_size=1).filter(lambda raw: b"\0" not in raw))
def test_any_name_survives_its_uri(raw: bytes) -> None:
    path = os.fsdecode(b"/" + raw.lstrip(b"/"))
    assert os.fsencode(path_of_uri(uri_of_path(path))) == os.fsencode(Path(path))
    assert parse_location(uri_of_path(path)).raw == os.fsencode(Path(path))


@pytest.mark.parametrize(
    ("text", "bucket", "key", "uri"),
    [
        ("/a/b.jpg", "", "/a/b.jpg", "file:///a/b.jpg"),
        ("file:///a%20b/c", "", "/a b/c", "file:///a%20b/c"),
        ("s3://bucket/p/q.tif", "bucket", "p/q.tif", "s3://bucket/p/q.tif"),
        ("s3://bucket", "bucket", "", "s3://bucket/"),
        ("s3://bucket/a%20b/", "bucket", "a%20b/", "s3://bucket/a%20b/"),
    ],
)
def test_a_location_is_a_path_or_a_bucket_and_a_key(
    text: str, bucket: str, key: str, uri: str
) -> None:
    place = parse_location(text)
    assert (place.text, place.bucket, place.key, place.uri) == (text, bucket, key, uri)
    assert place.is_s3 == bool(bucket)


@pytest.mark.parametrize("text", ["gs://bucket/x", "https://host/x", "s3://", "s3:///key"])
def test_what_is_no_location_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(LocationError, match=text):
        parse_location(text)


def test_an_object_has_no_path_on_this_machine() -> None:
    with pytest.raises(LocationError, match="s3://b/k: is no place on this machine"):
        _ = parse_location("s3://b/k").path


@pytest.mark.parametrize(
    ("folder", "relative", "key", "below"),
    [
        ("/archive", "a/b.jpg", "/archive/a/b.jpg", "a/b.jpg"),
        ("/archive", "../b.jpg", "/b.jpg", None),
        ("/archive", "/other/b.jpg", "/other/b.jpg", None),
        ("s3://b/archive", "a/b.jpg", "archive/a/b.jpg", "a/b.jpg"),
        ("s3://b/archive", "/a.jpg", "archive/a.jpg", "a.jpg"),
        ("s3://b", "a.jpg", "a.jpg", "a.jpg"),
        ("s3://b/archive", "../a.jpg", "archive/../a.jpg", "../a.jpg"),
    ],
)
def test_names_are_joined_to_a_folder_and_found_below_it(
    folder: str, relative: str, key: str, below: str | None
) -> None:
    place = parse_location(folder).join(relative)
    assert (place.key, place.name_below(parse_location(folder))) == (key, below)


@pytest.mark.parametrize(
    ("text", "parent"),
    [("/a/b.csv", "/a"), ("/b.csv", "/"), ("s3://b/p/l.csv", "p"), ("s3://b/l.csv", "")],
)
def test_a_parent_is_the_folder_of_a_file(text: str, parent: str) -> None:
    assert parse_location(text).parent.key == parent


def test_a_relative_path_has_an_absolute_parent_and_uri(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert parse_location("list.csv").parent.path == tmp_path
    assert parse_location("list.csv").uri == uri_of_path(tmp_path / "list.csv")


def test_one_place_holds_another_after_links_are_resolved(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    real, link = (parse_location(str(tmp_path / name)) for name in ("real", "link"))
    assert link.is_same(real)
    assert link.holds(parse_location(str(tmp_path / "real" / "a")))
    assert not link.holds(parse_location(str(tmp_path / "realm")))


def test_prefixes_hold_by_whole_parts_and_only_in_their_bucket() -> None:
    outer = parse_location("s3://b/p")
    assert outer.holds(parse_location("s3://b/p/"))
    assert outer.holds(parse_location("s3://b/p//q"))
    assert not outer.holds(parse_location("s3://b/pq"))
    assert not outer.holds(parse_location("s3://c/p/q"))
    assert not parse_location("/").holds(outer)
