"""Limits of the desk: rates, bytes, pixels, waiting work; and what every answer has."""

import socket
import struct
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from desks import SPOKEN, ask, change_rows, cookie_of, row_id

from archive_colorizer.review import workshop
from archive_colorizer.web import application, guard
from archive_colorizer.web.accounts import Account
from archive_colorizer.web.rates import Limiter, Rate

FIRST = row_id("a/00.jpg")


def test_passwords_cannot_be_tried_for_long(
    open_desk: Callable[..., Any], accounts: dict[str, Account]
) -> None:
    with open_desk(accounts).stranger() as stranger:
        said = {"name": "김민지", "password": "wrong password"}
        codes = [stranger.post("/api/login", json=said).status_code for _ in range(8)]
        assert codes == [401] * 5 + [429] * 3
        said["password"] = SPOKEN
        answer = stranger.post("/api/login", json=said)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1


def test_requests_have_a_rate(
    open_desk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "WITHOUT_SESSION", Rate(burst=5, per_s=0.01))
    monkeypatch.setattr(guard, "WITH_SESSION", Rate(burst=8, per_s=0.01))
    served = open_desk()
    kim = served.person("kim")
    codes = [kim.get("/api/queue").status_code for _ in range(9)]
    assert codes.count(429) == 2
    made_up = [
        ask(served, "GET", "/", Cookie=f"{served.entrance.door.cookie}=x{i}")[0] for i in range(7)
    ]
    assert made_up.count(429) == 2


def test_a_bucket_fills_again_and_is_forgotten() -> None:
    limiter = Limiter(Rate(burst=1, per_s=50))
    assert limiter.wait_s("a") == 0
    assert 0 < limiter.wait_s("a") <= 0.02
    time.sleep(0.03)
    assert limiter.wait_s("a") == 0


def test_bodies_have_a_size_and_a_time(
    kim: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = b'{"token": "' + b"x" * guard.MAX_BODY_BYTES + b'"}'
    json_kind = {"Content_Type": "application/json"}
    assert ask(served, "POST", "/api/login", long, **json_kind)[0] == 413
    said = {"Content_Type": "application/json", "Content_Length": str(1 << 40)}
    assert ask(served, "POST", "/api/login", b"{}", **said)[0] == 413
    address = ("127.0.0.1", served.listener.port)
    with socket.create_connection(address, 20) as sock:  # no length is said
        sock.sendall(b"POST /api/login HTTP/1.1\r\nHost: localhost\r\n"
                     b"Content-Type: application/json\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n")  # fmt: skip
        for _ in range(3):
            sock.sendall(b"%x\r\n%s\r\n" % (1 << 15, b"x" * (1 << 15)))
        assert sock.recv(64).startswith(b"HTTP/1.1 413")
    monkeypatch.setattr(guard, "BODY_TIMEOUT_S", 0.2)
    with socket.create_connection(address, 20) as sock:  # it does not come
        sock.sendall(b"POST /api/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")
        assert sock.recv(64).startswith(b"HTTP/1.1 408")
    assert ask(served, "GET", f"/api/pictures?q={'x' * 5000}", Cookie=cookie_of(kim))[0] == 414
    note = {"id": "x", "sha256": "x", "verdict": "later", "note": "x" * 2001}
    assert kim.post("/api/verdicts", json=note).status_code == 422


@pytest.mark.parametrize(
    "said",
    [
        {}, {"id": "x"}, [], "x", {"id": "x", "sha256": "x", "verdict": "undone"},
        {"id": "x", "sha256": "x", "verdict": "approved", "seconds": -1},
        {"id": ["x"], "sha256": "x", "verdict": "approved"},
        {"id": "x", "sha256": "x", "verdict": "approved", "reason": "because"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_line(reader: Any, said: Any) -> None:
    answer = reader.post("/api/verdicts", json=said)
    assert answer.status_code == 422
    assert "\n" not in answer.json()["error"]


def test_a_bomb_of_pixels_is_not_decoded(
    open_desk: Callable[..., Any], store: Any, coloured: Any
) -> None:
    store.write_atomic(coloured[0]["derivative_key"], make_bomb(60_000, 60_000))
    change_rows(store, thumbnail_key=None, derivative_sha256="e" * 64)
    kim = open_desk().person("kim")
    began_s = time.monotonic()
    answer = kim.get(f"/api/pictures/{FIRST}/after.jpg")
    assert answer.status_code == 422
    assert "3600 megapixels; the limit is 400" in answer.json()["error"]
    assert time.monotonic() - began_s < 5


def make_bomb(width: int, height: int) -> bytes:
    """A small PNG that says it is huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


def test_pictures_are_not_queued_without_end(
    open_desk: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, coloured: Any
) -> None:
    monkeypatch.setattr(workshop, "MOST_WAITING", 2)
    served = open_desk()
    desk = served.desk
    desk.pictures._workshop = workshop.Workshop(1, 2)
    gate, begun = threading.Event(), threading.Event()

    def slow(*_: object) -> Any:
        begun.set()
        assert gate.wait(20)
        raise application.RefusedError(404, "never mind")

    monkeypatch.setattr(desk.pictures._reader, "read_small", slow)
    people = [served.person("kim") for _ in range(3)]
    codes: list[int] = []

    def look(at: int) -> None:
        answer = people[at].get(f"/api/pictures/{coloured[at]['row_id']}/after.jpg")
        codes.append(answer.status_code)
        if answer.status_code == 503:
            assert answer.headers["retry-after"]

    threads = [threading.Thread(target=look, args=(at,)) for at in (0, 1)]
    for one in threads:
        one.start()
    assert begun.wait(20)
    while len(desk.pictures._workshop._under_way) < 2:
        time.sleep(0.01)
    look(2)
    assert codes == [503]
    gate.set()
    for one in threads:
        one.join()
    assert codes == [503, 404, 404]


def test_every_answer_has_the_headers(reader: Any, standing: Any) -> None:
    stamp = standing.person("reader").get("/").text.partition("/assets/")[2].partition("/")[0]
    for url in ("/", "/api/session", "/nowhere", "/api/pictures?sort=x", "/api/pictures/none",
                f"/thumb/after/{FIRST}.jpg?v=1",
                f"/assets/{stamp}/web/base.css"):  # fmt: skip
        headers = reader.get(url).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers
        kept = (
            "private, max-age=31536000, immutable" if ("v=1" in url or stamp in url) else "no-store"
        )
        assert headers["cache-control"] == kept, url
    for header in ("Host", "Origin"):
        _, refused, _ = ask(standing, "POST", "/api/login", **{header: "evil.example"})
        assert refused["X-Frame-Options"] == "DENY"


def test_a_fault_of_the_program_tells_nothing_of_it(
    kim: Any, served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served.desk, "count_agreement", lambda session: 1 / 0)
    answer = kim.get("/api/agreement")
    assert answer.status_code == 500
    assert "division" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
