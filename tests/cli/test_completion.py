"""Shell completion: the script that bash loads offers commands, options, values and files."""

import shutil
import subprocess
from pathlib import Path

import pytest

from archive_colorizer.cli.main import main

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
f=$(complete -p archive-colorizer | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$f" archive-colorizer "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "archive-colorizer"
    with pytest.MonkeyPatch.context() as patch, path.open("w") as file:
        patch.setattr("sys.stdout", file)
        assert main(["completion", "bash"]) == 0
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["colo"], {"colorize"}),
        (["models", "pro"], {"promote"}),
        (["colorize", "--name"], {"--name-by"}),
        (["colorize", "--name-by", "o"], {"object_id"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["colorize", "sca"], {"scans", "scans.csv"}),
        (["colorize", "scans", "--exclude-list", "scans."], {"scans.csv"}),
        (["status", "scans."], {"scans.csv"}),
    ],
)
def test_bash_offers_what_may_follow(
    script: Path, tmp_path: Path, words: list[str], offered: set[str]
) -> None:
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans.csv").touch()
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", script, "archive-colorizer", *words],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = set(done.stdout.split())
    assert found == offered or (words[-1] == "" and offered <= found)


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_that_they_can_read(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert "archive-colorizer" in text
    assert "name-by" in text
    if shutil.which(shell):
        path = tmp_path / "script"
        path.write_text(text)
        subprocess.run([shell, "-n", path], check=True)
