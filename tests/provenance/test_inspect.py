"""What `inspect` says of files of ours, of others, and of damaged ones; it asks no network."""

import io
import json
import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import described
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

from archive_colorizer.cli.main import main
from archive_colorizer.imaging.metadata import DIGITAL_SOURCE_TYPE
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.provenance.certificates import read_credentials
from archive_colorizer.provenance.inspection import Inspection, inspect
from archive_colorizer.provenance.signing import Signer
from archive_colorizer.provenance.trial_certificates import write_test_certificate

c2pa = pytest.importorskip("c2pa")
Job = Callable[..., JobConfig]
Rows = Callable[[Path], list[dict[str, Any]]]


def gray(height: int = 300, width: int = 400) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (110 + 60 * np.sin(x / 23) * np.cos(y / 31)).astype(np.uint8)


def saved(path: Path, picture: Image.Image, **more: Any) -> Path:
    picture.save(path, **more)
    return path


def signed(path: Path, folder: Path, **certificate: Any) -> Path:
    pair = write_test_certificate(folder, **certificate)
    row = {
        "row_id": "a" * 64, "derivative_mime": "image/jpeg",
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    }  # fmt: skip
    with path.open("r+b") as file:
        Signer(read_credentials(*map(str, pair))).sign(file, row)
    return path


def said(found: Inspection) -> tuple[bool, bool, str, bool]:
    """Whether there is an error, whether its XMP says it is ours, its signature, and its mark."""
    return bool(found.error), "row_id" in found.xmp, found.c2pa.state, found.watermark.found


