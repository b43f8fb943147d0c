"""The command `review`: what it refuses in one line, and accounts."""

import io
import json
import socket
from pathlib import Path

import pytest
from rowsets import made_row, write_job

from archive_colorizer.cli.main import main
from archive_colorizer.storage.local import LocalStore


@pytest.fixture
def output(tmp_path: Path) -> str:
    write_job(LocalStore(tmp_path / "out"), made_row("a.jpg"))
    return str(tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("{tmp}/nothing --port 0", "no job there"),
        ("{out} --host 0.0.0.0", "others can reach it: give --accounts or --token-file"),
        ("{out} --host 192.0.2.1 --token-file {tmp}/long", "cannot be listened on"),
        ("{out} --accounts {tmp}/long", "is no accounts file"),
        ("{out} --accounts {tmp}/none", "cannot be read"),
        ("{out} --token-file {tmp}/short", "has under 16 characters"),
        ("{out} --token-file {tmp}/long --accounts {tmp}/long", "one of them is enough"),
        ("{out} --tls-cert {tmp}/long", "go together"),
        ("{out} --tls-cert {tmp}/long --tls-key {tmp}/long", "cannot be used"),
        ("{out} --reviewer <script>", "is no name of a person"),
        ("{out} --honeypots {tmp}/none --port 0", "none"),
        ("{out} --role viewer", "--role needs --add-account"),
        ("--add-account kim", "--add-account needs --accounts FILE"),
        ("", "name an OUTPUT"),
        ("{out} --audit-log {tmp}/long/x", "the audit log cannot be written"),
    ],
)
def test_what_will_not_do_is_one_line(
    words: str, said: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "long").write_text("a secret that is long enough")
    (tmp_path / "short").write_text("short")
    assert main(["review", *words.format(out=output, tmp=tmp_path).split()]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line


def test_a_port_that_is_taken_is_one_line(
    output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["review", output, "--port", port]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line == f"archive-colorizer: 127.0.0.1 port {port}: cannot be listened on: " \
        "Address already in use"  # fmt: skip


def test_accounts_are_added_and_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "people.json"
    people = (
        ("Kim", "reviewer", "first password"), ("Lee", "viewer", "another one!"),
        ("Kim", "viewer", "second password"),
    )  # fmt: skip
    for name, role, word in people:
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{word}\n"))
        words = ["review", "--accounts", str(file), "--add-account", name, "--role", role]
        assert main(words) == 0
        assert f"{name} is a {role}" in capsys.readouterr().out
    said = json.loads(file.read_text())["accounts"]
    assert {name: one["role"] for name, one in said.items()} == {"Kim": "viewer", "Lee": "viewer"}
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["review", "--accounts", str(file), "--add-account", "Park"]) == 2
    assert "10 characters" in capsys.readouterr().err
    assert "Park" not in file.read_text()


def test_what_is_not_installed_is_told(
    output: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("archive_colorizer.extras.find_spec", lambda name: None)
    assert main(["review", output]) == 2
    assert "pip install 'archive-colorizer[desk]'" in capsys.readouterr().err
