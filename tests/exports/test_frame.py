"""What all forms have in common: resumed, others' files left, taken back, narrowed."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import bagit
import pytest
from exported import Archive, Export, files_in
from rowsets import table_of

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.exports import pictures
from archive_colorizer.exports.ledger import FOLDER
from archive_colorizer.exports.options import ExportOptions
from archive_colorizer.exports.pictures import read_pictures
from archive_colorizer.exports.shelf import Shelf
from archive_colorizer.exports.table import FORMS
from archive_colorizer.pipeline.output import layout, manifest, reviews
from archive_colorizer.pipeline.output.reviews import Decision
from archive_colorizer.storage import open_store

STEADY = sorted(set(FORMS) - {"xlsx"})
"""Forms whose files are the same when they are made again."""


@pytest.mark.parametrize("form", FORMS)
def test_what_is_there_whole_is_not_written_again(give: Export, form: str, tmp_path: Path) -> None:
    first = give(form)
    assert first.written
    assert len(first.problems) == (form == "master")  # some masters are no JPEG
    files = files_in(tmp_path / "dest")
    assert len(files) == first.written
    again = give(form)
    if form in STEADY:
        assert (again.written, again.unchanged) == (0, first.written)
        assert files_in(tmp_path / "dest") == files
    assert not (tmp_path / "dest" / ".tmp").exists()


@pytest.mark.parametrize("form", STEADY)
def test_an_interrupted_export_goes_on(
    give: Export, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(form, str(tmp_path / "whole"))
    put, count = Shelf.put, 0

    def stop_at_third(self: Shelf, *args: object, **more: object) -> object:
        nonlocal count
        count += 1
        if count == 3:
            raise KeyboardInterrupt
        return put(self, *args, **more)

    with monkeypatch.context() as patch:
        patch.setattr(Shelf, "put", stop_at_third)
        if form not in {"csv", "sums"}:
            with pytest.raises(KeyboardInterrupt):
                give(form)
    give(form)
    whole = files_in(tmp_path / "whole")
    assert files_in(tmp_path / "dest") == whole


def test_an_export_that_was_killed_knows_its_files_by_their_bytes(
    give: Export, tmp_path: Path
) -> None:
    first = give("premis")
    for part in (tmp_path / "dest" / FOLDER).glob("files-*"):
        part.unlink()  # as if it had been killed before it noted them
    again = give("premis")
    assert (again.written, again.unchanged, again.problems) == (0, first.written, [])


@pytest.mark.slow
@pytest.mark.parametrize(("form", "first"), [("iiif", "images/*/*/*/*/0/*"), ("bagit", "data/*/*")])
def test_a_killed_process_leaves_no_half_file_and_the_next_one_completes_it(
    archive: Archive, tmp_path: Path, form: str, first: str
) -> None:
    more = ["--tiles"] if form == "iiif" else ["--with-masters"]
    words = ["export", str(archive.out), "--as", form, *more]
    dest, whole = tmp_path / "dest", tmp_path / "whole"
    assert main([*words, str(whole)]) == 0
    process = subprocess.Popen([sys.executable, "-m", "archive_colorizer", *words, str(dest)])
    while process.poll() is None and not list(dest.glob(first)):
        time.sleep(0.01)
    process.kill()
    process.wait()
    wanted = files_in(whole)
    left = {name: data for name, data in files_in(dest).items() if not name.startswith(".tmp/")}
    assert left
    assert {name: wanted[name] for name in left} == left
    assert main([*words, str(dest)]) == 0
    assert files_in(dest) == wanted


def test_files_of_others_are_left_and_told_in_one_line(
    archive: Archive, give: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = tmp_path / "dest" / f"{archive.ok()[0]['derivative_key']}.premis.xml"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"somebody's")
    assert main(["export", str(archive.out), str(tmp_path / "dest"), "--as", "premis"]) == 3
    said = capsys.readouterr().out
    assert said.count("is there already; it is left") == 1
    assert theirs.read_bytes() == b"somebody's"
    (tmp_path / "dest" / "pictures.csv").write_bytes(b"somebody's list")
    mine = next(path for path in (tmp_path / "dest").rglob("*.premis.xml") if path != theirs)
    mine.write_bytes(b"changed since")
    again = give("premis")
    assert [line.partition(":")[0] for line in again.problems] == ["file", "file"]
    assert mine.read_bytes() == b"changed since"


def test_another_export_may_not_be_in_the_same_place(give: Export) -> None:
    give("csv")
    with pytest.raises(LocationError, match=r'DEST has another export \(form: "csv", not "sums"\)'):
        give("sums")
    with pytest.raises(LocationError, match=r'\(language: null, not "ko"\)'):
        give("csv", language="ko")


def test_what_is_not_chosen_any_more_is_taken_back(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(archive.out, out)
    store, dest = open_store(str(out)), tmp_path / "dest"
    words = ["export", str(out), str(dest), "--as", "iiif", "--tiles", "--only", "approved"]
    assert main(words) == 0
    before = files_in(dest)
    assert sum("info.json" in name for name in before) == 4
    row = next(row for row in archive.ok() if row["source_path"] == "large.jpg")
    reviews.append(
        store, [Decision("new", row["row_id"], row["derivative_sha256"], "cy", "rejected")]
    )
    assert main(words) == 0
    after = files_in(dest)
    assert not [name for name in after if "large" in name]
    assert {
        name: data for name, data in before.items() if "large" not in name
    }.keys() == after.keys()


def test_a_withdrawn_picture_is_found_in_no_export(archive: Archive, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(archive.out, out)
    rows = {row["source_path"]: row for row in archive.ok()}
    gone, page = rows["large.jpg"], next(row for row in archive.ok() if row["page"] == 1)
    shown = [(out / row["derivative_key"]).read_bytes() for row in (gone, page)]
    forms = {"iiif": ["--tiles"], "bagit": ["--with-masters"]}
    for form in FORMS:
        words = ["export", str(out), str(tmp_path / form), "--as", form, *forms.get(form, [])]
        assert main(words) == (3 if form == "master" else 0)
    (tmp_path / "ids.txt").write_text(f"{gone['row_id']}\n{page['row_id']}\n")
    words = ["withdraw", str(out), "--ids", str(tmp_path / "ids.txt"), "--reason", "asked for"]
    assert main([*words, "--by", "A. Curator"]) == 0
    for form in FORMS:
        words = ["export", str(out), str(tmp_path / form), "--as", form, *forms.get(form, [])]
        assert main(words) == (3 if form == "master" else 0)
        files = files_in(tmp_path / form)
        assert not set(shown) & set(files.values()), form
        names = [name for name in files if "large" in name and "masters" not in name]
        assert not [name for name in names if "withdrawn/" not in name], form
        sums = {gone["derivative_sha256"].encode(), page["derivative_sha256"].encode()}
        assert not [one for one in sums for data in files.values() if one in data], form
    bagit.Bag(str(tmp_path / "bagit")).validate()
    records = {**files_in(tmp_path / "premis"), **files_in(tmp_path / "bagit")}
    told = [data for name, data in records.items() if "withdrawn/" in name]
    assert len(told) == 4
    assert all(b"asked for" in data and b"A. Curator" in data for data in told)
    album = next((tmp_path / "iiif" / "manifest").glob("album*")).read_text("utf-8")
    assert "album.tif (page 3)" in album
    assert "album.tif (page 2)" not in album


def test_a_changed_derivative_is_told_and_not_exported(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    shutil.copytree(archive.out, out)
    row = archive.ok()[0]
    with (out / row["derivative_key"]).open("ab") as file:
        file.write(b"more")
    for form in ("bagit", "sums"):
        assert main(["export", str(out), str(tmp_path / form), "--as", form]) == 3
        assert "other bytes than its row says" in capsys.readouterr().out
        text = b"".join(files_in(tmp_path / form).values())
        assert f"derivatives/{row['derivative_key']}".encode() not in text


def test_only_the_approved_those_of_a_collection_and_those_of_a_list(
    archive: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def keys(*words: str) -> list[str]:
        dest = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        assert main(["export", str(archive.out), str(dest), "--as", "premis", *words]) == 0
        return [name.removesuffix(".colorized.jpg.premis.xml") for name in files_in(dest)]

    assert keys("--only", "approved") == ["a photo", "large"]
    assert keys("--collection", "Glass plates") == ["glass/recto", "glass/verso"]
    ids = tmp_path / "ids.txt"
    row = next(row for row in archive.ok() if row["source_path"] == "100%.jpg")
    ids.write_text(f"G-2\n\nalbum.tif\n{row['row_id']}\n", encoding="utf-8-sig")
    assert keys("--ids", str(ids)) == ["100%", "album", "album.p2", "album.p3", "glass/other"]
    ids.write_text("nobody\n")
    for form in ("premis", "csv"):
        words = ["export", str(archive.out), str(tmp_path / "no"), "--as", form, "--ids"]
        assert main([*words, str(ids)]) == 2
        assert not [path for path in (tmp_path / "no").rglob("*") if path.is_file()]
    assert "--ids: 'nobody' names no chosen picture" in capsys.readouterr().err
    assert main([*words, str(tmp_path / "missing.txt")]) == 2


@pytest.mark.parametrize(
    ("form", "given", "why"),
    [
        ("csv", {"tiles": True}, "--tiles: --as csv takes no such option"),
        ("iiif", {"base_url": "archive.example"}, "must begin with http"),
        ("iiif", {"rights": "all reserved"}, "must be a URI of one of creativecommons.org"),
    ],
)
def test_what_a_form_does_not_take_is_one_line(
    give: Export, form: str, given: dict[str, object], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        give(form, **given)


def test_places_that_may_not_be(archive: Archive, give: Export, tmp_path: Path) -> None:
    for place in (archive.out / "here", archive.masters / "here"):
        with pytest.raises(LocationError, match="DEST may not be in"):
            give("csv", str(place))
    (tmp_path / "dest").mkdir()
    (tmp_path / "dest" / "theirs.txt").touch()
    with pytest.raises(LocationError, match="DEST must be empty"):
        give("bagit")
    (tmp_path / "file").touch()
    with pytest.raises(LocationError, match="file"):
        give("csv", str(tmp_path / "file"))


@pytest.mark.s3
@pytest.mark.parametrize("form", FORMS)
def test_an_object_store_gets_the_same_files(
    give: Export, form: str, tmp_path: Path, moto: str
) -> None:
    options = {"tiles": True} if form == "iiif" else {}
    first = give(form, f"s3://{moto}/{form}/", **options)
    again = give(form, f"s3://{moto}/{form}/", **options)
    assert again.written + again.unchanged == first.written
    assert again.written == 0 or form == "xlsx"
    give(form, **options)
    local, store = files_in(tmp_path / "dest"), open_store(f"s3://{moto}/{form}/")
    keys = {entry.key for entry in store.list() if not entry.key.startswith(FOLDER)}
    assert keys == {key for key in local if "\n" not in key}  # moto loses keys with line ends
    if form != "xlsx":
        assert all(store.read(key) == local[key] for key in keys)


@pytest.mark.s3
def test_output_may_be_in_an_object_store(archive: Archive, tmp_path: Path, moto: str) -> None:
    store = open_store(f"s3://{moto}/out/")
    for path in archive.out.rglob("*"):
        key = path.relative_to(archive.out).as_posix()
        if path.is_file() and "\n" not in key:
            store.write_atomic(key, path.read_bytes())
    words = ["export", f"s3://{moto}/out/", str(tmp_path / "bag"), "--as", "bagit"]
    assert main([*words, "--with-masters", "--collection", "Glass plates"]) == 0
    bagit.Bag(str(tmp_path / "bag")).validate()
    payload = [name for name in files_in(tmp_path / "bag") if name.startswith("data/")]
    assert len(payload) == 6


def test_rows_come_in_order_however_many_parts_and_runs_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "RUN_ROWS", 40)
    monkeypatch.setattr(manifest, "BATCH_ROWS", 7)
    store = open_store(str(tmp_path / "out"))
    names = [f"{number * 7919 % 1000:04d}.tif" for number in range(300)]
    for start in range(0, 300, 50):
        some = names[start : start + 50]
        manifest.write_part(store, _rows(some, "20260101T000000Z-a"))
    manifest.write_part(store, _rows(names[:5], "20260102T000000Z-b"))  # done again, not settled
    layout.write_job(store, {"job_id": "j", "config": {"source": "/in"}})
    found = list(read_pictures(store, ExportOptions(), ["job_id"]))
    assert [one.row["source_path"] for one in found] == sorted(names)
    again = {one.row["source_path"] for one in found if one.row["job_id"].endswith("b")}
    assert again == set(names[:5])


def _rows(names: list[str], job_id: str) -> object:
    return table_of(
        len(names), source_path=names, source_uri=[f"file:///in/{name}" for name in names],
        page=[0] * len(names), job_id=[job_id] * len(names), status=["ok"] * len(names),
        row_id=[f"{job_id} {name}" for name in names], started_at=[1] * len(names),
        derivative_key=[f"{name}.jpg" for name in names],
    )  # fmt: skip
