"""Several sources: folders, pictures, inventories, globs, and paths on standard input."""

import io
import os
import sys
from pathlib import Path

import pytest

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.config import SelectConfig
from archive_colorizer.pipeline.inputs.inventory import make_form
from archive_colorizer.pipeline.inputs.listing import Listing, list_sources
from archive_colorizer.storage.location import uri_of_path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (
        "a.jpg", "b/1.jpg", "b/x/2.tif", "c/1.jpg", "c/people/3.jpg", "c/notes.txt", "e.tif",
        "f.tif", "c/@eaDir/t.jpg", "people.jpg",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pages(listing: Listing) -> dict[str, str]:
    """Path of each page below the working directory -> its name."""
    start = f"{uri_of_path(Path.cwd())}/"
    rows = listing.table.to_pylist()
    return {row["source_uri"].removeprefix(start): os.fsdecode(row["relative_raw"]) for row in rows}


@pytest.mark.usefixtures("here")
def test_each_source_keeps_its_names() -> None:
    Path("list.csv").write_text("uri\nc/people/3.jpg\n")
    assert pages(list_sources(("a.jpg", "b", "b/x/", "*.tif", "list.csv"))) == {
        "a.jpg": "a.jpg", "b/1.jpg": "1.jpg", "b/x/2.tif": "x/2.tif", "e.tif": "e.tif",
        "f.tif": "f.tif", "c/people/3.jpg": "c/people/3.jpg",
    }  # fmt: skip


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("[bc]/*.jpg", {"b/1.jpg": "b/1.jpg", "c/1.jpg": "c/1.jpg"}),
        ("c/*", {"c/1.jpg": "1.jpg", "c/people/3.jpg": "people/3.jpg"}),
        ("**/*.tif", {"b/x/2.tif": "b/x/2.tif", "e.tif": "e.tif", "f.tif": "f.tif"}),
        ("b/**", {"b/1.jpg": "1.jpg", "b/x/2.tif": "x/2.tif"}),
        ("?/people", {"c/people/3.jpg": "c/people/3.jpg"}),
    ],
)
def test_names_of_a_glob_are_below_its_fixed_folder(glob: str, found: dict[str, str]) -> None:
    assert pages(list_sources((glob,))) == found


@pytest.mark.usefixtures("here")
def test_what_a_glob_finds_and_is_no_picture_is_passed_over_and_counted() -> None:
    listing = list_sources(("c/*",))
    assert listing.passed_over == {".txt": 1, "@eaDir": 1}


def test_a_glob_without_a_match_is_refused_and_a_name_with_such_characters_is_none(
    here: Path,
) -> None:
    with pytest.raises(LocationError, match=r"\*\.gif: nothing matches"):
        list_sources(("a.jpg", "*.gif"))
    (here / "plate [1].jpg").write_bytes(b"x")
    assert list(pages(list_sources(("plate [1].jpg",))).values()) == ["plate [1].jpg"]


def test_a_folder_may_be_called_like_an_inventory(here: Path) -> None:
    (here / "scans.csv").mkdir()
    (here / "scans.csv" / "1.jpg").write_bytes(b"x")
    assert pages(list_sources(("scans.csv",))) == {"scans.csv/1.jpg": "1.jpg"}
    with pytest.raises(LocationError, match="no such folder, picture or inventory"):
        list_sources(("gone.csv",))


@pytest.mark.usefixtures("here")
def test_inventories_are_found_by_a_glob_that_asks_for_them() -> None:
    Path("c/list.csv").write_text("uri\n1.jpg\n")
    assert pages(list_sources(("?/*.csv",))) == {"c/1.jpg": "1.jpg"}
    assert list_sources(("c/*",)).passed_over[".csv"] == 1


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"\0"])
def test_a_minus_reads_paths_from_standard_input(
    here: Path, monkeypatch: pytest.MonkeyPatch, between: bytes
) -> None:
    odd = os.fsencode(here) + b"/Stra\xdfe.jpg"
    Path(os.fsdecode(odd)).write_bytes(b"x")
    names = [b"./a.jpg", b"b", b"c\\1.jpg", b"gone.jpg", odd, b"/outside/7.jpg", b""]
    stdin = io.TextIOWrapper(io.BytesIO(between.join(names)))
    monkeypatch.setattr(sys, "stdin", stdin)
    listing = list_sources(("-", "e.tif"))
    assert pages(listing) == {
        "a.jpg": "a.jpg", "b/1.jpg": "b/1.jpg", "b/x/2.tif": "b/x/2.tif", "c/1.jpg": "c/1.jpg",
        "gone.jpg": "gone.jpg", "Stra%DFe.jpg": "Stra\udcdfe.jpg", "e.tif": "e.tif",
        "file:///outside/7.jpg": "absolute/outside/7.jpg",
    }  # fmt: skip
    sizes = dict(zip(pages(listing), listing.table["size_bytes"].to_pylist(), strict=True))
    assert sizes["gone.jpg"] == sizes["file:///outside/7.jpg"] == 0


def test_paths_of_standard_input_are_mapped(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"D:\\old\\a.jpg\nE:\\b.jpg")))
    form = make_form(SelectConfig(path_map=(f"D:\\old={here}",)))
    listing = list_sources(("-",), form=form)
    assert list(pages(listing)) == ["a.jpg", "E%3A%5Cb.jpg"]
    assert "E:\\b.jpg: is a path of Windows" in listing.table["problem"][1].as_py()


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("include", [["people/"], ["./people/"], ["people/*"]])
def test_a_folders_name_with_a_slash_means_all_beneath_it(include: list[str]) -> None:
    assert pages(list_sources(("c",), include)) == {"c/people/3.jpg": "people/3.jpg"}
    assert "c/people/3.jpg" not in pages(list_sources(("c",), exclude=include))
