"""The real desk on a real OUTPUT, and Chromium before it."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_browser import PASSWORD, DeskProcess
from desk_pictures import write_archive
from processes import free_port

import archive_colorizer as ac

OPENSEADRAGON_STYLE = "sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE="
"""An inline style that OpenSeadragon tries, and is not missed."""


@pytest.fixture(scope="session")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An OUTPUT of 27 coloured pictures, one that failed and one left out."""
    folder = tmp_path_factory.mktemp("desk")
    write_archive(folder / "scans")
    ac.colorize(folder / "scans", folder / "colour", engine="local")
    return folder / "colour"


@pytest.fixture
def start_desk(coloured: Path, tmp_path: Path) -> Iterator[Callable[..., DeskProcess]]:
    """Start desks, each test's on a copy of its own."""
    started: list[DeskProcess] = []

    def start(*words: str) -> DeskProcess:
        started.append(_start(coloured, tmp_path, *words))
        return started[-1]

    yield start
    for desk in started:
        _stop(desk)


@pytest.fixture(scope="session")
def desk(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskProcess]:
    """One desk for the tests that only look."""
    running = _start(coloured, tmp_path_factory.mktemp("looked-at"))
    yield running
    _stop(running)


def _start(coloured: Path, folder: Path, *words: str) -> DeskProcess:
    output = folder / "colour"
    shutil.copytree(coloured, output)
    command = [sys.executable, "-m", "archive_colorizer", "review", str(output)]
    command += ["--port", str(free_port()), "--audit-log", str(folder / "audit.jsonl"), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    line = process.stdout.readline()
    assert line.startswith("review: http"), line
    return DeskProcess(output, line.removeprefix("review: ").strip(), process)


def _stop(desk: DeskProcess) -> None:
    desk.process.send_signal(signal.SIGTERM)
    desk.process.wait(timeout=20)
    assert desk.process.stdout
    desk.process.stdout.close()


@pytest.fixture
def accounts(tmp_path: Path) -> str:
    """Accounts: anna and boris judge, vera looks; one password for all."""
    file = tmp_path / "people.json"
    for name, role in {"anna": "reviewer", "boris": "reviewer", "vera": "viewer"}.items():
        command = [sys.executable, "-m", "archive_colorizer", "review", "--accounts", str(file)]
        command += ["--add-account", name, "--role", role]
        subprocess.run(command, input=f"{PASSWORD}\n", text=True, check=True, capture_output=True)
    return str(file)


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open pages, each in a context of its own; none may report an error of a script or the CSP."""
    contexts: list[Any] = []
    wrong: list[str] = []

    def make(
        width: int = 1440, height: int = 900, locale: str = "en-GB", motion: str = "reduce"
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height}, locale=locale, reduced_motion=motion
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: _note(line, wrong))
        return page

    yield make
    for context in contexts:
        context.close()
    assert wrong == []


def _note(line: Any, wrong: list[str]) -> None:
    """A refused or lost request is reported as an error, too; tests make some on purpose."""
    known = ("Failed to load resource", OPENSEADRAGON_STYLE)
    if line.type == "error" and not any(one in line.text for one in known):
        wrong.append(line.text)
