"""Files of several scans: the first page, all pages, or none."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest
import tifffile
from again import Job, Rows, differences, files, work
from PIL import Image

from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs import several_pages
from archive_colorizer.pipeline.inputs.several_pages import name_of_page
from archive_colorizer.pipeline.run import colorize, preview
from archive_colorizer.storage import S3Settings


def page(value: int, size: tuple[int, int] = (60, 80)) -> np.ndarray:
    return np.linspace(value, value + 60, size[1])[None].repeat(size[0], 0).astype(np.uint8)


@pytest.fixture
def album(job: Job, tmp_path: Path) -> Callable[..., JobConfig]:
    """A TIFF of three scans (one of them with a preview), one of one, and a broken one."""
    folder = tmp_path / "in"
    (folder / "box").mkdir(parents=True)
    with tifffile.TiffWriter(folder / "box" / "album.tif") as tiff:
        tiff.write(page(20))
        tiff.write(page(20)[::4, ::4], subfiletype=1)
        tiff.write(page(80))
        tiff.write(page(150, (90, 50)))
    tifffile.imwrite(folder / "single.tif", page(40))
    (folder / "broken.tif").write_bytes(b"II*\0")

    def make(**select: object) -> JobConfig:
        return replace(job(select=select), source=str(folder))

    return make


def test_the_first_page_is_done_and_the_others_are_counted(
    album: Callable[..., JobConfig], rows: Rows
) -> None:
    report = colorize(album())
    assert work(report) == (2, 0, 1)
    assert "2 further pages of 1 files were left (--pages all does them)" in report.text()
    flags = {row["source_uri"].rpartition("/")[2]: row["flags"] for row in rows(album().output)}
    assert flags["album.tif"] == ["multipage", *[f for f in flags["album.tif"] if f != "multipage"]]
    assert "multipage" not in flags["single.tif"]


def test_every_page_is_a_picture_of_its_own(album: Callable[..., JobConfig], rows: Rows) -> None:
    config = album(pages="all")
    assert preview(config).listed == 5
    report = colorize(config)
    assert work(report) == (4, 0, 1)
    assert "further pages" not in report.text()
    assert set(files(config.output)) == {
        "box/album.colorized.jpg", "box/album.p2.colorized.jpg", "box/album.p3.colorized.jpg",
        "single.colorized.jpg",
    }  # fmt: skip
    found = {(row["page"], row["derivative_height"]) for row in rows(config.output)
             if "album" in row["source_uri"]}  # fmt: skip
    assert found == {(0, 60), (1, 60), (2, 90)}
    assert len({row["row_id"] for row in rows(config.output)}) == 5
    assert not differences(config.output)
    assert work(colorize(config)) == (0, 0, 0)
    assert work(colorize(album())) == (0, 0, 0)
    assert len(rows(config.output)) == 5


def test_each_page_carries_its_own_description(
    album: Callable[..., JobConfig], rows: Rows, tmp_path: Path
) -> None:
    with tifffile.TiffWriter(tmp_path / "in" / "box" / "album.tif") as tiff:
        tiff.write(page(20), description="the first", metadata=None)
        tiff.write(page(80), description="the second", metadata=None)
    config = album(pages="all", include=["box/*"])
    assert work(colorize(config)) == (2, 0, 0)
    for name, said in (("album", "the first"), ("album.p2", "the second")):
        with Image.open(Path(config.output) / "box" / f"{name}.colorized.jpg") as image:
            assert image.getexif()[270] == said


def test_pages_that_were_left_come_later(album: Callable[..., JobConfig], rows: Rows) -> None:
    colorize(album())
    first = files(album().output)
    assert work(colorize(album(pages="all"))) == (2, 0, 0)
    assert files(album().output).items() > first.items()


def test_files_of_several_pages_may_be_refused(album: Callable[..., JobConfig], rows: Rows) -> None:
    assert work(colorize(album(pages="reject"))) == (1, 0, 2)
    messages = [row["error_message"] for row in rows(album().output)]
    assert any("album.tif: it has 3 pages (--pages reject)" in text for text in messages)


def test_names_of_pages() -> None:
    assert name_of_page(b"box/a.tif", 0) == b"box/a.tif"
    assert name_of_page(b"box/a.tif", 2) == b"box/a.p3.tif"
    assert name_of_page(b"caf\xe9.tif", 1) == b"caf\xe9.p2.tif"


def test_the_pages_of_a_pdf_are_pictures(job: Job, tmp_path: Path, rows: Rows) -> None:
    pytest.importorskip("pypdfium2")
    (tmp_path / "in").mkdir()
    first, second = (Image.fromarray(page(value)) for value in (20, 90))
    first.save(tmp_path / "in" / "scans.pdf", save_all=True, append_images=[second])
    config = replace(job(select={"pages": "all"}), source=str(tmp_path / "in"))
    assert work(colorize(config)) == (2, 0, 0)
    assert set(files(config.output)) == {"scans.colorized.jpg", "scans.p2.colorized.jpg"}
    assert {row["mime"] for row in rows(config.output)} == {"application/pdf"}


def test_an_excluded_file_is_not_opened_to_count_its_pages(
    album: Callable[..., JobConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list.txt").write_text("box/album.tif\n")
    opened: list[str] = []
    real = several_pages.open_uri

    def watched(uri: str, s3: S3Settings) -> BinaryIO:
        opened.append(uri.rpartition("/")[2])
        return real(uri, s3)

    monkeypatch.setattr(several_pages, "open_uri", watched)
    off = {"exclude_list": str(tmp_path / "list.txt")}
    assert work(colorize(album(pages="all", **off))) == (1, 1, 1)
    assert work(colorize(album(pages="all"))) == (0, 0, 0)  # it stays excluded
    assert work(colorize(album(pages="all", exclude=["box/*"]))) == (0, 0, 0)
    assert set(opened) == {"single.tif", "broken.tif"}
    assert work(colorize(album(pages="all", include_again=True))) == (3, 0, 0)


@pytest.mark.parametrize("pages", ["first", "all"])
def test_a_file_that_is_excluded_later_loses_all_its_pages(
    album: Callable[..., JobConfig], tmp_path: Path, rows: Rows, pages: str
) -> None:
    colorize(album(pages="all"))
    (tmp_path / "list.txt").write_text("box/album.tif\n")
    config = album(pages=pages, exclude_list=str(tmp_path / "list.txt"))
    assert work(colorize(config)) == (0, 3, 0)
    assert set(files(config.output)) == {"single.colorized.jpg"}
    excluded = [row for row in rows(config.output) if row["error_class"] == "excluded"]
    assert sorted(row["page"] for row in excluded) == [0, 1, 2]
    assert not differences(config.output)
