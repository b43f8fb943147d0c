"""The report: complete, readable offline, safe with any name, and bounded in size."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from html_pages import Page, target_of
from PIL import Image
from rowsets import failed, made_row, skipped, table_of, write_job

from archive_colorizer.errors import LocationError
from archive_colorizer.imaging.doubt_map import doubt_png
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.html_report import INDEX, write_report
from archive_colorizer.pipeline.html_report.write import PER_PAGE
from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.output.attention import write_passed_over
from archive_colorizer.pipeline.output.layout import is_own_file
from archive_colorizer.pipeline.output.relocate import relocate
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store
from archive_colorizer.storage.local import LocalStore

Job = Callable[..., JobConfig]
Rows = Callable[[str | Path], list[dict[str, Any]]]
ODD = ['<b>"bold"</b>.jpg', "a'b & c.jpg", "100% #1?.jpg", "부산/해운대.jpg", "$x{{1}}.jpg"]
MAX_PAGE_BYTES = 800_000
MAX_INDEX_BYTES = 600_000


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "out")


def pages(output: str | Path) -> dict[Path, Page]:
    files = sorted((Path(output) / "report").rglob("*.html"))
    return {path: Page(path.read_text(encoding="utf-8")) for path in files}


def page(store: LocalStore, name: str) -> Page:
    return Page(store.read(f"report/pages/{name}-000001.html").decode())


def test_a_run_ends_with_a_report_whose_links_all_lead_somewhere(job: Job, masters: Path) -> None:
    (masters / "cut.jpg").write_bytes((masters / "one.jpg").read_bytes()[:900])
    for name in ODD:
        (masters / name).parent.mkdir(exist_ok=True)
        shutil.copy(masters / "two.png", masters / name)
    (masters / "<notes>.txt").write_text("nothing to colour")
    config = job()
    report = colorize(config)
    assert report.page.endswith("out/report/index.html")
    assert f"report: {report.page}" in report.text()
    found = pages(config.output)
    assert {path.name for path in found} == {"index.html"} | {
        f"{name}-000001.html" for name in ("pictures", "review", "failed", "skipped", "passed-over")
    }
    for path, one in found.items():
        for link in one.links():
            if not link.startswith("data:image/png;base64,"):
                assert "//" not in link
                assert target_of(path, link).is_file(), link
    sheet = next(one for path, one in found.items() if path.name.startswith("pictures"))
    for name in ODD:
        assert name in sheet.text
    derivatives = [link for link in sheet.links() if link.endswith(".jpg")]
    assert len(set(derivatives)) > 10
    text = " ".join(one.text for one in found.values())
    assert "cut.jpg" in text
    assert "<notes>.txt" in text
    assert verify(open_store(config.output)).findings == ()


def test_a_page_is_accessible(job: Job) -> None:
    config = job()
    colorize(config)
    for one in pages(config.output).values():
        assert one.all("html") == [{"lang": "en", "class": "en"}]
        assert one.all("title")
        assert len(one.all("h1")) == 1
        assert all(image["alt"] for image in one.all("img"))
        assert all("scope" in cell for cell in one.all("th"))
        spans = [span["lang"] for span in one.all("span") if span.get("class") == "t"]
        assert spans.count("en") == spans.count("ko") > 0
        assert {button["data-lang"] for button in one.all("button")} == {"en", "ko"}
        assert not [script for script in one.all("script") if "src" in script]


def test_before_and_after_of_each_picture_are_on_the_sheet(job: Job, rows: Rows) -> None:
    config = job(color={"proxy_px": 160})
    colorize(config)
    found = rows(config.output)
    sheets = {row["thumbnail_key"] for row in found}
    assert sorted(row["thumbnail_index"] for row in found) == list(range(5))
    (sheet,) = sheets
    with Image.open(Path(config.output) / sheet) as image:
        assert image.size == (320, 800)
        pixels = np.asarray(image.convert("RGB")).astype(int)
    for row in found:
        top = 160 * row["thumbnail_index"]
        before, after = np.split(pixels[top + 20 : top + 140], 2, axis=1)
        colour = [np.abs(half[..., 0] - half[..., 2]).mean() for half in (before, after)]
        assert colour[0] < 2
        assert np.abs(before.mean(2) - after.mean(2)).mean() < 30  # the same picture
    listed = page(LocalStore(Path(config.output)), "pictures").all("img")
    places = {image["alt"].partition(":")[0]: image["style"] for image in listed}
    assert places == {
        row["source_path"]: f"object-position:0 -{160 * row['thumbnail_index']}px" for row in found
    }
    assert all(image["loading"] == "lazy" for image in listed)


def test_a_picture_that_is_done_again_leaves_no_old_sheet(job: Job, rows: Rows) -> None:
    config = job()
    colorize(config)
    (first,) = {row["thumbnail_key"] for row in rows(config.output)}
    colorize(job(select={"redo": True}))
    (second,) = {row["thumbnail_key"] for row in rows(config.output)}
    assert first != second
    folder = Path(config.output) / "report" / "thumbnails"
    assert [f"report/thumbnails/{path.name}" for path in folder.iterdir()] == [second]


def test_doubt_maps_go_where_their_rows_go(job: Job, masters: Path, rows: Rows) -> None:
    config = job()
    colorize(config)
    before = {row["source_path"]: row["doubt_map"] for row in rows(config.output)}
    assert len(before) == 5
    assert all(data.startswith(b"\x89PNG") for data in before.values())
    masters.rename(masters.with_name("elsewhere"))
    relocate(open_store(config.output), str(masters), str(masters.with_name("elsewhere")))
    after = {row["source_path"]: row["doubt_map"] for row in rows(config.output)}
    assert after == before
    masters.with_name("elsewhere").rename(masters)
    relocate(open_store(config.output), str(masters.with_name("elsewhere")), str(masters))
    colorize(job(select={"redo": True}))
    history = manifest.read(open_store(config.output), ["doubt_map"], manifest.HISTORY)
    assert set(history["doubt_map"].to_pylist()) == set(before.values())
    assert verify(open_store(config.output)).findings == ()


def test_a_skipped_picture_shows_what_was_left_out(job: Job, masters: Path) -> None:
    rng = np.random.default_rng(1)
    colours = rng.integers(0, 255, (6, 8, 3)).astype(np.uint8)
    Image.fromarray(colours).resize((320, 240)).save(masters / "colour.png")
    config = job()
    colorize(config)
    found = page(LocalStore(Path(config.output)), "skipped")
    assert "colour.png" in found.text
    assert len(found.all("img")) == 1


def test_without_a_report_nothing_of_it_is_there(job: Job, rows: Rows) -> None:
    config = job(run={"report": "off"})
    report = colorize(config)
    assert report.page == ""
    assert "report:" not in report.text()
    assert not (Path(config.output) / "report").exists()
    assert {row["thumbnail_key"] for row in rows(config.output)} == {None}
    assert all(row["doubt_map"] for row in rows(config.output))
    write_report(open_store(config.output))
    assert "no thumbnail was kept" in page(LocalStore(Path(config.output)), "pictures").text


def test_a_report_opens_no_picture(job: Job, masters: Path) -> None:
    config = job()
    colorize(config)
    before = page(LocalStore(Path(config.output)), "pictures").text
    shutil.rmtree(masters)
    for path in Path(config.output).rglob("*.colorized.*"):
        path.unlink()
    write_report(open_store(config.output))
    assert page(LocalStore(Path(config.output)), "pictures").text == before


def test_a_report_is_not_written_again_where_nothing_was_done(job: Job) -> None:
    config = job()
    colorize(config)
    index = Path(config.output) / INDEX
    stamp = index.stat().st_mtime_ns
    assert colorize(config).page
    assert index.stat().st_mtime_ns == stamp
    index.unlink()
    colorize(config)
    assert index.exists()


def test_a_report_that_cannot_be_written_fails_no_run(job: Job) -> None:
    config = job()
    folder = Path(config.output)
    folder.mkdir()
    (folder / "report").write_text("a file is in the way")
    report = colorize(config)
    assert (report.ok, report.failed, report.page) == (5, 0, "")
    assert "the report was not written" in report.text()
    assert (folder / "report").read_text() == "a file is in the way"


def test_the_first_page_has_numbers_model_rights_and_settings(job: Job) -> None:
    config = job()
    colorize(config)
    text = Page((Path(config.output) / INDEX).read_text()).text
    for words in ("tiny", "cleared", "color.proxy_px", "Bytes of the masters", "Hours of work"):
        assert words in text


def test_review_has_reasons_and_doubt_maps(store: LocalStore) -> None:
    doubt = doubt_png(np.full((32, 48), 0.5, np.float32))
    write_job(
        store,
        made_row("unsure.jpg", review_needed=True, doubt_mean=0.7, doubt_map=doubt),
        made_row("of before.jpg", review_needed=True, flags=["damaged"]),
        made_row("fine.jpg", doubt_map=doubt),
    )
    write_report(store)
    found = page(store, "review")
    assert [image["alt"].partition(":")[0] for image in found.all("img")] == ["unsure.jpg"]
    assert "unsure of its colours" in found.text
    assert "missing or changed pixels" in found.text
    assert "fine.jpg" not in found.text


def test_lists_are_paged_and_pages_of_before_go(store: LocalStore) -> None:
    write_job(store, *(made_row(f"{n:04d}.jpg") for n in range(450)), failed("x.jpg"))
    write_report(store)
    assert "Page쪽 2/3" in Page(store.read("report/pages/pictures-000002.html").decode()).text
    assert "0399.jpg" in Page(store.read("report/pages/pictures-000002.html").decode()).text
    store.delete_tree("manifest")
    write_job(store, made_row("only.jpg"))
    write_report(store)
    assert not store.exists("report/pages/pictures-000002.html")
    assert "only.jpg" in page(store, "pictures").text


def test_collections_are_counted_and_lead_to_their_first_page(store: LocalStore) -> None:
    rows = [made_row(f"{n:04d}.jpg", collection="A", doubt_mean=0.25) for n in range(250)]
    rows += [made_row("z/b.jpg"), failed("z/c.jpg"), skipped("d.jpg", "tinted")]
    write_job(store, *rows)
    write_report(store)
    found = Page(store.read(INDEX).decode())
    targets = [link for link in found.links() if "pictures-" in link]
    assert "../report/pages/pictures-000002.html" in targets  # z, the folder of what has none
    assert "0.25" in found.text
    assert "by hand" in found.text


def test_links_of_rows_without_a_key_are_found_below_output(store: LocalStore) -> None:
    old = {"derivative_key": None, "source_path": None}
    write_job(
        store,
        made_row("a.jpg", derivative_uri=f"{store.uri}x%20y/a.jpg", **old),
        made_row("b.jpg", derivative_uri="file:///elsewhere/b.jpg", **old),
        made_row("café", derivative_key="caf%E9/#é?.jpg"),
    )
    write_report(store)
    links = [link for link in page(store, "pictures").links() if link.endswith(".jpg")]
    assert sorted(links) == ["../../caf%25E9/%23%C3%A9%3F.jpg", "../../x%20y/a.jpg"]


def test_passed_over_files_are_listed(store: LocalStore) -> None:
    write_job(store, made_row("a.jpg"), passed_over={".txt": 3})
    write_passed_over(store, [("<i>.txt", ".txt")])
    write_report(store)
    assert "<i>.txt" in page(store, "passed-over").text


def test_a_place_without_a_job_has_no_report(store: LocalStore) -> None:
    with pytest.raises(LocationError, match="no job there"):
        write_report(store)


def test_only_files_of_the_report_are_its_own(store: LocalStore) -> None:
    write_job(store, made_row("a.jpg"))
    write_report(store)
    assert all(is_own_file(entry.key) for entry in store.list("report"))
    for key in ("report/a.colorized.jpg", "report/pages/a.jpg", "report/thumbnails/a.jpg"):
        assert not is_own_file(key)


def test_a_source_folder_of_that_name_gets_another(job: Job, masters: Path, rows: Rows) -> None:
    (masters / "report").mkdir()
    shutil.copy(masters / "one.jpg", masters / "report" / "index.jpg")
    config = job()
    colorize(config)
    assert "report_/index.colorized.jpg" in {row["derivative_key"] for row in rows(config.output)}


@pytest.mark.slow
def test_two_hundred_thousand_rows_stay_on_pages_that_open(store: LocalStore) -> None:
    doubt = doubt_png(np.random.default_rng(1).random((96, 128)).astype(np.float32))
    count = 200_000
    numbers = range(count)
    review = [n % 9 == 0 for n in numbers]
    status = ["failed" if n % 70 == 1 else "ok" for n in numbers]
    names = [f"상자 {n // 500:03d}/봉투 {n % 500 // 50}/사진 {n:07d}.tif" for n in numbers]
    write_job(store, listed=count)
    manifest.write_part(
        store,
        table_of(
            count, row_id=[f"{n:064x}" for n in numbers], job_id=["j"] * count,
            source_uri=[f"file:///in/{n}" for n in numbers], page=[0] * count, source_path=names,
            object_id=[f"OBJ-{n:07d}" for n in numbers], status=status,
            collection=[f"컬렉션 {n // 100}" for n in numbers], recipe_sha256=["r"] * count,
            error_class=["truncated" if one == "failed" else "" for one in status],
            error_message=["the pixels end"] * count, started_at=[1_000_000] * count,
            flags=[["damaged"] if one else [] for one in review], review_needed=review,
            doubt_mean=[0.5] * count, doubt_map=[doubt if one else None for one in review],
            thumbnail_key=[f"report/thumbnails/{n // 16:032x}.jpg" for n in numbers],
            thumbnail_index=[n % 16 for n in numbers],
            derivative_key=[f"{name}.colorized.jpg" for name in names],
        ),
    )  # fmt: skip
    write_report(store)
    sizes = {entry.key: entry.size_bytes for entry in store.list("report")}
    assert sizes[INDEX] < MAX_INDEX_BYTES
    assert max(sizes.values()) < MAX_PAGE_BYTES
    pictures = sum(one == "ok" for one in status)
    assert sum("/pictures-" in key for key in sizes) == -(-pictures // PER_PAGE)
    index = Page(store.read(INDEX).decode())
    assert "+ 1000 further collections" in index.text
    assert len(index.all("tr")) > 1000
