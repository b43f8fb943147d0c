"""What OUTPUT remembers of how it was made: settings, weights, exclusions; and one of 0.2.0."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from again import FIXTURE, Job, Rows, differences, files, grey, history, weights, work

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output.layout import read_job, write_job
from archive_colorizer.pipeline.output.relocate import relocate
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.pins import read_pins, settle
from archive_colorizer.pipeline.recipe import read_settings, recipe_text
from archive_colorizer.pipeline.run import colorize, preview
from archive_colorizer.progress import Lines, Tally
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import open_store
from archive_colorizer.storage.location import path_of_uri

# --- settings


def test_settings_that_are_not_given_are_outputs_own(job: Job, masters: Path, rows: Rows) -> None:
    config = job(output={"format": "png"}, color={"vividness": 0.3})
    colorize(config)
    grey(masters / "later.png")
    assert colorize(job()).ok == 1
    assert {row["derivative_mime"] for row in rows(config.output)} == {"image/png"}
    recipes = {row["recipe_json"] for row in rows(config.output)}
    assert len(recipes) == 1
    assert json.loads(recipes.pop())["color"]["vividness"] == 0.3


def test_other_settings_are_refused_in_one_line_until_they_are_meant(job: Job, rows: Rows) -> None:
    colorize(job(color={"upsampling": "bilinear"}))
    made, before = files(job().output), rows(job().output)
    other = job(color={"vividness": 0.7, "upsampling": "guided"})  # guided is the default
    for run in (colorize, preview):
        with pytest.raises(ConfigError) as caught:
            run(other)
        text = str(caught.value)
        assert "color.vividness is None in OUTPUT, 0.7 was given" in text
        assert "color.upsampling is bilinear in OUTPUT, guided was given" in text
        assert "5 finished pictures" in text
        assert "--redo" in text
        assert "\n" not in text
    assert (files(job().output), rows(job().output)) == (made, before)
    redone = replace(other, select=replace(other.select, redo=True))
    assert colorize(redone).ok == 5
    assert files(job().output) != made
    assert work(colorize(job())) == (0, 0, 0)
    assert work(colorize(other)) == (0, 0, 0)
    assert len(history(job().output)) == 5


def test_another_source_may_have_settings_of_its_own(job: Job, tmp_path: Path, rows: Rows) -> None:
    colorize(job())
    grey(tmp_path / "more" / "x.png")
    more = replace(job(output={"format": "png"}), source=str(tmp_path / "more"))
    assert colorize(more).ok == 1
    assert work(colorize(more)) == (0, 0, 0)
    assert work(colorize(job())) == (0, 0, 0)
    grey(Path(job().source) / "later.png")
    assert colorize(job()).ok == 1
    mimes = [row["derivative_mime"] for row in rows(job().output)]
    assert mimes.count("image/png") == 1


def test_settings_change_freely_while_nothing_is_finished(job: Job, masters: Path) -> None:
    shutil.rmtree(masters)
    (masters / "x").mkdir(parents=True)
    (masters / "x" / "broken.jpg").write_bytes(b"no picture")
    assert colorize(job()).failed == 1
    assert colorize(job(output={"format": "png"})).failed == 0
    grey(masters / "x" / "whole.png")
    assert colorize(job(output={"format": "png"})).ok == 1
    grey(masters / "x" / "later.png")
    assert colorize(job()).ok == 1
    assert set(files(job().output)) == {"x/whole.colorized.png", "x/later.colorized.png"}


def test_a_folder_that_is_redone_with_other_settings_leaves_outputs_own(
    job: Job, masters: Path
) -> None:
    colorize(job())
    part = {"redo": True, "include": ["a/*"]}
    assert colorize(job(output={"format": "png"}, select=part)).ok == 3
    grey(masters / "later.png")
    assert colorize(job()).ok == 1
    made = files(job().output)
    assert "later.colorized.jpg" in made
    assert sum(key.endswith(".png") for key in made) == 3


def test_an_interrupted_redo_goes_on_where_it_stopped(job: Job, rows: Rows) -> None:
    colorize(job())
    assert colorize(job(select={"redo": True, "limit": 2})).ok == 2
    assert work(colorize(job())) == (0, 0, 0)
    assert colorize(job(select={"redo": True, "limit": 2})).ok == 2
    assert colorize(job(select={"redo": True})).ok == 1
    assert colorize(job(select={"redo": True})).ok == 5


def test_a_part_is_redone_with_another_model_and_stays_so(
    job: Job, rows: Rows, tmp_path: Path
) -> None:
    config = job()
    colorize(config)
    picked = rows(config.output)[1]
    (tmp_path / "ids.txt").write_text(f"{picked['row_id']}\n")
    model = weights(tmp_path / "other", seed=7)
    part = job(color={"model": model}, select={"redo": True, "ids": str(tmp_path / "ids.txt")})
    assert work(colorize(part)) == (1, 0, 0)
    assert work(colorize(part)) == (0, 0, 0)  # its id is in history now
    assert work(colorize(config)) == (0, 0, 0)
    sha = resolve(model).weights_sha256
    used = [row["steps"][0]["weights_sha256"] == sha for row in rows(config.output)]
    assert used == [row["source_uri"] == picked["source_uri"] for row in rows(config.output)]
    assert not differences(config.output)
    (tmp_path / "ids.txt").write_text("abc\n")
    with pytest.raises(ConfigError, match="line 1: 'abc' is the id of no row"):
        colorize(part)
    with pytest.raises(ConfigError, match=r"ids: .* needs --redo"):
        colorize(job(select={"ids": str(tmp_path / "ids.txt")}))


# --- weights


def test_output_goes_on_with_its_weights_when_the_reference_names_others(
    job: Job, masters: Path, rows: Rows, tmp_path: Path
) -> None:
    model = weights(tmp_path / "model", seed=1)
    first = resolve(model).weights_sha256
    config = job(color={"model": model})
    colorize(config)
    made = files(config.output)
    weights(tmp_path / "model", seed=2, version="2")
    grey(masters / "later.png")
    report = colorize(config)
    assert work(report) == (1, 0, 0)
    assert "is tiny 2 by now; OUTPUT goes on with tiny 1" in report.text()
    assert {row["steps"][0]["weights_sha256"] for row in rows(config.output)} == {first}
    assert files(config.output).items() >= made.items()
    shutil.rmtree(tmp_path / "model")
    grey(masters / "last.png")
    assert work(colorize(config)) == (1, 0, 0)


def test_adopt_moves_to_the_new_weights_and_says_how_many_pictures_change(
    job: Job, rows: Rows, tmp_path: Path
) -> None:
    model = weights(tmp_path / "model", seed=1)
    config = job(color={"model": model})
    colorize(config)
    made = files(config.output)
    weights(tmp_path / "model", seed=2, version="2")
    new = resolve(model).weights_sha256
    adopting = replace(config, select=replace(config.select, adopt=True))
    assert "5 pictures are coloured anew by tiny 2" in preview(adopting).text()
    assert files(config.output) == made
    assert colorize(adopting).ok == 5
    assert {row["steps"][0]["weights_sha256"] for row in rows(config.output)} == {new}
    assert all(data != made[key] for key, data in files(config.output).items())
    assert work(colorize(adopting)) == (0, 0, 0)
    assert work(colorize(config)) == (0, 0, 0)


def test_an_old_derivative_stays_where_its_new_one_fails(
    job: Job, masters: Path, rows: Rows
) -> None:
    config = job()
    colorize(config)
    made = files(config.output)
    (masters / "two.png").write_bytes(b"rotten since")
    assert work(colorize(config)) == (0, 0, 1)
    assert files(config.output) == made
    assert [row["status"] for row in rows(config.output)].count("failed") == 1
    assert not differences(config.output)
    grey(masters / "two.png", size=(50, 70))
    assert work(colorize(config)) == (1, 0, 0)
    assert files(config.output).keys() == made.keys()


def test_weights_that_are_gone_stop_what_needs_them_alone(
    job: Job, masters: Path, rows: Rows, tmp_path: Path
) -> None:
    model = weights(tmp_path / "model", seed=1)
    old = shutil.copytree(tmp_path / "model", tmp_path / "old")
    config = job(color={"model": model}, run={"keep_model": "off"})
    colorize(config)
    assert not (Path(config.output) / "models").exists()
    weights(tmp_path / "model", seed=2, version="2")
    assert work(colorize(config)) == (0, 0, 0)
    grey(masters / "later.png")
    with pytest.raises(ModelReferenceError, match="--adopt"):
        colorize(config)
    assert work(colorize(job(color={"model": str(old)}))) == (1, 0, 0)
    grey(masters / "x.png")
    later = replace(config, select=replace(config.select, adopt_new=True))
    assert work(colorize(later)) == (1, 0, 0)
    assert work(colorize(config)) == (0, 0, 0)


def test_a_kept_copy_with_other_bytes_is_refused(job: Job, masters: Path) -> None:
    config = job()
    colorize(config)
    (kept,) = (Path(config.output) / "models").rglob("*.safetensors")
    sha256 = kept.parent.name
    assert hashlib.sha256(kept.read_bytes()).hexdigest() == sha256
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    grey(masters / "later.png")
    with pytest.raises(ModelReferenceError, match="the weights that OUTPUT kept have SHA-256"):
        colorize(config)


# --- exclusions, failures, masters


def test_an_exclusion_stays_until_it_is_taken_back(job: Job, tmp_path: Path, rows: Rows) -> None:
    (tmp_path / "list.txt").write_text("one.jpg\n")
    colorize(job(select={"exclude_list": str(tmp_path / "list.txt")}))
    for settings in ({}, {"redo": True}, {"retry_failed": True}):
        report = colorize(job(select=settings))
        assert "1 pictures stay excluded" in report.text()
        assert not [key for key in files(job().output) if "one" in key]
    (tmp_path / "list.txt").write_text("two.png\n")
    report = colorize(job(select={"exclude_list": str(tmp_path / "list.txt")}))
    assert work(report) == (0, 1, 0)
    again = {"exclude_list": str(tmp_path / "list.txt"), "include_again": True}
    assert work(colorize(job(select=again))) == (1, 0, 0)
    excluded = [row for row in rows(job().output) if row["error_class"] == "excluded"]
    assert [Path(row["source_uri"]).name for row in excluded] == ["two.png"]
    assert not differences(job().output)


def test_sensitive_pictures_are_never_opened(
    job: Job, tmp_path: Path, masters: Path, rows: Rows
) -> None:
    (masters / "one.jpg").write_bytes(b"not even a picture")
    (tmp_path / "in.csv").write_text(
        "uri,sensitivity\nmasters/one.jpg, Restricted\nmasters/two.png,open\n"
    )
    config = replace(job(), source=str(tmp_path / "in.csv"))
    report = colorize(config)
    assert work(report) == (1, 1, 0)
    assert "1 pictures are not opened for their sensitivity" in report.text()
    row = rows(config.output)[0]
    assert (row["error_class"], row["source_sha256"]) == ("excluded", None)
    assert "sensitivity is Restricted" in row["error_message"]
    own = replace(config.select, sensitive=("open",))
    (tmp_path / "again").mkdir()
    other = replace(config, select=own, output=str(tmp_path / "again" / "out"))
    assert work(colorize(other)) == (0, 1, 1)


def test_failures_that_remain_are_told_when_there_is_nothing_to_do(job: Job, masters: Path) -> None:
    (masters / "cut.jpg").write_bytes((masters / "one.jpg").read_bytes()[:900])
    config = job()
    colorize(config)
    report = colorize(config)
    assert work(report) == (0, 0, 0)
    assert (report.failed_left, report.is_clean) == (1, False)
    assert "1 failed before (--retry-failed tries them again)" in report.text()
    (masters / "cut.jpg").write_bytes((masters / "one.jpg").read_bytes())
    assert colorize(config).is_clean


def test_a_weeded_master_keeps_its_row(job: Job, tmp_path: Path, masters: Path) -> None:
    (tmp_path / "in.csv").write_text("uri\nmasters/one.jpg\nmasters/two.png\n")
    config = replace(job(), source=str(tmp_path / "in.csv"))
    colorize(config)
    (masters / "one.jpg").unlink()
    report = colorize(replace(config, select=replace(config.select, redo=True)))
    assert work(report) == (1, 0, 0)
    assert "1 masters are not there any more; their rows stay" in report.text()
    assert report.failed_left == 0


def test_masters_are_hashed_again_at_the_end(job: Job, masters: Path) -> None:
    class Meddler(Lines):
        def update(self, tally: Tally) -> None:
            (masters / "two.png").write_bytes(b"changed meanwhile")
            (masters / "one.jpg").unlink(missing_ok=True)

    report = colorize(job(run={"recheck_masters": True}), Meddler())
    assert report.ok == 5
    assert not report.is_clean
    assert len(report.changed_masters) == 2
    assert "one.jpg (No such file" in report.text()
    assert "two.png (changed)" in report.text()


def test_what_was_held_back_is_expected(job: Job) -> None:
    config = job(select={"limit": 2})
    colorize(config)
    report = verify(open_store(config.output))
    assert report.findings == ()
    assert report.expected == ("3 pages were held back by --limit",)


def test_an_output_that_does_not_name_the_mark_was_begun_without_it(job: Job, rows: Rows) -> None:
    config = job()
    colorize(config)
    store = open_store(config.output)
    record = read_job(store)
    del record["own"]["settings"]["output"]["watermark"]
    write_job(store, record)
    pins = read_pins(record, config.output)
    assert settle(config, pins)[0].deliver.watermark == "off"
    assert settle(config, None)[0].deliver.watermark == "on"


def test_a_recipe_is_read_back_as_the_settings_that_it_was_made_of() -> None:
    plain = JobConfig(source="in", output="out")
    earlier = {"watermark": "off", "projection": "flat"}
    for given in ({}, earlier, {"reversible": True, "glare": "repair"}):
        sections = {
            name: {key: value for key, value in given.items() if hasattr(getattr(plain, at), key)}
            for name, at in (("color", "color"), ("output", "deliver"))
        }
        config = overlay(plain, sections, "test")
        said = read_settings(recipe_text(config, "weights"))
        again = overlay(plain, said, "recipe")
        assert (again.color, again.deliver) == (config.color, config.deliver)


# --- an OUTPUT of 0.2.0


@pytest.fixture
def earlier(tmp_path: Path) -> JobConfig:
    """An OUTPUT of 0.2.0 in another place than where it was made."""
    shutil.copytree(FIXTURE, tmp_path / "earlier")
    output = tmp_path / "earlier" / "colour"
    relocate(open_store(str(output)), "/archive/scans", str(tmp_path / "earlier" / "scans"))
    run = replace(JobConfig(source="", output="").run, engine="local")
    return JobConfig(source=str(tmp_path / "earlier" / "scans"), output=str(output), run=run)


def test_an_output_of_0_2_0_is_taken_over_and_nothing_is_coloured(
    earlier: JobConfig, rows: Rows
) -> None:
    before, made = rows(earlier.output), files(earlier.output)
    for _ in range(2):
        report = colorize(earlier)
        assert (work(report), report.already, report.failed_left) == ((0, 0, 0), 6, 1)
    after = rows(earlier.output)
    assert [row["row_id"] for row in after] == [row["row_id"] for row in before]
    assert files(earlier.output) == made
    assert not differences(earlier.output)


def test_an_output_of_0_2_0_says_what_new_pictures_need(earlier: JobConfig, rows: Rows) -> None:
    made = files(earlier.output)
    grey(Path(earlier.source) / "new.png")
    with pytest.raises(ModelReferenceError, match=r"default 0\.2\.0 .*--adopt-new"):
        colorize(earlier)
    later = replace(earlier, select=replace(earlier.select, adopt_new=True))
    assert work(colorize(later)) == (1, 0, 0)
    assert files(earlier.output).items() >= made.items()
    assert work(colorize(earlier)) == (0, 0, 0)


def test_what_0_2_0_let_one_source_take_from_another_is_made_again(
    job: Job, tmp_path: Path, rows: Rows
) -> None:
    """Two rows of an earlier program may name one derivative: it is the later one's."""
    import pyarrow.parquet as pq

    from archive_colorizer.pipeline.output.schema import SCHEMA

    grey(tmp_path / "boxA" / "001.png", 20)
    grey(tmp_path / "boxB" / "001.png", 120)
    config = job()
    for box in ("boxA", "boxB"):
        colorize(replace(config, source=str(tmp_path / box)))
    first, second = rows(config.output)
    path_of_uri(second["derivative_uri"]).replace(path_of_uri(first["derivative_uri"]))
    second["derivative_uri"], second["derivative_key"] = first["derivative_uri"], None
    for part in (Path(config.output) / "manifest").glob("*.parquet"):
        part.unlink()
    import pyarrow as pa

    table = pa.Table.from_pylist([first | {"derivative_key": None}, second], SCHEMA)
    pq.write_table(table, Path(config.output) / "manifest" / "part-0.parquet")
    assert work(colorize(replace(config, source=str(tmp_path / "boxB")))) == (0, 0, 0)
    assert work(colorize(replace(config, source=str(tmp_path / "boxA")))) == (1, 0, 0)
    assert len(files(config.output)) == 2
    assert not differences(config.output)
