"""The curator's hour: what to look at, why, what made each picture, and who can see that."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from again import grey, history
from html_pages import Page
from PIL import Image
from typed import Said, typed

from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.pipeline.output import lease

pytestmark = pytest.mark.slow  # together they take a quarter of a minute

INVENTORY = """uri,object_id,collection,sensitivity
plates/a.png,P 1,Plates,
plates/a again.png,P 1b,Plates,
album.tif,A 7,Albums,
closed.png,C 3,Albums,restricted
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An inventory of two scans of one plate, an album of two pages, and what nobody may open."""
    folder = tmp_path_factory.mktemp("house")
    scans = folder / "scans"
    y, x = np.mgrid[:120, :160]
    plate = (110 + 60 * np.sin(x / 13) + 40 * np.cos(y / 9)).astype(np.uint8)
    (scans / "plates").mkdir(parents=True)
    Image.fromarray(plate).save(scans / "plates" / "a.png")
    Image.fromarray(plate + np.uint8(9)).save(scans / "plates" / "a again.png")
    grey(scans / "closed.png", 70)
    pages = [Image.fromarray(np.roll(plate, one, axis=1)) for one in (30, 60)]
    pages[0].save(scans / "album.tif", save_all=True, append_images=pages[1:])
    (scans / "inventory.csv").write_text(INVENTORY)
    return folder


@pytest.fixture(scope="module")
def masters(house: Path) -> dict[str, bytes]:
    return {str(one): one.read_bytes() for one in (house / "scans").rglob("*.*")}


@pytest.fixture(scope="module")
def run(house: Path, tiny_model: str, masters: dict[str, bytes]) -> Iterator[Said]:
    """The job of the house, with a mark in Korean."""
    assert masters
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "SETTLE_S", 0.0)
        yield typed(
            "colorize", house / "scans" / "inventory.csv", house / "colour", "--model", tiny_model,
            "--proxy-px", "64", "--mark", "strip", "--mark-text", "ko",
        )  # fmt: skip


@pytest.fixture(scope="module")
def colour(house: Path, run: Said) -> Path:
    assert run.code == 0, run.out + run.err
    return house / "colour"


@pytest.fixture
def rows(colour: Path) -> dict[str, dict]:
    found = ds.dataset(colour / "manifest").to_table().to_pylist()
    return {row["object_id"]: row for row in found}


def test_the_summary_says_what_wants_a_look_and_what_was_left_closed(run: Said) -> None:
    assert "3 coloured, 1 skipped, 0 failed" in run.out
    assert "to review: archive-colorizer status" in run.out
    assert "note: 1 pictures are not opened for their sensitivity" in run.out


def test_what_is_restricted_was_never_opened(rows: dict[str, dict]) -> None:
    closed = rows["C 3"]
    assert (closed["status"], closed["error_class"]) == ("skipped", "excluded")
    assert closed["source_sha256"] is None
    assert "its sensitivity is restricted" in closed["error_message"]


def test_masters_are_as_they_were(colour: Path, masters: dict[str, bytes]) -> None:
    assert {name: Path(name).read_bytes() for name in masters} == masters
    said = typed("verify", colour)
    assert (said.code, "all as recorded" in said.out) == (0, True)


def test_the_list_for_review_has_reasons(colour: Path) -> None:
    entries = json.loads(typed("status", colour, "--review", "--json").out)["review"]
    album = next(one for one in entries if one["object_id"] == "A 7")
    assert "multipage" in album["class"]
    assert "further pages" in album["reason"]
    assert album["what_to_do"]


def test_the_report_is_korean_too_and_shows_where_the_model_doubts(colour: Path) -> None:
    first = Page((colour / "report/index.html").read_text(encoding="utf-8"))
    for words in ("보고서", "검토 대상", "모델과 권리", "학습 사진의 권리", "설정", "컬렉션별",
                  "Plates", "Albums", "cleared"):  # fmt: skip
        assert words in first.text
    assert {one["data-lang"] for one in first.all("button") if "data-lang" in one} == {"en", "ko"}
    review = Page((colour / "report/pages/review-000001.html").read_text(encoding="utf-8"))
    assert "불확실도 지도" in review.text
    assert any(one.get("class") == "doubt" for one in review.all("img"))
    assert "A 7" in review.text


def test_whoever_sees_a_marked_picture_reads_what_it_is(
    colour: Path, rows: dict[str, dict]
) -> None:
    for row in rows.values():
        if row["status"] != "ok":
            continue
        derivative, marked = (
            np.asarray(Image.open(colour / row[key])) for key in ("derivative_key", "marked_key")
        )
        strip = marked[len(derivative) :]
        assert strip.shape[0] >= 12
        assert (strip > 200).any()
        assert marked.shape[1:] == derivative.shape[1:]


def test_a_picture_says_what_made_it_and_the_record_says_the_same(
    colour: Path, rows: dict[str, dict]
) -> None:
    row = rows["P 1"]
    with (colour / row["derivative_key"]).open("rb") as file:
        labels = find_labels(file)
    (step,) = row["steps"]
    assert labels["weightsSha256"] == step["weights_sha256"]
    assert (labels["model"], labels["modelVersion"]) == ("tiny", "1")
    assert labels["sourceSha256"] == row["source_sha256"]
    assert labels["objectId"] == "P 1"
    assert "estimate" in labels["statement"]
    assert (step["weights_rights"], row["digital_source_type"][-5:]) == ("cleared", "Media")
    assert json.loads(row["recipe_json"])["color"]["proxy_px"] == 64


def test_two_scans_of_one_print_are_told(colour: Path) -> None:
    said = typed("status", colour, "--duplicates").out
    assert "a.png" in said
    assert "a%20again.png" in said
    assert "album.tif" not in said


def test_only_what_was_rejected_is_done_again_and_the_old_row_is_kept(
    house: Path, colour: Path, rows: dict[str, dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SETTLE_S", 0.0)
    entries = json.loads(typed("status", colour, "--review", "--json").out)["review"]
    rejected = next(one["row_id"] for one in entries if one["object_id"] == "A 7")
    (house / "rejected.txt").write_text(rejected + os.linesep)
    said = typed("colorize", house / "scans" / "inventory.csv", colour, "--redo",
                 "--ids", house / "rejected.txt", "--vividness", "1")  # fmt: skip
    assert "1 coloured, 0 skipped, 0 failed" in said.out
    assert [row["row_id"] for row in history(colour)] == [rejected]
    assert typed("verify", colour).code == 0
