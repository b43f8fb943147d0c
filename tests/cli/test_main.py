"""The command line: exit codes and one clear line for what the user can mend."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from archive_colorizer.cli.main import build_parser, main
from archive_colorizer.pipeline.config import JobConfig

DOCS = Path(__file__).parents[2] / "README.md"
COMMANDS = ("colorize", "status", "verify", "evaluate", "compare", "train", "data")


@pytest.fixture
def arguments(masters: Path, tmp_path: Path, tiny_model: str) -> list[str]:
    quick = ["--engine", "local", "--model", tiny_model, "--proxy-px", "64"]
    return ["colorize", str(masters), str(tmp_path / "out"), *quick]


def test_all_done_is_0_and_says_where_the_manifest_is(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "5 coloured, 0 skipped, 0 failed" in said
    assert "manifest" in said


def test_some_failed_is_3(arguments: list[str], masters: Path) -> None:
    (masters / "bad.jpg").write_bytes(b"nothing of the kind")
    assert main(arguments) == 3


def test_status_and_verify_follow(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(arguments)
    assert main(["status", str(tmp_path / "out")]) == 0
    assert "listed 5, left 0" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "out")]) == 0
    (tmp_path / "out" / "two.colorized.jpg").write_bytes(b"changed")
    assert main(["verify", str(tmp_path / "out")]) == 3
    assert "changed_derivative" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--quality", "0"], "must be 1 to 100"),
        (["--model", "builtin:nothing"], "no such shipped model"),
        (["--model", "README.md"], "never pickled ones"),
        (["--config", "nowhere.toml"], "cannot read the configuration"),
        (["--exclude-list", "nowhere.txt"], "cannot read the list"),
        (["--bits", "16"], "JPEG has 8 bits"),
        (["--include", "no*such"], "no pictures there"),
    ],
)
def test_what_the_user_can_mend_is_one_line_and_2(
    arguments: list[str], change: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, *change]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()[-1:]
    assert line.startswith("archive-colorizer: ")
    assert words in line


def test_bad_locations_are_2(masters: Path, tmp_path: Path) -> None:
    assert main(["colorize", str(tmp_path / "nowhere"), str(tmp_path / "out")]) == 2
    assert main(["colorize", str(masters), str(masters / "out")]) == 2
    assert main(["status", str(tmp_path / "nothing")]) == 2
    assert main(["verify", str(tmp_path / "nothing")]) == 2
    file = tmp_path / "file"
    file.write_text("x")
    assert main(["colorize", str(masters), str(file)]) == 2


def test_ray_without_a_home_is_one_line_and_2(
    masters: Path, tmp_path: Path, tiny_model: str
) -> None:
    """As a service's account may be; in a process of its own, which alone can start Ray anew."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
    words = [
        "colorize",
        str(masters),
        str(tmp_path / "out"),
        "--model",
        tiny_model,
        "--engine",
        "ray",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "archive_colorizer", *words], capture_output=True, text=True,
        env=environment | {"HOME": "/dev/null/none"},
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()[-1:]
    assert line.startswith("archive-colorizer: Ray at this machine: ")
    assert "RAY_AUTH_TOKEN" in line
    assert "Traceback" not in done.stderr


def test_a_dry_run_says_what_would_be_done(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--dry-run"]) == 0
    assert "to do       5" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


def test_an_interrupted_run_can_be_started_again(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive_colorizer.pipeline import standing_job

    def interrupt(config: JobConfig, *args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(standing_job, "colorize", interrupt)
    assert main(arguments) == 130
    monkeypatch.undo()
    assert main(arguments) == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example_and_is_in_the_readme(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert "example:\n  archive-colorizer" in capsys.readouterr().out
    assert f"archive-colorizer {name}" in DOCS.read_text(encoding="utf-8")


def test_evaluate_writes_a_table_with_the_grey_baseline(
    tmp_path: Path, tiny_model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    rng = np.random.default_rng(0)
    for number in range(3):
        pixels = rng.integers(0, 255, (80, 90, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{number}.png")
    words = ["evaluate", str(tmp_path / "photos"), "--model", tiny_model, "--size", "64"]
    assert main([*words, "--output", str(tmp_path / "report")]) == 0
    said = capsys.readouterr().out
    assert "grey" in said
    assert "PSNR" in said
    assert (tmp_path / "report" / "sheet.png").exists()


def test_the_commands_are_those_that_are_documented() -> None:
    said = build_parser().format_help()
    assert all(name in said for name in COMMANDS)


def test_the_command_line_lies_over_the_file(tmp_path: Path) -> None:
    from archive_colorizer.cli.job import build_job_config

    path = tmp_path / "job.toml"
    path.write_text('[output]\nformat = "png"\nquality = 70\n')
    words = ["colorize", "a", "b", "--config", str(path), "--format", "tiff"]
    make: Callable[..., JobConfig] = build_job_config
    config = make(build_parser().parse_args(words))
    assert (config.deliver.format, config.deliver.quality) == ("tiff", 70)


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["status", "out"], 141)])
def test_a_reader_that_leaves_ends_it_quietly(
    words: list[str], code: int, arguments: list[str], tmp_path: Path
) -> None:  # argparse itself passes over a help that cannot be written
    assert main(arguments) == 0
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "archive_colorizer", *words],
            cwd=tmp_path, stdout=writing, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (code, "")


def test_a_connection_that_breaks_is_no_reader_that_left(
    masters: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object, **__: object) -> None:
        raise BrokenPipeError("a connection")

    monkeypatch.setattr("archive_colorizer.pipeline.run.preview", breaks)
    with pytest.raises(BrokenPipeError, match="a connection"):
        main(["colorize", str(masters), str(tmp_path / "out"), "--dry-run"])


def test_a_pilot_and_a_dry_run_that_measures(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--dry-run", "--estimate"]) == 0
    assert "5 pictures were done here to see" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--sample", "2", "--by", "format,size", "--sample-seed", "3"]) == 0
    said = capsys.readouterr().out
    assert "pilot: 2 of 5 pictures, drawn by format, size, seed 3" in said
    assert "note: 4 strata are more than 2 pictures: the smallest 3 count as one" in said
    assert main(["status", str(tmp_path / "out")]) == 0
    assert "expected of all of them (95 % intervals):" in capsys.readouterr().out
