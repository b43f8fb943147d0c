"""Words that the command line does not know: one line, with what was meant."""

from pathlib import Path

import pytest

from archive_colorizer.cli.main import main


def refused(*words: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is said of a command line that is refused, by argparse or by us."""
    try:
        code = main(words)
    except SystemExit as error:
        code = int(error.code or 0)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    return line


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("colorise a b", "archive-colorizer: argument COMMAND: 'colorise' is not known: did you"
         " mean 'colorize'?"),
        ("colorize a b --qualty 3", "archive-colorizer colorize: no option --qualty: did you mean"
         " --quality?"),
        ("colorize a b --exclude_list=x", "no option --exclude_list: did you mean --exclude-list?"),
        ("colorize a b --frobnicate", "no option --frobnicate (archive-colorizer colorize --help)"),
        ("colorize a b --format jpg", "--format: 'jpg' is not known: did you mean 'jpeg'?"),
        ("colorize a b --upscale 3", "argument --upscale: 3 is not known (known: 1, 2, 4)"),
        ("colorize a", "the following arguments are required: OUTPUT"),
        ("colorize a b --quality", "argument --quality: expected one argument"),
        ("colorize a b --quality high", "argument --quality: invalid int value: 'high'"),
        ("status a b", "archive-colorizer status: too many words: b"),
        ("models promot x", "argument ACTION: 'promot' is not known: did you mean 'promote'?"),
        ("models list --tracking-url x", "no option --tracking-url: did you mean --tracking-uri?"),
        ("data inspekt", "argument WHAT: 'inspekt' is not known: did you mean 'inspect'?"),
        ("train pix2pixx a --output b", "unknown recipe 'pix2pixx': did you mean 'pix2pix'?"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_one_line_with_what_was_meant(
    line: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said in refused(*line.split(), capsys=capsys)


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        ("builtin:defualt", "no such shipped model: did you mean 'builtin:default'?"),
        ("builtin:nothing-like-it", "no such shipped model (known: builtin:"),
        ("bultin:default", "no model there (bultin:default does not exist): did you mean"
         " 'builtin:default'?"),
        ("default", "did you mean 'builtin:default'?"),
        ("runs/mine/modle", "did you mean 'runs/mine/model'?"),
    ],
)  # fmt: skip
def test_a_model_that_is_not_there_may_be_another_ones_name(
    ref: str,
    said: str,
    masters: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("runs/mine/model").mkdir(parents=True)
    words = ["colorize", str(masters), "out", "--engine", "local", "--model", ref]
    assert said in refused(*words, capsys=capsys)
    assert not Path("out").exists()


def test_a_settings_key_of_a_file_is_suggested(
    masters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "job.toml"
    path.write_text('[output]\nname-by = "object_id"\n')
    words = ["colorize", str(masters), str(tmp_path / "out"), "--config", str(path)]
    assert "unknown key 'name-by': did you mean 'name_by'?" in refused(*words, capsys=capsys)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("--sample 5 --limit 3", "select.sample: draws at random, limit takes the first: give one"),
        ("--sample 5 --by colection", "select.sample_by='colection' (--by): is not known: did you"
         " mean 'collection'?"),
        ("--sample 5 --by size,colour", "(--by): is not known (known: collection, folder, "),
        ("--sample -1", "select.sample=-1: must not be negative"),
        ("--estimate", "--estimate needs --dry-run"),
    ],
)  # fmt: skip
def test_a_pilot_that_makes_no_sense_is_one_line(
    line: str, said: str, masters: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["colorize", str(masters), str(tmp_path / "out"), *line.split()]
    assert said in refused(*words, capsys=capsys)
    assert not (tmp_path / "out").exists()
