"""`--redo rejected`: what people rejected is made again, by another model where one is named."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from again import Job, Rows, differences, history, weights, work

from archive_colorizer.cli.main import build_parser
from archive_colorizer.pipeline.config import SelectConfig
from archive_colorizer.pipeline.output import manifest, reviews
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.reviews import Decision
from archive_colorizer.pipeline.run import colorize, preview
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import open_store


def decide(output: str, *decisions: tuple[dict[str, Any], str, str]) -> None:
    given = []
    for row, who, verdict in decisions:
        sha256 = row["derivative_sha256"]
        given.append(Decision(f"{sha256} {who} {verdict}", row["row_id"], sha256, who, verdict))
    reviews.append(open_store(output), given)


def test_what_is_rejected_is_made_by_another_model_and_has_no_verdict_then(
    job: Job, rows: Rows, tmp_path: Path
) -> None:
    config = job()
    colorize(config)
    made = rows(config.output)
    decide(config.output, (made[0], "kim", "rejected"), (made[1], "kim", "approved"),
           (made[2], "kim", "rejected"), (made[2], "lee", "approved"),
           (made[3], "kim", "rejected"))  # fmt: skip
    model = weights(tmp_path / "other", seed=7)
    redo = job(color={"model": model}, select={"redo": "rejected"})
    assert preview(redo).replaced == 2
    assert work(colorize(redo)) == (2, 0, 0)
    sha = resolve(model).weights_sha256
    found = rows(config.output)
    used = [row["steps"][0]["weights_sha256"] == sha for row in found]
    assert used == [True, False, False, True, False]
    verdicts = reviews.verdicts_of(
        manifest.read(open_store(config.output), ["derivative_sha256", "source_uri"]).sort_by(
            "source_uri"
        ),
        reviews.standing(reviews.read(open_store(config.output))),
    )
    assert verdicts.to_pylist() == [None, "approved", "disputed", None, None]
    assert len(history(config.output)) == 2
    assert not differences(config.output)
    assert work(colorize(redo)) == (0, 0, 0)
    assert work(colorize(config)) == (0, 0, 0)  # OUTPUT goes on with its own model


@pytest.mark.slow
def test_ids_narrow_it_and_one_that_was_cut_short_goes_on(
    job: Job, rows: Rows, tmp_path: Path
) -> None:
    config = job()
    colorize(config)
    made = rows(config.output)
    decide(config.output, *((row, "kim", "rejected") for row in made[:4]))
    (tmp_path / "ids.txt").write_text(f"{made[0]['row_id']}\n{made[4]['row_id']}\n")
    ids = {"redo": "rejected", "ids": str(tmp_path / "ids.txt")}
    assert work(colorize(job(select=ids))) == (1, 0, 0)
    assert work(colorize(job(select={"redo": "rejected", "limit": 2}))) == (2, 0, 0)
    assert "redo" in read_job(open_store(config.output))
    assert work(colorize(job(select={"redo": "rejected"}))) == (1, 0, 0)
    assert "redo" not in read_job(open_store(config.output))
    again = [one["row_id"] for one in history(config.output)]
    assert sorted(again) == sorted(row["row_id"] for row in made[:4])


@pytest.mark.slow
def test_one_that_is_rejected_again_is_made_again(job: Job, rows: Rows) -> None:
    config = job()
    colorize(config)
    for _ in range(2):
        decide(config.output, (rows(config.output)[0], "kim", "rejected"))
        assert work(colorize(job(select={"redo": "rejected"}))) == (1, 0, 0)
    assert (
        pc.count_distinct(reviews.read(open_store(config.output))["derivative_sha256"]).as_py() == 2
    )


@pytest.mark.parametrize(
    ("words", "redo", "source"),
    [
        (["s", "o"], None, ["s"]),
        (["--redo", "s", "o"], "all", ["s"]),
        (["s", "--redo", "o"], "all", ["s"]),
        (["s", "t", "o", "--redo"], "all", ["s", "t"]),
        (["s", "o", "--redo", "rejected"], "rejected", ["s"]),
        (["--redo=rejected", "s", "o"], "rejected", ["s"]),
        (["s", "o", "--redo", "--quiet"], "all", ["s"]),
    ],
)
def test_the_option_may_stand_alone(words: list[str], redo: str | None, source: list[str]) -> None:
    found = build_parser().parse_args(["colorize", *words])
    assert (getattr(found, "select.redo"), found.source, found.output) == (redo, source, "o")


def test_yes_and_no_of_before_still_hold() -> None:
    assert SelectConfig(redo=True) == SelectConfig(redo="all")  # type: ignore[arg-type]
    assert SelectConfig(redo=False) == SelectConfig()  # type: ignore[arg-type]
