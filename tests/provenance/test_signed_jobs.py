"""Whole jobs whose derivatives are signed: read back by C2PA's own reader, changed, resumed."""

import hashlib
import io
import json
import pickle
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.encode import MIMES
from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE, find_labels
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.job import steps
from archive_colorizer.pipeline.job_models import models_of
from archive_colorizer.pipeline.job_spec import make_spec
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.provenance import trial_certificates
from archive_colorizer.provenance.c2pa_reading import read_c2pa
from archive_colorizer.provenance.certificates import PASSWORD
from archive_colorizer.provenance.trial_certificates import write_test_certificate
from archive_colorizer.storage import open_store

c2pa = pytest.importorskip("c2pa")
Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_c2pas_own_reader_finds_what_the_row_says(
    form: str, signing_job: Job, rows: Rows, tmp_path: Path
) -> None:
    config = signing_job(output={"format": form}, select={"include": ("one.jpg",)})
    assert colorize(config).is_clean
    (row,) = rows(tmp_path / "out")
    path = tmp_path / "out" / row["derivative_key"]
    data = path.read_bytes()
    assert row["derivative_sha256"] == hashlib.sha256(data).hexdigest()
    with c2pa.Reader(MIMES[form], io.BytesIO(data)) as reader:
        said = json.loads(reader.json())
    manifest = said["manifests"][said["active_manifest"]]
    failures = said["validation_results"]["activeManifest"]["failure"]
    assert {failure["code"] for failure in failures} <= {"signingCredential.untrusted"}
    assert "thumbnail" not in manifest
    (parent,) = manifest["ingredients"]
    assert parent["relationship"] == "parentOf"
    assert parent["title"] == "one.jpg"
    assert row["source_sha256"] in parent["instance_id"]
    found = {one["label"]: one["data"] for one in manifest["assertions"]}
    opened, edited = found["c2pa.actions.v2"]["actions"]
    assert (opened["action"], edited["action"]) == ("c2pa.opened", "c2pa.edited")
    assert edited["digitalSourceType"] == DIGITAL_SOURCE_TYPE == row["digital_source_type"]
    own = found["org.archive-colorizer.colorization"]
    assert (own["row_id"], own["master_sha256"]) == (row["row_id"], row["source_sha256"])
    assert own["models"][0]["sha256"] == row["steps"][0]["weights_sha256"]
    assert own["settings"]["color"]["proxy_px"] == 64
    luminance = found["org.archive-colorizer.luminance"]
    assert luminance["luminance_p99"] == pytest.approx(row["luminance_p99"])
    assert (row["c2pa_state"], len(row["c2pa_sha256"])) == ("signed", 64)
    assert str(tmp_path).encode() not in data
    with path.open("rb") as file:
        assert find_labels(file)["rowId"] == row["row_id"]


def test_a_job_goes_on_and_verify_reads_its_signatures(
    signing_job: Job, rows: Rows, tmp_path: Path
) -> None:
    assert colorize(signing_job(select={"limit": 2})).ok == 2
    first = {row["row_id"]: row["derivative_sha256"] for row in rows(tmp_path / "out")}
    assert colorize(signing_job()).is_clean
    found = rows(tmp_path / "out")
    assert [row["c2pa_state"] for row in found] == ["signed"] * 5
    again = {row["row_id"]: row["derivative_sha256"] for row in found if row["row_id"] in first}
    assert again == first
    store = open_store(str(tmp_path / "out"))
    report = verify(store)
    assert not report.findings
    assert "5 signatures hold" in report.expected

    path = tmp_path / "out" / found[0]["derivative_key"]
    data = bytearray(path.read_bytes())
    data[-60] ^= 1  # in the pixels
    path.write_bytes(data)
    report = verify(store)
    assert {finding.what for finding in report.findings} == {
        "changed_derivative", "broken_signature",
    }  # fmt: skip
    (broken,) = (one.where for one in report.findings if one.what == "broken_signature")
    assert path.name in broken
    assert "dataHash.mismatch" in broken


def test_no_key_is_on_record_and_a_later_run_without_one_is_told(
    signing_job: Job, job: Job, certificate: tuple[str, str], rows: Rows, tmp_path: Path
) -> None:
    assert colorize(signing_job(select={"limit": 1})).ok == 1
    secret = Path(certificate[1]).read_text().splitlines()[1]
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret.encode() not in data
            assert certificate[1].encode() not in data
    report = colorize(job(select={"limit": 1}))
    assert any("--c2pa" in note for note in report.notes)
    assert [row["c2pa_state"] for row in rows(tmp_path / "out")] == ["signed", "none"]


