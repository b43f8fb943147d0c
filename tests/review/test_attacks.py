"""What somebody who means harm sends to the desk, and what it answers."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from desks import SPOKEN, ask, change_rows, cookie_of, row_id

from archive_colorizer.web.accounts import Account

FIRST = row_id("a/00.jpg")
SCRIPT = '<img src=x onerror="alert(1)">'


@pytest.mark.parametrize(
    "target",
    [
        "/assets/../../../../etc/passwd", "/assets/..%2f..%2f..%2fpyproject.toml",
        "/assets/desk/%2e%2e/routes.py", "/assets//etc/passwd", "/assets/desk/..\\..\\x",
        "/thumb/after/..%2f..%2fjob.json.jpg", "/api/pictures/..%2f..%2fjob.json",
        "/api/pictures/%2e%2e%2fjob/before.jpg", "/api/pictures/x/../../../job.json",
        "/thumb/%2e%2e/x.jpg", "/job.json", "/manifest/", "/%00",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_package(reader: Any, standing: Any, target: str) -> None:
    status, headers, body = ask(standing, "GET", target, Cookie=cookie_of(reader))
    assert status in (404, 422)
    assert headers["Content-Type"] == "application/json"
    assert set(json.loads(body)) == {"error"}


@pytest.mark.parametrize(
    "values",
    [
        {"derivative_key": "../secret.jpg"}, {"derivative_key": "/etc/passwd"},
        {"derivative_key": None, "derivative_uri": "file:///etc/passwd"},
        {"derivative_key": "job.json"},
    ],
)  # fmt: skip
def test_a_forged_row_leads_to_no_file_outside_and_to_none_that_is_no_picture(
    open_desk: Callable[..., Any], store: Any, tmp_path: Path, coloured: Any, values: Any
) -> None:
    (tmp_path / "secret.jpg").write_bytes(store.read(coloured[0]["derivative_key"]))
    change_rows(store, thumbnail_key=None, derivative_sha256="f" * 64, **values)
    served = open_desk()
    kim = served.person("kim")
    for url in (f"/api/pictures/{FIRST}/after.jpg", f"/thumb/after/{FIRST}.jpg"):
        answer = kim.get(url)
        assert answer.status_code in (404, 422)
        assert answer.headers["content-type"] == "application/json"


def test_a_forged_sheet_is_not_read(
    open_desk: Callable[..., Any], store: Any, tmp_path: Path, coloured: Any
) -> None:
    sheet = store.read(coloured[0]["thumbnail_key"])
    (tmp_path / "sheet.jpg").write_bytes(sheet)
    change_rows(store, thumbnail_key="../sheet.jpg", thumbnail_index=5)
    served = open_desk()
    row = served.desk.catalog.find_listed(FIRST)
    assert served.desk.pictures._cut(row["thumbnail_key"], 5, "after", (1300, 900)) == b""


@pytest.mark.parametrize("scheme", ["http", "https", "ftp", "gopher"])
def test_no_row_makes_the_desk_ask_another_server(
    open_desk: Callable[..., Any], store: Any, scheme: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.settimeout(0.3)
        uri = f"{scheme}://127.0.0.1:{trap.getsockname()[1]}/latest/meta-data"
        change_rows(store, source_uri=uri)
        kim = open_desk().person("kim")
        answer = kim.get(f"/api/pictures/{FIRST}/before.jpg")
        assert (answer.status_code, answer.json()["error"]) == (
            404, "the master is not there any more",
        )  # fmt: skip
        with pytest.raises(TimeoutError):
            trap.accept()


@pytest.mark.parametrize(
    "place", ["s3://bucket/secret.jpg", "http://169.254.169.254/", "file:///etc/passwd"]
)
def test_no_request_names_a_place(reader: Any, place: str) -> None:
    for name in ("uri", "source_uri", "url", "path", "key"):
        assert reader.get("/api/pictures", params={name: place}).json()["total"] == 14
    assert reader.get("/api/pictures", params={"q": place}).json()["total"] == 0
    said = {"id": place, "sha256": "0" * 64, "verdict": "approved"}
    assert reader.post("/api/verdicts", json=said).status_code == 404


def test_names_and_notes_with_markup_stay_text(
    open_desk: Callable[..., Any], store: Any, coloured: Any
) -> None:
    change_rows(
        store, source_path=f"{SCRIPT}.jpg", object_id=SCRIPT, collection=SCRIPT,
        error_message=SCRIPT, source_path_raw=SCRIPT.encode(),
    )  # fmt: skip
    kim = open_desk().person("kim")
    (item,) = kim.get("/api/pictures", params={"q": "onerror"}).json()["items"]
    assert kim.say(item, "rejected", reason="other", note=SCRIPT + "\x1b[2J").status_code == 200
    for url in (
        "/api/session", "/api/pictures", f"/api/pictures/{item['id']}",
        f"/api/pictures/{SCRIPT}", f"/{SCRIPT}", f"/assets/{SCRIPT}",
        f"/api/pictures?sort={SCRIPT}",
    ):  # fmt: skip
        answer = kim.get(url)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
    own = kim.get(f"/api/pictures/{item['id']}").json()["own"]
    assert own["note"] == f"{SCRIPT}\ufffd[2J"


def test_a_page_of_another_site_can_do_nothing(kim: Any, lee: Any, served: Any) -> None:
    item = kim.get("/api/pictures?status=ok").json()["items"][0]
    body = {"id": item["id"], "sha256": item["sha256"], "verdict": "approved"}
    port = served.listener.port
    for headers in (
        {"X-CSRF-Token": ""}, {"X-CSRF-Token": lee.headers["X-CSRF-Token"]},
        {"Origin": "https://evil.example"}, {"Origin": "null"},
        {"Origin": f"http://127.0.0.1:{port + 1}"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):  # fmt: skip
        for url in ("/api/verdicts", "/api/undo", f"/api/pictures/{item['id']}/pins"):
            assert kim.post(url, json=body, headers=headers).status_code == 403, headers
    form = {"Content-Type": "text/plain", "X-CSRF-Token": ""}
    assert kim.post("/api/verdicts", content=json.dumps(body), headers=form).status_code == 403
    strange = {"Origin": "https://evil.example"}
    assert served.stranger().post("/api/login", json={}, headers=strange).status_code == 403
    assert kim.get("/api/verdicts").status_code == 405
    assert kim.get("/api/undo").status_code == 405
    assert served.desk.decisions.version == 0
    assert kim.say(item, "approved").status_code == 200
    home = {"Origin": served.url, "Sec-Fetch-Site": "same-origin"}
    assert kim.post("/api/undo", json={}, headers=home).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "", "["])
def test_a_name_that_was_made_to_lead_here_is_not_answered(
    reader: Any, standing: Any, host: str
) -> None:
    status, _, body = ask(standing, "GET", "/api/session", Host=host, Cookie=cookie_of(reader))
    assert status in (400, 421)
    assert b"csrf" not in body


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_this_machines_own_names_are_answered(reader: Any, standing: Any, host: str) -> None:
    status, *_ = ask(standing, "GET", "/api/session", Host=f"{host}:1", Cookie=cookie_of(reader))
    assert status == 200


def test_without_a_session_nothing_is_told(standing: Any) -> None:
    with standing.stranger() as stranger:
        for url in (
            "/api/session", "/api/pictures", f"/api/pictures/{FIRST}", "/api/queue",
            f"/thumb/after/{FIRST}.jpg", "/api/agreement", "/api/second-look",
            f"/api/pictures/{FIRST}/doubt.png", "/api/pins/x",
            f"/api/pictures/{FIRST}/after/9/0_0.jpg",
        ):  # fmt: skip
            answer = stranger.get(url)
            assert (answer.status_code, answer.json()["needs"]) == (401, "token")
        for url in ("/api/verdicts", "/api/undo", "/api/pictures/x/pins", "/api/logout"):
            assert stranger.post(url, json={}).status_code == 401
        assert stranger.get("/").status_code == 200
        assert stranger.get("/healthz").json() == {"status": "ok"}
        stranger.cookies.set(standing.entrance.door.cookie, "made-up")
        assert stranger.get("/api/session").status_code == 401
        for url in ("/docs", "/openapi.json", "/redoc"):
            assert stranger.get(url).status_code == 404


def test_the_key_of_the_start_opens_and_a_wrong_one_does_not(served: Any) -> None:
    with served.stranger() as stranger:
        assert stranger.get("/?key=wrong").status_code == 303
        assert stranger.get("/api/session").status_code == 401
        answer = stranger.get(f"/?key={served.entrance.token}")
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        said = answer.headers["set-cookie"].lower()
        assert "httponly" in said
        assert "samesite=strict" in said
        assert stranger.get("/api/session").json()["reviewer"] == "kim"
    with served.stranger() as stranger:
        assert stranger.post("/api/login", json={"token": "wrong"}).status_code == 401
        assert stranger.post("/api/login", json={"token": served.entrance.token}).status_code == 204
        assert stranger.get("/api/session").status_code == 200


def test_accounts_let_in_by_password_alone(
    open_desk: Callable[..., Any], accounts: dict[str, Account], tmp_path: Path
) -> None:
    served = open_desk(accounts)
    assert all(one.password_hash.startswith("$argon2id$") for one in accounts.values())
    with served.stranger() as stranger:
        assert stranger.get("/api/session").json()["needs"] == "password"
        answers = [
            stranger.post("/api/login", json={"name": name, "password": word})
            for name, word in (("김민지", "wrong password"), ("nobody\n", SPOKEN))
        ]
        assert [one.status_code for one in answers] == [401, 401]
        assert answers[0].json() == answers[1].json()
        assert stranger.post("/api/login", json={"token": served.entrance.token}).status_code == 401
        said = {"name": "김민지", "password": SPOKEN}
        assert stranger.post("/api/login", json=said).status_code == 204
        session = stranger.get("/api/session").json()
        assert session["reviewer"] == "김민지"
        secret = dict(stranger.cookies)
        token = {"X-CSRF-Token": session["csrf"]}
        left = stranger.post("/api/logout", headers=token)
        assert (left.status_code, left.headers["clear-site-data"]) == (204, '"cache"')
    with served.stranger() as stranger:
        stranger.cookies.update(secret)
        assert stranger.get("/api/session").status_code == 401
    lines = [json.loads(line) for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    assert [(one["what"], one["who"]) for one in lines] == [
        ("login refused", "김민지"), ("login refused", "nobody\n"), ("login refused", ""),
        ("login", "김민지"), ("logout", "김민지"),
    ]  # fmt: skip
    assert all(one["from"] == "127.0.0.1" and one["at"] for one in lines)


def test_who_only_looks_cannot_decide(
    open_desk: Callable[..., Any], accounts: dict[str, Account]
) -> None:
    served = open_desk(accounts)
    guest = served.person("guest", "viewer")
    item = guest.get("/api/pictures?status=ok").json()["items"][0]
    assert guest.say(item, "approved").status_code == 403
    for url in ("/api/undo", f"/api/pictures/{item['id']}/pins",
                f"/api/pictures/{item['id']}/pins/preview"):  # fmt: skip
        assert guest.post(url, json={"pins": []}).status_code == 403
    assert guest.get("/api/second-look").status_code == 403
    assert served.desk.decisions.version == 0
