"""What every page shares: assets under a stamp, the audit log, hosts, names."""

import json
from pathlib import Path

import pytest

from archive_colorizer.errors import ConfigError
from archive_colorizer.web.accounts import check_name, read_accounts
from archive_colorizer.web.assets import Assets
from archive_colorizer.web.audit import AuditLog
from archive_colorizer.web.guard import cookie_of
from archive_colorizer.web.serve import is_loopback
from archive_colorizer.web.sessions import Sessions


def test_assets_have_a_stamp_of_all_that_they_are(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "page.js").write_text("1")
    (tmp_path / "deep" / "a.css").write_text("2")
    first = Assets.read({"desk": tmp_path})
    assert first.files["desk/page.js"].kind.startswith("text/javascript")
    assert first.find(f"{first.stamp}/desk/deep/a.css")[1]
    assert first.find("desk/deep/a.css") == (first.files["desk/deep/a.css"], False)
    assert first.find(f"{first.stamp}/desk/../desk/page.js")[0] is None
    assert first.stamped(b'<script src="/assets/desk/page.js">') == (
        f'<script src="/assets/{first.stamp}/desk/page.js">'.encode()
    )
    (tmp_path / "deep" / "a.css").write_text("3")
    assert Assets.read({"desk": tmp_path}).stamp != first.stamp
    assert Assets.read({"desk": tmp_path / "none"}).files == {}


def test_the_audit_log_is_only_added_to(tmp_path: Path) -> None:
    for number in range(2):
        log = AuditLog(tmp_path / "folder" / "log.jsonl")
        log.write("verdict", "kim\n{}", "::1", picture=number)
        log.close()
    path = tmp_path / "folder" / "log.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["who"], one["picture"]) for one in lines] == [("kim\n{}", 0), ("kim\n{}", 1)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_audit_log_that_fails_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = AuditLog(tmp_path / "log.jsonl")
    log.close()
    for _ in range(3):
        log.write("verdict", "kim", "::1")
    assert caplog.text.count("cannot be written") == 1


@pytest.mark.parametrize("name", ["kim", "김민지", "Kim Min-ji", "j.doe@museum.org", "a_1", "É"])
def test_people_have_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", " kim", "kim ", "<b>", "a\nb", "-x", "_", "a/b", "x" * 65])
def test_what_is_no_name_is_told(name: str) -> None:
    with pytest.raises(ConfigError, match="no name of a person"):
        check_name(name)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"accounts": []}', '{"accounts": {"kim": 1}}',
        '{"accounts": {"kim": {"role": "king", "password": "x"}}}',
        '{"accounts": {"kim": {"role": "viewer"}}}',
    ],
)  # fmt: skip
def test_what_is_no_accounts_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "people.json").write_text(text)
    with pytest.raises(ConfigError, match="no accounts file"):
        read_accounts(tmp_path / "people.json")


def test_sessions_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("archive_colorizer.web.sessions.time.monotonic", lambda: now[0])
    monkeypatch.setattr("archive_colorizer.web.sessions.MOST", 2)
    sessions = Sessions()
    secrets = [sessions.open(name, "reviewer") for name in ("kim", "lee", "park")]
    assert sessions.find(secrets[0]) is None  # too many
    for _ in range(20):
        now[0] += 11 * 3600
        found = sessions.find(secrets[1])
    assert found is None  # a week is over, though it was used
    assert sessions.find(secrets[2]) is None  # it was not used


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True),
        ("10.0.0.1", False), ("::", False), ("192.168.1.5", False), ("localhost.evil.org", False),
    ],
)  # fmt: skip
def test_loopback_is_told_from_others(host: str, is_own: bool) -> None:
    assert is_loopback(host) is is_own


@pytest.mark.parametrize("header", ["", "=", "x", 'a="', "é=1; b", "a=1;;;"])
def test_cookies_that_make_no_sense_are_none(header: str) -> None:
    assert cookie_of(header, "desk") == ""
    assert cookie_of("other=1; desk=secret", "desk") == "secret"
