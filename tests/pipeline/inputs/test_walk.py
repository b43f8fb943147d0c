"""All or nothing at the entrance: what makes trouble stops nothing but itself, and is counted."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archive_colorizer.errors import LocationError
from archive_colorizer.pipeline.inputs import listing as listing_module
from archive_colorizer.pipeline.inputs import walk as walk_module
from archive_colorizer.pipeline.inputs.filters import Filter
from archive_colorizer.pipeline.inputs.listing import Listing, list_source
from archive_colorizer.pipeline.inputs.passed_over import PassedOver
from archive_colorizer.pipeline.inputs.walk import Walk, passed_over_notes
from archive_colorizer.storage import DEFAULT_S3, Entry, Location
from archive_colorizer.storage import local as local_module

YEAR_2446_S = 15_023_664_000


def fill(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"123")
    return root


def names(listing: Listing) -> list[str]:
    return [os.fsdecode(raw) for raw in listing.table["relative_raw"].to_pylist()]


@pytest.fixture
def scans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two boxes and a third that may not be listed, whoever we are."""
    root = fill(tmp_path / "scans", "box1/1.jpg", "box2/2.jpg", "box7/deep/7.jpg", "box7/8.jpg")
    real = os.scandir

    def scandir(path: Any) -> Any:
        if str(path).endswith("/box7"):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(local_module.os, "scandir", scandir)
    return root


def test_a_folder_that_cannot_be_listed_is_named_and_the_rest_goes_on(scans: Path) -> None:
    found = list_source(str(scans))
    assert names(found) == ["box1/1.jpg", "box2/2.jpg"]
    assert found.unlisted == (f"{scans}/box7: cannot list it: Permission denied",)


@pytest.mark.parametrize(
    "filters",
    [
        {"exclude": ["box7"]}, {"exclude": ["box7/*"]}, {"exclude": ["*7*"]},
        {"include": ["box1/*"]}, {"include": ["box1/*", "box2/2.jpg"]},
    ],
)  # fmt: skip
def test_it_is_left_out_in_silence_where_nothing_of_it_is_wanted(
    scans: Path, filters: dict[str, list[str]]
) -> None:
    assert list_source(str(scans), **filters).unlisted == ()


@pytest.mark.parametrize(
    "filters",
    [{"exclude": ["box7/*.tif"]}, {"include": ["*.jpg"]}, {"include": ["box*/2.jpg", "box1/*"]}],
)
def test_it_is_named_where_something_of_it_might_be_wanted(
    scans: Path, filters: dict[str, list[str]]
) -> None:
    assert len(list_source(str(scans), **filters).unlisted) == 1


def test_a_source_that_cannot_be_listed_is_refused(scans: Path) -> None:
    with pytest.raises(LocationError, match="box7: cannot list it: Permission denied"):
        list_source(str(scans / "box7"))


def test_where_only_unlisted_folders_are_left_one_is_named(scans: Path) -> None:
    shutil.rmtree(scans / "box1")
    shutil.rmtree(scans / "box2")
    with pytest.raises(LocationError, match=r"no pictures there.*box7: cannot list it"):
        list_source(str(scans))


