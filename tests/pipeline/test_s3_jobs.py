"""Whole jobs on a real object store: both ways, inventories, resume, verify, refusals."""

import hashlib
import os
import posixpath
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import boto3
import numpy as np
import pyarrow.dataset as ds
import pytest
import tifffile
from html_pages import Page
from processes import command, soft_pictures, wait_until

from archive_colorizer.cli.main import main
from archive_colorizer.errors import LocationError, LockedError
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output.lease import Lock
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import JobReport, colorize
from archive_colorizer.storage import S3Settings, open_store, s3

pytestmark = pytest.mark.s3
Run = Callable[..., JobReport]


@pytest.fixture
def run(tiny_model: str) -> Run:
    def call(source: str, to: str, **sections: dict[str, Any]) -> JobReport:
        quick = {"color": {"model": tiny_model, "proxy_px": 64}, "run": {"engine": "local"}}
        config = overlay(JobConfig(source=source, output=to), quick, "test")
        return colorize(overlay(config, sections, "test"))

    return call


@pytest.fixture
def uploaded(bucket: str, masters: Path) -> str:
    """The five masters under a prefix, one of them with a Korean name."""
    s3 = boto3.client("s3")
    for path in sorted(masters.rglob("*")):
        if path.is_file():
            key = str(path.relative_to(masters)).replace("a/four.jpg", "a b/사진 #1.jpg")
            s3.upload_file(str(path), bucket, f"in/{key}")
    return f"s3://{bucket}/in"


def rows_of(location: str, folder: Path) -> list[dict[str, Any]]:
    """The manifest, fetched as anyone would."""
    store = open_store(location)
    for entry in store.list("manifest"):
        target = folder / entry.key
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(store.read(entry.key))
    return list(ds.dataset(folder / "manifest").to_table().to_pylist())


def test_from_and_to_the_store(uploaded: str, bucket: str, tmp_path: Path, run: Run) -> None:
    out = f"s3://{bucket}/out"
    report = run(uploaded, out)
    assert (report.ok, report.failed) == (5, 0)
    rows = rows_of(out, tmp_path)
    assert len(rows) == 5
    by_name = {row["source_uri"].rpartition("/")[2]: row for row in rows}
    row = by_name["사진 #1.jpg"]
    assert row["source_uri"] == f"{uploaded}/a b/사진 #1.jpg"
    assert row["source_path_raw"].decode() == "in/a b/사진 #1.jpg"
    assert row["derivative_uri"] == f"{out}/a b/사진 #1.colorized.jpg"
    assert row["etag"]
    assert row["source_mtime"] is None
    store = open_store(out)
    assert not verify(store).findings
    assert not list(store.list(".tmp"))
    assert not store.exists("job.lock")
    assert run(uploaded, out).ok == 0
    assert main(["status", out]) == 0
    assert main(["verify", out]) == 0


def test_a_master_that_changed_is_done_again(
    uploaded: str, bucket: str, masters: Path, run: Run
) -> None:
    out = f"s3://{bucket}/out"
    run(uploaded, out)
    boto3.client("s3").upload_file(str(masters / "a" / "four.jpg"), bucket, "in/one.jpg")
    assert run(uploaded, out).ok == 1
    assert not verify(open_store(out)).findings


def test_what_is_missing_is_done_and_nothing_twice(uploaded: str, bucket: str, run: Run) -> None:
    out = f"s3://{bucket}/out"
    assert run(uploaded, out, select={"limit": 2}).ok == 2
    report = run(uploaded, out)
    assert (report.ok, report.already) == (3, 2)


@pytest.mark.parametrize("there", [True, False])
def test_one_side_local(
    uploaded: str, bucket: str, masters: Path, tmp_path: Path, run: Run, there: bool
) -> None:
    if there:
        source, out = str(masters), f"s3://{bucket}/out"
    else:
        source, out = uploaded, str(tmp_path / "out")
    assert run(source, out).ok == 5
    assert not verify(open_store(out)).findings


def test_one_object_and_inventories(
    uploaded: str, bucket: str, masters: Path, tmp_path: Path, run: Run
) -> None:
    assert run(f"{uploaded}/one.jpg", f"s3://{bucket}/one").ok == 1
    lines = ["uri,object_id", "one.jpg,A1", f"{uploaded}/two.png,A2", "absent.jpg,A3"]
    open_store(uploaded).write_atomic("list.csv", "\n".join(lines).encode())
    report = run(f"{uploaded}/list.csv", f"s3://{bucket}/listed")
    assert (report.ok, report.errors) == (2, {"missing": 1})
    rows = rows_of(f"s3://{bucket}/listed", tmp_path / "listed")
    assert {row["object_id"] for row in rows} == {"A1", "A2", "A3"}
    assert open_store(f"s3://{bucket}/listed").exists("two.colorized.jpg")
    inventory = tmp_path / "mixed.csv"
    inventory.write_text(f"uri\n{uploaded}/one.jpg\n{masters}/two.png\n")
    assert run(str(inventory), f"s3://{bucket}/mixed").ok == 2