def test_each_kind_of_file_has_its_outcome(signing_job: Job, rows: Rows, tmp_path: Path) -> None:
    assert colorize(signing_job(select={"include": ("one.jpg",)})).is_clean
    (row,) = rows(tmp_path / "out")
    ours = tmp_path / "out" / row["derivative_key"]
    data = ours.read_bytes()
    files = {
        "ours": (data, (False, True, "valid", False)),
        "one letter": (data.replace(b"estimate", b"Estimate", 1), (False, True, "changed", False)),
        "cut in its pixels": (data[: len(data) - len(data) // 8], (True, True, "changed", False)),
        "cut in its head": (data[: data.rindex(b"\xff\xc0")], (True, True, "none", False)),
        "another's": (described.master("jpeg"), (False, False, "none", False)),
        "no picture": (b"<!doctype html>", (True, False, "none", False)),
        "empty": (b"", (True, False, "none", False)),
    }  # fmt: skip
    for name, (content, wanted) in files.items():
        path = tmp_path / f"{name}.jpg"
        path.write_bytes(content)
        found = inspect(path)
        assert said(found) == wanted, name
        lines = list(found.lines())
        assert all(lines)
        assert not found.error or found.error in lines[0]
        assert json.loads(json.dumps(found.to_json()))["error"] == (found.error or None)
    whole = inspect(ours)
    assert whole.xmp["ai_system"] == "archive-colorizer, model tiny"
    assert whole.xmp["master_sha256"] == row["source_sha256"] == whole.c2pa.said["master"]["sha256"]
    assert "print" in inspect(tmp_path / "another's.jpg").xmp["digital_source_type"]
    saved(tmp_path / "plain.png", Image.fromarray(gray()))
    assert said(inspect(tmp_path / "plain.png")) == (False, False, "none", False)
    assert "No such file" in inspect(tmp_path / "gone.jpg").error
    assert inspect(tmp_path).error


@pytest.mark.slow
def test_an_expired_certificate_is_no_change(tmp_path: Path) -> None:
    path = saved(tmp_path / "old.jpg", Image.fromarray(gray()))
    signed(path, tmp_path / "keys", valid_for=timedelta(minutes=5, seconds=3))
    while (found := inspect(path)).c2pa.state == "valid":
        pass
    assert found.c2pa.state == "expired"
    assert any("unchanged" in line and "expired" in line for line in found.lines())


def test_signature_and_mark_say_the_same_job_to_who_has_the_key(
    signing_job: Job, masters: Path, rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photograph = Image.fromarray(load_sample_image("china.jpg")).convert("L")
    photograph.resize((900, 600)).save(masters / "china.png")
    key = tmp_path / "key"
    key.write_bytes(b"a key of this house")
    config = signing_job(
        color={"proxy_px": 256}, output={"watermark": "on"}, select={"include": ("china.png",)},
        run={"watermark_key": str(key)},
    )  # fmt: skip
    assert colorize(config).is_clean
    (row,) = rows(tmp_path / "out")
    path = tmp_path / "out" / row["derivative_key"]
    capsys.readouterr()
    assert main(["inspect", str(path), "--json", "--key", str(key)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["watermark"]["found"]
    assert found["watermark"]["job"] == int(row["watermark"], 16)
    assert found["c2pa"]["state"] == "valid"
    assert found["c2pa"]["watermark"] == row["watermark"] == found["xmp"]["job_id"][-8:]
    assert main(["inspect", str(path)]) == 0
    assert "none found" in capsys.readouterr().out
    assert main(["inspect", str(path), "--key", str(tmp_path / "none")]) == 2


def test_the_command_names_the_row_and_says_by_its_code_what_could_not_be_read(
    job: Job, rows: Rows, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert colorize(job(select={"include": ("one.jpg",)})).is_clean
    (row,) = rows(tmp_path / "out")
    ours = tmp_path / "out" / row["derivative_key"]
    elsewhere = shutil.copy(ours, tmp_path / "elsewhere.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    capsys.readouterr()
    assert main(["inspect", str(ours), str(elsewhere)]) == 0
    text = capsys.readouterr().out
    assert text.count(f"Row {row['row_id']}") == 2
    assert text.count(row["source_uri"]) == 1
    output = ["--output", str(tmp_path / "out")]
    assert main(["inspect", str(elsewhere), str(tmp_path / "text.jpg"), "--json", *output]) == 3
    one, other = map(json.loads, capsys.readouterr().out.splitlines())
    assert one["row"]["derivative_sha256"] == row["derivative_sha256"]
    assert one["row"]["is_current"]
    assert one["c2pa"]["state"] == "none"
    assert other["row"] is None
    assert other["error"].startswith("cannot be read: not a picture")
    assert other.keys() == one.keys() >= {"xmp", "c2pa", "watermark"}


def test_a_manifest_that_is_elsewhere_is_not_fetched(tmp_path: Path) -> None:
    asked: list[str] = []

    class Counts(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Counts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        chain, key = write_test_certificate(tmp_path)
        signer = c2pa.Signer.from_info(
            c2pa.C2paSignerInfo(
                alg=b"es256", sign_cert=chain.read_bytes(), private_key=key.read_bytes(),
                ta_url=None,
            )
        )  # fmt: skip
        action = {"action": "c2pa.created", "digitalSourceType": DIGITAL_SOURCE_TYPE}
        builder = c2pa.Builder(
            {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
        )
        builder.set_no_embed()
        builder.set_remote_url(f"http://127.0.0.1:{server.server_port}/manifest.c2pa")
        plain, remote = io.BytesIO(), io.BytesIO()
        Image.fromarray(gray()).save(plain, "JPEG")
        plain.seek(0)
        builder.sign(signer, "image/jpeg", plain, remote)
        path = tmp_path / "remote.jpg"
        path.write_bytes(remote.getvalue())
        found = inspect(path)
        assert (found.c2pa.state, asked) == ("unread", [])
        assert "127.0.0.1" in found.c2pa.reason
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_no_damage_ends_it(form: str, tmp_path: Path) -> None:
    pair = write_test_certificate(tmp_path / "keys")
    signer = Signer(read_credentials(*map(str, pair)))
    file = io.BytesIO()
    Image.fromarray(gray()).convert("RGB").save(file, form, xmp=described.XMP)
    row = {
        "row_id": "a" * 64, "derivative_mime": f"image/{form}",
        "digital_source_type": DIGITAL_SOURCE_TYPE,
    }  # fmt: skip
    signer.sign(file, row)
    whole, rng, states = np.frombuffer(file.getvalue(), np.uint8), np.random.default_rng(1), set()
    path = tmp_path / "damaged"
    for number in range(25):
        data = whole.copy()
        reach = len(data) if number % 2 else min(9000, len(data))
        data[rng.integers(0, reach, 3)] = rng.integers(0, 256, 3)
        path.write_bytes(
            data[: rng.integers(len(data) // 8, len(data))] if number % 5 == 0 else data
        )
        found = inspect(path)
        json.dumps(found.to_json())
        assert all(line.isprintable() for line in found.lines())
        states.add(found.c2pa.state)
    assert "changed" in states
    assert "valid" not in states


def test_nothing_in_a_strangers_file_steers_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd \x1b[31m\udcff.png"
    saved(path, Image.fromarray(gray()), pnginfo=None)
    assert main(["inspect", str(path)]) == 0
    assert main(["inspect", str(path), "--json"]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "odd ?[31m?.png" in said