def test_hidden_folders_and_by_products_that_cannot_be_listed_are_nothing(
    scans: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(scans, ".Trash/box7/1.jpg", "@eaDir/box7/1.jpg")
    assert len(list_source(str(scans)).unlisted) == 1


@pytest.mark.skipif(
    os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root may list everything"
)
def test_a_real_folder_without_permission(tmp_path: Path) -> None:
    """Root lists everything, unless it starts the program without that right."""
    root = fill(tmp_path / "in", "box1/1.jpg", "lost+found/2.jpg", "links/3.jpg")
    (root / "links" / "elsewhere").symlink_to(root / "lost+found" / "deeper")
    (root / "links" / "there.jpg").symlink_to(root / "lost+found" / "2.jpg")
    (root / "lost+found").chmod(0)
    less = "-dac_override,-dac_read_search"
    drop = ["setpriv", f"--bounding-set={less}", f"--inh-caps={less}"] if os.geteuid() == 0 else []
    code = (
        "import sys; from archive_colorizer.pipeline.inputs.listing import list_source;"
        "found = list_source(sys.argv[1]);"
        "print(found.unlisted, found.table['relative_raw'].to_pylist())"
    )
    try:
        done = subprocess.run(
            [*drop, sys.executable, "-c", code, str(root)], capture_output=True, text=True
        )
    finally:
        (root / "lost+found").chmod(0o755)
    assert done.returncode == 0, done.stderr
    lines = (
        f"{root}/links/elsewhere: cannot list it: Permission denied",
        f"{root}/lost+found: cannot list it: Permission denied",
    )
    assert done.stdout.strip() == f"{lines} {[b'box1/1.jpg', b'links/3.jpg', b'links/there.jpg']}"


def test_what_came_before_a_folder_broke_off_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path / "in", "a/1.jpg", "a/2.jpg", "b/3.jpg")
    real = os.scandir

    class Breaking:
        def __init__(self, path: Any) -> None:
            self._scan = real(path)

        def __enter__(self) -> Iterator[Any]:
            return self._break()

        def __exit__(self, *what: object) -> None:
            self._scan.close()

        def _break(self) -> Iterator[Any]:
            yield next(self._scan)
            raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(
        local_module.os, "scandir", lambda p: Breaking(p) if str(p).endswith("/a") else real(p)
    )
    found = list_source(str(root))
    assert len(names(found)) == 2
    assert found.unlisted == (f"{root}/a: cannot list it: Stale file handle",)


@pytest.mark.slow
def test_a_tree_deeper_than_functions_may_be_nested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    Path("x.jpg").write_bytes(b"1")
    os.chdir(tmp_path)
    try:
        assert list_source(str(tmp_path)).table.num_rows == 1
    finally:
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


@pytest.mark.parametrize("kind", ["is_dir", "stat"])
@pytest.mark.parametrize("number", [errno.ENOENT, errno.ESTALE, errno.EACCES, errno.ELOOP])
def test_a_file_that_cannot_be_looked_at_is_listed_as_empty(kind: str, number: int) -> None:
    class Odd:
        name, path = "odd.jpg", "/in/odd.jpg"

        def is_dir(self) -> bool:
            if kind == "is_dir":
                raise OSError(number, os.strerror(number))
            return False

        def is_file(self) -> bool:
            return True

        def stat(self) -> os.stat_result:
            raise OSError(number, os.strerror(number))

    found: Any = local_module._look_at(Odd(), "odd.jpg")  # type: ignore[arg-type]
    known = number in {errno.ENOENT, errno.ELOOP}
    problem = "" if known else os.strerror(number)
    assert found == Entry("odd.jpg", "file:///in/odd.jpg", 0, 0, problem=problem)


def test_a_date_far_away_is_no_date(tmp_path: Path) -> None:
    root = fill(tmp_path, "2446.jpg", "1902.jpg", "now.jpg")
    try:
        os.utime(root / "2446.jpg", (YEAR_2446_S, YEAR_2446_S))
        os.utime(root / "1902.jpg", (-2_000_000_000, -2_000_000_000))
    except OSError as error:
        pytest.skip(f"this file system holds no such date: {error}")
    found = list_source(str(root)).table.to_pydict()
    times = dict(zip(found["relative_raw"], found["mtime_ns"], strict=True))
    assert times[b"2446.jpg"] is None or (root / "2446.jpg").stat().st_mtime < YEAR_2446_S
    assert times[b"1902.jpg"] == -2_000_000_000 * 10**9
    assert times[b"now.jpg"]


def test_an_entry_that_raises_is_a_page_with_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path, "a.jpg", "b.jpg")
    real = walk_module.page_of_entry

    def fail(entry: Entry, relative: str) -> dict[str, Any]:
        if relative == "a.jpg":
            raise RuntimeError("what\nis that")
        return real(entry, relative)

    monkeypatch.setattr(walk_module, "page_of_entry", fail)
    rows = list_source(str(root)).table.to_pylist()
    assert [row["problem"] for row in rows] == ["RuntimeError: what is that", ""]
    assert rows[0]["source_uri"] == (root / "a.jpg").as_uri()