def test_dots_in_a_key_are_names_like_any_other(
    bucket: str, masters: Path, tmp_path: Path, run: Run
) -> None:
    keys = {"in/up.jpg": "one.jpg", "in/x/../up.jpg": "a/four.jpg", "in/./dot.jpg": "one.jpg",
            "in/a//double.jpg": "one.jpg", "in/.hidden/1.jpg": "one.jpg"}  # fmt: skip
    for key, name in keys.items():
        boto3.client("s3").upload_file(str(masters / name), bucket, key)
    out = f"s3://{bucket}/out"
    report = run(f"s3://{bucket}/in", out)
    assert report.ok == 4
    assert "1 file passed over: 1 hidden" in report.notes
    rows = {row["source_uri"]: row for row in rows_of(out, tmp_path)}
    for key in list(keys)[:-1]:
        row = rows[f"s3://{bucket}/{key}"]
        data = (masters / keys[key]).read_bytes()
        assert row["source_sha256"] == hashlib.sha256(data).hexdigest()
    assert len({row["derivative_uri"] for row in rows.values()}) == 4
    assert not verify(open_store(out)).findings


def test_a_large_tiff_goes_in_parts(bucket: str, tmp_path: Path, run: Run) -> None:
    (tmp_path / "large").mkdir()
    pixels = np.random.default_rng(0).integers(0, 65536, (1900, 2200)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "large" / "one.tif", pixels)
    out = f"s3://{bucket}/large"
    assert run(str(tmp_path / "large"), out, output={"format": "tiff"}).ok == 1
    store = open_store(out)
    (entry,) = (e for e in store.list() if e.key.endswith(".tif"))
    assert entry.size_bytes > 17 << 20
    assert "-" in (entry.etag or "")  # put together from parts
    assert not verify(store).findings


def test_places_that_overlap_are_refused(uploaded: str, bucket: str, run: Run) -> None:
    for out in (uploaded, f"{uploaded}/", f"{uploaded}/deeper", f"s3://{bucket}"):
        with pytest.raises(LocationError, match="OUTPUT may not"):
            run(uploaded, out)
    assert run(uploaded, f"{uploaded}-colour").ok == 5  # a name that begins alike is another


def test_a_second_job_on_the_same_output_is_refused(uploaded: str, bucket: str, run: Run) -> None:
    out = f"s3://{bucket}/out"
    with Lock(open_store(out)), pytest.raises(LockedError, match="another run holds it"):
        run(uploaded, out)
    assert run(uploaded, out).ok == 5


def test_a_file_that_is_not_ours_is_left(uploaded: str, bucket: str, run: Run) -> None:
    out = open_store(f"s3://{bucket}/out")
    out.write_atomic("one.colorized.jpg", b"somebody's")
    assert run(uploaded, f"s3://{bucket}/out").errors == {"write_error": 1}
    assert out.read("one.colorized.jpg") == b"somebody's"


@pytest.mark.parametrize("source", ["", "/one.jpg", "/list.csv"])
def test_nothing_goes_past_the_settings_of_the_job(
    uploaded: str, bucket: str, run: Run, object_store: Any, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, source: str,
) -> None:  # fmt: skip
    open_store(uploaded).write_atomic("list.csv", b"uri\none.jpg\n")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nothing answers there
    monkeypatch.setattr(s3, "PATIENCE_S", 0.0)
    s3.client.cache_clear()
    reached = {"s3_endpoint": object_store.url, "inline_mib": 0}  # each step reads masters itself
    out = f"s3://{bucket}/out"
    assert run(uploaded + source, out, run=reached).ok == (1 if source else 5)
    assert run(uploaded + source, str(tmp_path / "out"), run=reached).failed == 0
    settings = S3Settings(endpoint=object_store.url)
    assert not verify(open_store(out, settings), settings).findings
    for place in (out, str(tmp_path / "out")):
        for name in ("status", "verify"):
            assert main([name, place, "--s3-endpoint", object_store.url]) == 0


