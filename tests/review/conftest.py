"""A desk over a small drawn OUTPUT, and people who sit at it."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from desks import SPOKEN, make_output

from archive_colorizer.review.app import make_desk_app
from archive_colorizer.review.config import ReviewConfig
from archive_colorizer.review.desk import Desk
from archive_colorizer.storage import DEFAULT_S3
from archive_colorizer.storage.local import LocalStore
from archive_colorizer.web.accounts import Account, add_account, read_accounts
from archive_colorizer.web.application import Entrance
from archive_colorizer.web.audit import AuditLog
from archive_colorizer.web.guard import LOOPBACK, Door
from archive_colorizer.web.serve import listen, make_server

KEY = "a-token-of-the-tests"


class Served:
    """A desk that answers on a port of this machine."""

    def __init__(self, desk: Desk, accounts: dict[str, Account], audit: AuditLog) -> None:
        self.desk, self.listener = desk, listen("127.0.0.1", 0)
        door = Door("http", self.listener.port, frozenset() if accounts else LOOPBACK)
        self.entrance = Entrance(door, audit, "kim", KEY, accounts)
        started = threading.Event()
        app = make_desk_app(desk, self.entrance)
        self._server = make_server(app, self.listener, started.set)
        sockets = [self.listener.sock]
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": sockets})
        self._thread.start()
        assert started.wait(20)
        self.url = self.listener.url.rstrip("/")
        self._clients: list[httpx.Client] = []

    def close(self) -> None:
        """End as Ctrl-C does."""
        for one in self._clients:
            one.close()
        self._server.should_exit = True
        self._thread.join()
        self.listener.sock.close()
        self.entrance.audit.close()

    def stranger(self) -> httpx.Client:
        """A browser without a session."""
        self._clients.append(httpx.Client(base_url=self.url, trust_env=False))
        return self._clients[-1]

    def person(self, name: str, role: str = "reviewer") -> "Person":
        """A browser with a session."""
        person = Person(self, name, role)
        self._clients.append(person)
        return person


class Person(httpx.Client):
    """A browser with a session."""

    def __init__(self, served: Served, name: str, role: str) -> None:
        secret = served.entrance.sessions.open(name, role)
        cookies = {served.entrance.door.cookie: secret}
        super().__init__(base_url=served.url, cookies=cookies, trust_env=False)
        self.headers["X-CSRF-Token"] = self.get("/api/session").json()["csrf"]

    def say(self, item: dict[str, Any], verdict: str, **more: Any) -> httpx.Response:
        """Give a verdict on an item of a list."""
        said = {"id": item["id"], "sha256": item["sha256"], "verdict": verdict}
        return self.post("/api/verdicts", json=said | more)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """An OUTPUT that nobody changes, and the rows of its coloured pictures."""
    folder = tmp_path_factory.mktemp("desk")
    return folder, make_output(folder / "masters", LocalStore(folder / "out"))


@pytest.fixture
def store(tmp_path: Path, made: tuple[Path, Any]) -> LocalStore:
    """A copy of it; the masters are shared."""
    shutil.copytree(made[0] / "out", tmp_path / "out")
    return LocalStore(tmp_path / "out")


@pytest.fixture
def coloured(made: tuple[Any, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return made[1]


@pytest.fixture
def open_desk(tmp_path: Path, store: LocalStore) -> Iterator[Callable[..., Served]]:
    """Opens a desk; settings and accounts may be given."""
    open_ones: list[Served] = []

    def make(accounts: dict[str, Account] | None = None, **settings: Any) -> Served:
        desk = Desk(store, DEFAULT_S3, ReviewConfig(**settings))
        served = Served(desk, accounts or {}, AuditLog(tmp_path / "audit.jsonl"))
        open_ones.append(served)
        return served

    yield make
    for served in open_ones:
        served.close()


@pytest.fixture(scope="session")
def standing(made: tuple[Path, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One desk for all tests that change nothing."""
    folder = tmp_path_factory.mktemp("standing")
    shutil.copytree(made[0] / "out", folder / "out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        desk = Desk(LocalStore(folder / "out"), DEFAULT_S3, ReviewConfig())
    served = Served(desk, {}, AuditLog(folder / "audit.jsonl"))
    yield served
    served.close()


@pytest.fixture(scope="session")
def reader(standing: Served) -> Person:
    """Somebody who may decide there, and only looks."""
    return standing.person("reader")


@pytest.fixture
def served(open_desk: Callable[..., Served]) -> Served:
    return open_desk()


@pytest.fixture
def kim(served: Served) -> Person:
    return served.person("kim")


@pytest.fixture
def lee(served: Served) -> Person:
    return served.person("lee")


@pytest.fixture
def accounts(tmp_path: Path) -> dict[str, Account]:
    """A reviewer and a viewer."""
    file = tmp_path / "people.json"
    add_account(file, "김민지", "reviewer", SPOKEN)
    add_account(file, "guest", "viewer", SPOKEN)
    assert file.stat().st_mode & 0o777 == 0o600
    assert SPOKEN not in file.read_text()
    return dict(read_accounts(file))