def test_a_row_that_no_table_can_hold_is_mended_or_has_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = fill(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    real = walk_module.page_of_entry
    odd = {"a.jpg": {"collection": "\udcff"}, "b.jpg": {"page": "first"}}
    monkeypatch.setattr(
        walk_module, "page_of_entry", lambda entry, name: real(entry, name) | odd.get(name, {})
    )
    rows = list_source(str(root)).table.to_pylist()
    assert [(row["collection"], row["page"]) for row in rows] == [("\ufffd", 0), ("", 0), ("", 0)]
    assert [bool(row["problem"]) for row in rows] == [False, True, False]


def test_by_products_are_passed_over_and_counted_by_name(tmp_path: Path) -> None:
    root = fill(
        tmp_path, "1.jpg", "@eaDir/1.jpg/THUMB_XL.jpg", "a/@eaDir/x.jpg", "#recycle/old.jpg",
        "$RECYCLE.BIN/$R1.jpg", "__MACOSX/._1.jpg", "__MACOSX/2.jpg", "lost+found/3.jpg", "._1.jpg",
    )  # fmt: skip
    found = list_source(str(root))
    assert names(found) == ["1.jpg", "lost+found/3.jpg"]
    assert found.ignored == 7
    assert found.passed_over == {
        "#recycle": 1, "$RECYCLE.BIN": 1, "@eaDir": 2, "__MACOSX": 1, "hidden": 2,
    }  # fmt: skip
    assert "2 files in @eaDir passed over (made by a NAS)" in found.notes


@pytest.mark.parametrize("glob", ["@eaDir/*", "*/@eaDir/*", "@EADIR/*.jpg", "@eaDir"])
def test_a_by_product_that_is_asked_for_is_listed(tmp_path: Path, glob: str) -> None:
    fill(tmp_path, "1.jpg", "@eaDir/2.jpg", "a/@eaDir/3.jpg", "#recycle/4.jpg")
    found = list_source(str(tmp_path), ["1.jpg", glob])
    assert "@eaDir" not in found.passed_over
    assert found.passed_over["#recycle"] == 1


def test_a_source_inside_a_by_product_is_asked_for(tmp_path: Path) -> None:
    fill(tmp_path, "#recycle/box/4.jpg")
    assert names(list_source(str(tmp_path / "#recycle"))) == ["box/4.jpg"]


def test_other_files_are_counted_by_their_ending(tmp_path: Path) -> None:
    root = fill(
        tmp_path, "1.jpg", "a.PSD", "b/b.psd", "c.nef", "OBJ", "d.tiff ", "e. a letter", ".f"
    )
    found = list_source(str(root))
    assert found.passed_over == {".psd": 2, ".nef": 1, "without ending": 3, "hidden": 1}
    assert found.notes == ("7 files passed over: 3 without ending, 2 .psd, 1 hidden, 1 .nef",)


def test_a_note_is_not_longer_than_people_read() -> None:
    counts = {f".e{number}": 1000 for number in range(20)}
    (note,) = passed_over_notes(counts)
    assert note.startswith("20,000 files passed over: 1,000 .e0, ")
    assert note.endswith("1,000 .e7, 12,000 of other kinds")
    assert passed_over_notes({}) == ()


def test_dots_are_names_in_a_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = ("x/../up.jpg", "./dot.jpg", "a//double.jpg", "..hid/x.jpg", ".hid/y.jpg", "a/.z.jpg")

    class Bucket:
        def list(self, prefix: str = "", unlisted: Any = None) -> Iterator[Entry]:
            yield from (Entry(key, f"s3://b/in/{key}", 1, None, "e") for key in keys)

    monkeypatch.setattr(walk_module, "open_store", lambda *_: Bucket())
    place = Location("s3://b/in/", "b", "in/")
    rows = list(Walk(place, DEFAULT_S3, Filter((), ())).rows())
    found = [row.kind if isinstance(row, PassedOver) else row["source_uri"] for row in rows]
    assert found == [
        "s3://b/in/x/../up.jpg", "s3://b/in/./dot.jpg", "s3://b/in/a//double.jpg",
        "hidden", "hidden", "hidden",
    ]  # fmt: skip
    assert rows[0]["relative_raw"] == b"x/../up.jpg"  # type: ignore[index]


def test_a_source_that_cannot_be_looked_at_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "is_dir", fail)
    with pytest.raises(LocationError, match="scans: cannot be read: Permission denied"):
        listing_module.list_source("scans")
