"""The MLflow server of compose.yaml, with a real PostgreSQL behind it. Slow."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import yaml
from processes import free_port

from archive_colorizer.cli.main import main

COMPOSE = Path(__file__).parents[2] / "infra" / "compose.yaml"
NO_POSTGRES = "PostgreSQL is not installed (Debian: apt-get install postgresql)"


def program(name: str) -> str | None:
    """Of PostgreSQL's server; Debian keeps it off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return shutil.which(name) or (str(debian[-1]) if debian else None)


@pytest.fixture
def postgres() -> Iterator[tuple[int, str]]:
    """A PostgreSQL of its own on loopback, with user and database `mlflow`: port and password."""
    port, password = free_port(), secrets.token_hex(8)
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to be root
    with tempfile.TemporaryDirectory(prefix="pg") as scratch:  # sockets need short names
        place = Path(scratch)
        (place / "password").write_text(password)
        if user:
            for path in (place, place / "password"):
                shutil.chown(path, user)
        made = [program("initdb"), "--pgdata", place / "data", "--username", "mlflow",
                "--auth", "scram-sha-256", "--pwfile", place / "password"]  # fmt: skip
        subprocess.run([str(w) for w in made], user=user, check=True, stdout=subprocess.DEVNULL)
        words = [program("postgres"), "-D", place / "data", "-k", place, "-h", "127.0.0.1",
                 "-p", port]  # fmt: skip
        server = subprocess.Popen(
            [str(w) for w in words], user=user, cwd=place, stderr=subprocess.DEVNULL
        )
        try:
            ready(server, port, password)
            yield port, password
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=60)


def ready(server: subprocess.Popen[bytes], port: int, password: str) -> None:
    """Wait for the server, and make the database."""
    url = f"postgresql://mlflow:{password}@127.0.0.1:{port}/postgres"
    for _ in range(240):
        assert server.poll() is None, "PostgreSQL did not start"
        with contextlib.suppress(psycopg.OperationalError):
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("CREATE DATABASE mlflow")
            return
        time.sleep(0.25)
    raise TimeoutError("PostgreSQL does not answer")


@pytest.fixture
def tracking(postgres: tuple[int, str], tmp_path: Path) -> Iterator[str]:
    """The server's address; its command is that of compose.yaml, on this machine's places."""
    port, password = postgres
    own = free_port()
    text = COMPOSE.read_text(encoding="utf-8")
    words = yaml.safe_load(text)["services"]["mlflow"]["command"]
    here = {
        "0.0.0.0": "127.0.0.1",  # noqa: S104 (what is replaced)
        "${POSTGRES_PASSWORD:?}@postgres/": f"{password}@127.0.0.1:{port}/",
        "5000": str(own), "s3://mlflow/": str(tmp_path / "artifacts"),
    }  # fmt: skip
    for old, new in here.items():
        words = [word.replace(old, new) for word in words]
    log = tmp_path / "mlflow.log"
    with log.open("wb") as sink:
        server = subprocess.Popen(
            [sys.executable, "-m", *words], stdout=sink, stderr=sink, start_new_session=True
        )
    uri = f"http://127.0.0.1:{own}"
    try:
        for _ in range(600):
            assert server.poll() is None, log.read_text(errors="replace")[-4000:]
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{uri}/health", timeout=1).close()  # noqa: S310
                break
            time.sleep(0.5)
        yield uri
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.mark.slow
@pytest.mark.skipif(not program("initdb"), reason=NO_POSTGRES)
def test_a_model_that_is_registered_stands_in_the_database(
    tracking: str, postgres: tuple[int, str], tmp_path: Path, tiny_model: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["models", "register", tiny_model, "town"]) == 0
    assert main(["models", "list"]) == 0
    assert "town" in capsys.readouterr().out
    port, password = postgres
    url = f"postgresql://mlflow:{password}@127.0.0.1:{port}/mlflow"
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT name, version FROM model_versions").fetchall()
    assert found == [("town", 1)]