def test_a_signature_that_fails_is_a_failed_row_and_ends_no_job(
    signing_job: Job, rows: Rows, tmp_path: Path
) -> None:
    nobody = "http://127.0.0.1:9/"  # the port that throws away: nothing listens
    report = colorize(signing_job(select={"limit": 2}, run={"c2pa_timestamp": nobody}))
    assert (report.ok, report.failed) == (0, 2)
    for row in rows(tmp_path / "out"):
        assert row["error_class"] == "sign_error"
        assert "cannot be signed" in row["error_message"]
    assert not list((tmp_path / "out").glob("**/*.colorized.jpg"))


def encrypted(key: Any, password: bytes) -> bytes:
    how = serialization.BestAvailableEncryption(password)
    form = serialization.PrivateFormat.PKCS8
    return bytes(key.private_bytes(serialization.Encoding.PEM, form, how))


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


@pytest.fixture
def command(masters: Path, tmp_path: Path, tiny_model: str) -> list[str]:
    return ["colorize", str(masters), str(tmp_path / "out"), "--model", tiny_model]


def test_what_is_wrong_is_said_before_anything_is_coloured(
    command: list[str], certificate: tuple[str, str], tmp_path: Path,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    chain, key = certificate
    _, other = write_test_certificate(tmp_path / "other")
    old, old_key = write_test_certificate(
        tmp_path / "old",
        valid_from=datetime.now(UTC) - timedelta(days=20), valid_for=timedelta(days=10),
    )  # fmt: skip
    locked = tmp_path / "locked.pem"
    private = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"right"),
        )
    )  # fmt: skip
    garbled = tmp_path / "garbled.pem"
    garbled.write_text("no certificate")

    def say(*paths: object) -> str:
        words = [*command, "--c2pa", str(paths[0]), "--c2pa-key", str(paths[1])]
        return refused(words, capsys)

    assert "is not the key of" in say(chain, other)
    assert "has expired on" in say(old, old_key)
    assert "No such file" in say(tmp_path / "none.pem", key)
    assert "holds no certificate" in say(garbled, key)
    assert "holds no private key" in say(chain, garbled)
    assert f"set {PASSWORD}" in say(chain, locked)
    monkeypatch.setenv(PASSWORD, "a-false-one")
    assert f"{PASSWORD} is not its password" in say(chain, locked)
    assert "a-false-one" not in say(chain, locked)
    assert "go together" in refused([*command, "--c2pa", chain], capsys)
    assert not (tmp_path / "out").exists()


def test_a_certificate_that_c2pa_forbids_is_refused(
    command: list[str], certificate: tuple[str, str], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    del certificate
    key = trial_certificates._make_key("es256")
    now = datetime.now(UTC)
    dates = (now - timedelta(days=1), now + timedelta(days=1))
    root = trial_certificates._make_certificate("signs itself", key, dates)
    (tmp_path / "root.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "root-key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )  # fmt: skip
    files = ["--c2pa", str(tmp_path / "root.pem"), "--c2pa-key", str(tmp_path / "root-key.pem")]
    assert "C2PA does not sign with it" in refused([*command, *files], capsys)


def test_one_file_is_signed_too(
    masters: Path, tmp_path: Path, tiny_model: str, certificate: tuple[str, str]
) -> None:
    out = tmp_path / "one.png"
    words = ["colorize", str(masters / "one.jpg"), str(out), "--model", tiny_model]
    assert main([*words, "--c2pa", certificate[0], "--c2pa-key", certificate[1]]) == 0
    with out.open("rb") as file:
        reading = read_c2pa(file, "image/png")
        assert reading.state == "valid"
        assert reading.said["row_id"] == find_labels(file)["rowId"]


def test_what_travels_to_workers_holds_no_key_and_they_read_it_themselves(
    signing_job: Job, certificate: tuple[str, str], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    private = serialization.load_pem_private_key(Path(certificate[1]).read_bytes(), None)
    (tmp_path / "locked.pem").write_bytes(encrypted(private, b"of this test"))
    monkeypatch.setenv(PASSWORD, "of this test")
    monkeypatch.chdir(tmp_path)
    config = signing_job(run={"c2pa_key": "locked.pem"})
    travels = pickle.dumps(steps(make_spec(config, models_of(config), owner="this run")))
    assert b"PRIVATE" not in travels
    assert b"of this test" not in travels
    monkeypatch.chdir("/")  # a relative path was the driver's
    *_, deliver, _ = pickle.loads(travels)  # noqa: S301 (our own)
    deliver.setup()
    with pytest.raises(TypeError, match="do not travel"):
        pickle.dumps(deliver._signer)
    write_test_certificate(tmp_path / "new")  # renewed meanwhile, on this node alone
    for old, new in zip(certificate, ("TEST-certificate.pem", "TEST-key.pem"), strict=True):
        shutil.copy(tmp_path / "new" / new, old)
    (tmp_path / "locked.pem").write_bytes(Path(certificate[1]).read_bytes())
    with pytest.raises(ConfigError, match="another certificate here"):
        pickle.loads(travels)[-2].setup()  # noqa: S301
