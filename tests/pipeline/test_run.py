"""A whole job in the plain loop: what is asked for, what is written, what a second run does."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.errors import LocationError, ModelReferenceError
from archive_colorizer.imaging.metadata import find_row_id
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.inputs import listing
from archive_colorizer.pipeline.output.status import summarize
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize, preview
from archive_colorizer.progress import Lines
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.storage import open_store
from archive_colorizer.storage.location import path_of_uri
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

Job = Callable[..., JobConfig]
Rows = Callable[[str | Path], list[dict[str, Any]]]


def derivatives(output: str) -> list[Path]:
    return sorted(path for path in Path(output).rglob("*.colorized.*") if path.is_file())


def test_every_master_becomes_a_colour_picture_and_a_row(job: Job, rows: Rows) -> None:
    config = job()
    report = colorize(config)
    assert (report.ok, report.failed, report.skipped) == (5, 0, 0)
    found = rows(config.output)
    assert [row["status"] for row in found] == ["ok"] * 5
    for row in found:
        path = path_of_uri(row["derivative_uri"])
        with path.open("rb") as file:
            assert find_row_id(file) == row["row_id"]
        with Image.open(path) as image:
            assert image.mode == "RGB"
            assert image.size == (row["derivative_width"], row["derivative_height"]) == (160, 120)
        assert row["luminance_mae"] < 1.5
        assert row["steps"][0]["device"] in {"cpu", "cuda"}
        assert row["steps"][0]["precision"] in {"float32", "bfloat16"}
        assert row["steps"][0]["weights_sha256"]
        assert row["steps"][0]["weights_rights"] == "cleared"
    assert verify(open_store(config.output)).findings == ()
    assert summarize(open_store(config.output)).left == 0


def test_masters_smaller_than_the_proxy_are_one_line(job: Job) -> None:
    assert not [note for note in colorize(job()).notes if "smaller" in note]
    config = job(color={"proxy_px": 128}, select={"redo": True})
    (note,) = [note for note in colorize(config).notes if "smaller" in note]
    assert note.startswith("5 masters are smaller than the 128 pixels of --proxy-px (RESOL)")


def test_a_model_that_sees_another_resolution_than_it_was_trained_at_is_one_line(
    job: Job, tmp_path: Path
) -> None:
    settings = {"resolution": 32, "width": 2}
    card = ModelCard(name="p", version="1", family="pix2pix", config=settings)
    save_model(tmp_path / "p", MODELS["pix2pix"].build_from(settings), card)
    notes = preview(job(color={"model": str(tmp_path / "p")})).notes
    assert f"{tmp_path / 'p'} was trained at 32 pixels and sees 64 here" in " ".join(notes)
    same = job(color={"model": str(tmp_path / "p"), "proxy_px": 32})
    assert not [note for note in preview(same).notes if "trained at" in note]


def test_masters_are_untouched_and_nothing_temporary_is_left(job: Job, masters: Path) -> None:
    def state() -> dict[str, tuple[int, bytes]]:
        files = (path for path in masters.rglob("*") if path.is_file())
        return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}

    before, config = state(), job()
    colorize(config)
    assert state() == before
    assert not (Path(config.output) / ".tmp").exists()
    assert not (Path(config.output) / "job.lock").exists()


def test_a_second_run_does_nothing_and_says_so(job: Job) -> None:
    config = job()
    colorize(config)
    stamps = [path.stat().st_mtime_ns for path in derivatives(config.output)]
    report = colorize(config)
    assert "nothing to do: 5 of 5" in report.text()
    assert [path.stat().st_mtime_ns for path in derivatives(config.output)] == stamps


def test_another_setting_is_another_recipe_and_the_earlier_rows_go_to_history(
    job: Job, rows: Rows
) -> None:
    colorize(job())
    config = job(output={"format": "png"}, select={"redo": True})
    report = colorize(config)
    assert report.ok == 5
    assert {path.suffix for path in derivatives(config.output)} == {".png"}
    assert len(rows(config.output)) == 5
    history = list((Path(config.output) / "history").rglob("*.parquet"))
    assert history
    assert verify(open_store(config.output)).findings == ()


def test_a_changed_master_is_done_again(job: Job, masters: Path, rows: Rows) -> None:
    config = job()
    colorize(config)
    Image.fromarray(np.full((120, 160), 77, np.uint8)).save(masters / "one.jpg")
    report = colorize(config)
    assert (report.ok, report.already) == (1, 4)
    assert len(rows(config.output)) == 5


def test_limit_holds_the_rest_back_for_the_next_run(job: Job) -> None:
    first = colorize(job(select={"limit": 2}))
    assert (first.ok, first.left) == (2, 3)
    second = colorize(job())
    assert (second.ok, second.already) == (3, 2)


def test_failed_pictures_are_retried_only_on_request(job: Job, masters: Path, rows: Rows) -> None:
    (masters / "cut.jpg").write_bytes((masters / "one.jpg").read_bytes()[:900])
    config = job()
    assert colorize(config).failed == 1
    assert colorize(config).failed == 0
    report = colorize(job(select={"retry_failed": True}))
    assert (report.failed, report.already) == (1, 5)
    (failed,) = (row for row in rows(config.output) if row["status"] == "failed")
    assert (failed["error_class"], failed["attempt"]) == ("truncated", 2)
    assert "cut.jpg" in failed["error_message"]
    assert "\n" not in failed["error_message"]


def test_redo_does_all_again(job: Job, rows: Rows) -> None:
    config = job()
    colorize(config)
    assert colorize(job(select={"redo": True})).ok == 5
    assert [row["attempt"] for row in rows(config.output)] == [2] * 5


def test_excluded_pages_are_never_opened(
    job: Job, masters: Path, tmp_path: Path, rows: Rows
) -> None:
    (masters / "secret.jpg").write_text("not even a picture")
    names = tmp_path / "exclude.txt"
    names.write_text("# sensitive\nsecret.jpg\nnowhere.jpg\n")
    config = job(select={"exclude_list": str(names), "allow_unmatched": True})
    report = colorize(config)
    assert (report.ok, report.skipped, report.failed) == (5, 1, 0)
    assert "'nowhere.jpg' names nothing that is listed" in report.text()
    (row,) = (row for row in rows(config.output) if row["status"] == "skipped")
    assert (row["error_class"], row["source_sha256"]) == ("excluded", None)


def test_a_page_that_is_excluded_later_loses_its_derivative(
    job: Job, tmp_path: Path, rows: Rows
) -> None:
    colorize(job())
    (tmp_path / "exclude.txt").write_text("one.jpg\n")
    config = job(select={"exclude_list": str(tmp_path / "exclude.txt")})
    assert colorize(config).skipped == 1
    assert not (Path(config.output) / "one.colorized.jpg").exists()
    assert len(rows(config.output)) == 5
    assert verify(open_store(config.output)).findings == ()


def test_a_dry_run_writes_nothing(job: Job) -> None:
    config = job()
    seen = preview(config)
    assert (seen.listed, seen.todo) == (5, 5)
    assert "time " not in seen.text()
    assert not Path(config.output).exists()


def test_a_dry_run_says_how_long_by_the_last_runs_rate(job: Job) -> None:
    few = job(select={"limit": 2})
    report = colorize(few)
    seen = preview(job())
    assert (seen.todo, seen.done) == (3, 2)
    assert f"at the last run's {report.pictures_per_s:.1f} pictures/s" in seen.text()


def test_a_file_that_is_not_ours_is_never_overwritten(job: Job, rows: Rows) -> None:
    config = job()
    Path(config.output).mkdir()
    theirs = Path(config.output) / "one.colorized.jpg"
    theirs.write_bytes(b"precious")
    report = colorize(config)
    assert (report.ok, report.failed) == (4, 1)
    assert theirs.read_bytes() == b"precious"
    (failed,) = (row for row in rows(config.output) if row["status"] == "failed")
    assert failed["error_class"] == "write_error"


def test_a_derivative_without_a_row_is_ours_and_replaced(job: Job, rows: Rows) -> None:
    config = job()
    colorize(config)
    for part in (Path(config.output) / "manifest").glob("*.parquet"):
        part.unlink()
    assert colorize(config).ok == 5
    assert len(rows(config.output)) == 5


def test_two_runs_give_the_same_bytes(job: Job, tmp_path: Path) -> None:
    from dataclasses import replace

    config = job()
    other = replace(config, output=str(tmp_path / "other"))
    colorize(config)
    colorize(other)
    for a, b in zip(derivatives(config.output), derivatives(other.output), strict=True):
        with Image.open(a) as first, Image.open(b) as second:
            assert np.array_equal(np.asarray(first), np.asarray(second))


def test_16_bit_masters_give_16_bit_tiffs(job: Job, masters: Path, rows: Rows) -> None:
    import tifffile

    deep = np.linspace(0, 65535, 120 * 160).reshape(120, 160).astype(np.uint16)
    tifffile.imwrite(masters / "deep.tif", deep, resolution=(400, 400), resolutionunit="INCH")
    config = job(output={"format": "tiff"}, select={"include": ["deep.tif"]})
    colorize(config)
    (row,) = rows(config.output)
    with tifffile.TiffFile(path_of_uri(row["derivative_uri"])) as tiff:
        page = tiff.pages[0]
        assert (page.dtype, page.shape) == (np.uint16, (120, 160, 3))
        assert page.tags["XResolution"].value[0] / page.tags["XResolution"].value[1] == 400


def test_job_json_says_what_was_run(job: Job) -> None:
    config = job()
    colorize(config)
    record = json.loads((Path(config.output) / "job.json").read_text(encoding="utf-8"))
    assert record["counts"] == {"ok": 5}
    assert record["config"]["color"]["proxy_px"] == 64
    assert record["model"]["data_rights"] == "cleared"
    assert record["finished_at"] >= record["started_at"]


def test_an_inventory_is_a_source_too(job: Job, masters: Path, tmp_path: Path, rows: Rows) -> None:
    from dataclasses import replace

    inventory = tmp_path / "inventory.csv"
    inventory.write_text(
        "uri,object_id,collection,shelf\n"
        f"masters/one.jpg,OBJ-1,Streets,12\n{masters}/two.png,OBJ-2,Streets,\n"
        "masters/gone.jpg,OBJ-3,Streets,\n",
        encoding="utf-8",
    )
    config = replace(job(), source=str(inventory))
    report = colorize(config)
    assert (report.ok, report.failed, report.errors) == (2, 1, {"missing": 1})
    by_id = {row["object_id"]: row for row in rows(config.output)}
    assert json.loads(by_id["OBJ-1"]["collection_json"]) == {"shelf": "12"}
    assert by_id["OBJ-3"]["error_class"] == "missing"


@pytest.mark.parametrize("place", ["same", "inside", "around", "link"])
def test_output_may_not_meet_source(job: Job, masters: Path, tmp_path: Path, place: str) -> None:
    from dataclasses import replace

    link = tmp_path / "link"
    link.symlink_to(masters)
    output = {"same": masters, "inside": masters / "x", "around": tmp_path, "link": link}[place]
    with pytest.raises(LocationError, match="OUTPUT may not"):
        colorize(replace(job(), output=str(output)))


def test_missing_and_empty_sources_are_refused(job: Job, tmp_path: Path) -> None:
    from dataclasses import replace

    (tmp_path / "empty").mkdir()
    with pytest.raises(LocationError, match="no such folder"):
        colorize(replace(job(), source=str(tmp_path / "nowhere")))
    with pytest.raises(LocationError, match="no pictures there"):
        colorize(replace(job(), source=str(tmp_path / "empty")))
    assert not (tmp_path / "out").exists()


def test_an_unknown_model_is_refused_before_anything_is_written(job: Job, tmp_path: Path) -> None:
    with pytest.raises(ModelReferenceError, match="builtin:nothing"):
        colorize(job(color={"model": "builtin:nothing"}))
    assert not (tmp_path / "out").exists()


def test_names_that_are_not_utf8_and_twins_get_their_own_derivatives(
    job: Job, masters: Path, rows: Rows
) -> None:
    data = (masters / "one.jpg").read_bytes()
    odd = os.fsencode(masters) + b"/caf\xe9.jpg"
    with open(odd, "wb") as file:  # noqa: PTH123 (a name in bytes)
        file.write(data)
    (masters / "한국 사진.jpg").write_bytes(data)
    (masters / "one.png").write_bytes((masters / "two.png").read_bytes())
    config = job()
    assert colorize(config).ok == 8
    found = rows(config.output)
    assert len({row["derivative_uri"] for row in found}) == 8
    assert any(row["source_path_raw"].endswith(b"caf\xe9.jpg") for row in found)
    assert verify(open_store(config.output)).findings == ()


@pytest.mark.parametrize(("threshold", "wanted"), [(0.0, True), (1.0, False)])
def test_doubt_above_what_the_card_says_asks_for_review(
    job: Any, tiny_model: str, tmp_path: Path, rows: Any, threshold: float, wanted: bool
) -> None:
    model = resolve(tiny_model)
    card = replace(model.card, review_doubt=threshold)
    save_model(tmp_path / "model", load(model), card)
    config = job(color={"model": str(tmp_path / "model")})
    colorize(config)
    assert {row["review_needed"] for row in rows(config.output)} == {wanted}


class Heard(Lines):
    """Keeps what a run says."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def say(self, text: str) -> None:
        self.words.append(text)


def test_a_run_says_what_it_is_at_before_the_first_picture(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "TOLD_EVERY", 2)
    shown = Heard()
    colorize(job(), shown)
    assert shown.words == [
        "listing",
        "listing: 2 files so far",  # and not four a moment later
        "loading the model; 5 pictures to do",
        "writing the report",
    ]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_run_on_ray_says_that_it_starts_ray(job: Job, ray_token: None) -> None:
    shown = Heard()
    report = colorize(job(run={"engine": "ray", "workers": 1}), shown)
    assert report.ok == 5
    assert shown.words.index("starting Ray") < shown.words.index(
        "loading the model; 5 pictures to do"
    )
    assert summarize(open_store(report.output)).pictures_per_s == pytest.approx(
        report.pictures_per_s, rel=0.01
    )