@pytest.mark.slow
def test_on_ray_by_the_command(uploaded: str, bucket: str, object_store: Any) -> None:
    env = {k: v for k, v in os.environ.items() if k != "AWS_ENDPOINT_URL"}
    command = [sys.executable, "-m", "archive_colorizer", "colorize", uploaded]
    done = subprocess.run(
        [*command, f"s3://{bucket}/ray", "--s3-endpoint", object_store.url, "--engine", "ray"],
        capture_output=True, text=True, env=env, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 coloured" in done.stdout
    assert not verify(open_store(f"s3://{bucket}/ray")).findings
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    record = open_store(f"s3://{bucket}/ray").read("job.json").decode()
    assert secret not in record + done.stdout + done.stderr


def test_a_store_in_trouble_costs_time_and_no_picture(
    uploaded: str, bucket: str, tmp_path: Path, run: Run, faulty: Any
) -> None:
    faulty.faults.extend(["slow_down", "reset", "cut", "error", "cut"] * 3)
    out = f"s3://{bucket}/out"
    assert run(uploaded, out, run={"s3_endpoint": faulty.url}).ok == 5
    assert len(faulty.played) == 15
    assert len(rows_of(out, tmp_path)) == 5
    assert not verify(open_store(out)).findings


@pytest.mark.slow
def test_the_store_goes_away_for_20_seconds_in_the_middle(
    bucket: str, object_store: Any, tmp_path: Path, tiny_model: str
) -> None:
    """Ray, the command, real processes."""
    soft_pictures(tmp_path / "many", 60, 800, 600)
    out = f"s3://{bucket}/out"
    words = command(tmp_path / "many", out, tiny_model)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        store = open_store(out)
        wait_until(lambda: sum(e.key.endswith(".jpg") for e in store.list()) >= 4, process, 240)
        object_store.stop()
        time.sleep(20)
        object_store.start()
        said, errors = process.communicate(timeout=400)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, said + errors
    assert len(rows_of(out, tmp_path)) == 60
    assert not verify(store).findings


def test_objects_folders_and_a_museums_inventory_are_sources_of_one_job(
    uploaded: str, bucket: str, masters: Path, tmp_path: Path, tiny_model: str
) -> None:
    """The inventory lies in the store, in cp949, and names objects by a column of its own."""
    client = boto3.client("s3")
    size = (masters / "a" / "four.jpg").stat().st_size
    text = f"번호;파일;size_bytes\n유리 1/2;a b/사진 #1.jpg;{size}\nC;D:\\in\\two.png;1\n"
    client.put_object(Bucket=bucket, Key="in/list.csv", Body=text.encode("cp949"))
    out = f"s3://{bucket}/out"
    config = JobConfig(
        source=f"{uploaded}/one.jpg",
        further=(f"{uploaded}/a", str(masters / "a" / "b"), f"{uploaded}/list.csv"),
        output=out,
    )
    config = overlay(
        config,
        {
            "select": {
                "columns": ["uri=파일", "object_id=번호"],
                "path_map": [f"D:/in={uploaded}"],
            },
            "output": {"name_by": "object_id"},
            "color": {"model": tiny_model, "proxy_px": 64},
            "run": {"engine": "local"},
        },
        "test",
    )
    report = colorize(config)
    assert "list.csv: read as cp949, separated by ;" in report.notes
    keys = {row["derivative_key"] for row in rows_of(out, tmp_path) if row["status"] == "ok"}
    assert keys == {
        "one.colorized.jpg", "three.colorized.jpg", "b/5.colorized.jpg", "5.colorized.jpg",
        "유리 1_2.colorized.jpg", "C.colorized.jpg",
    }  # fmt: skip


def test_a_report_in_the_store_opens_in_a_browser(uploaded: str, bucket: str, run: Run) -> None:
    out = f"s3://{bucket}/out"
    assert run(uploaded, out).page == f"{out}/report/index.html"
    s3 = boto3.client("s3")
    store = open_store(out)
    keys = {entry.key for entry in store.list()}
    pages = sorted(key for key in keys if key.endswith(".html"))
    assert len(pages) == 6
    linked = set()
    for key in pages:
        head = s3.head_object(Bucket=bucket, Key=f"out/{key}")
        assert head["ContentType"] == "text/html"
        for link in Page(store.read(key).decode()).links():
            if not link.startswith("data:"):
                assert "//" not in link
                linked.add(posixpath.normpath(f"{posixpath.dirname(key)}/{unquote(link)}"))
    assert linked <= keys
    assert "a b/사진 #1.colorized.jpg" in linked
    assert any(key.startswith("report/thumbnails/") for key in linked)


def test_a_pilot_from_and_to_the_store(uploaded: str, bucket: str, run: Run, masters: Path) -> None:
    out = f"s3://{bucket}/pilot"
    chosen = {"sample": 3, "sample_by": ["tone", "size"], "sample_seed": 2}
    report = run(uploaded, out, select=chosen)
    assert (report.ok, report.left) == (3, 2)
    assert report.pilot is not None
    assert (report.pilot.pictures, report.pilot.done, report.pilot.probed) == (5, 3, 5)
    again = run(uploaded, out, select=chosen)
    assert (again.worked, again.pilot) == (0, report.pilot)
    rest = run(uploaded, out)
    assert (rest.ok, rest.already, rest.pilot) == (2, 3, None)
