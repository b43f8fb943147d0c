"""A small real OUTPUT with all that is odd, made once; an object store; and how to export."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pytest
import tifffile
from exported import LARGE, Archive, Export
from PIL import Image

from archive_colorizer.exports.options import ExportOptions
from archive_colorizer.exports.run import export
from archive_colorizer.exports.shelf import Tally
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output import lease, reviews
from archive_colorizer.pipeline.output.reviews import Decision
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store, s3

NAMES = (
    "a photo.jpg", "한국 사진.jpg", "=1+1.png", "ctrl \x01 & <b>.jpg", "new\nline.jpg",
    os.fsdecode(b"caf\xe9.png"), "100%.jpg",
)  # fmt: skip


def drawn(height: int, width: int, seed: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return (90 + 60 * np.sin(x / 17 + seed) + 40 * (y <= height // 2)).clip(0, 255).astype(np.uint8)


def _write_masters(masters: Path, inventory: Path) -> None:
    masters.mkdir()
    for seed, name in enumerate(NAMES):
        Image.fromarray(drawn(60, 80, seed)).save(masters / name)
    Image.fromarray(drawn(*LARGE, 3)).save(masters / "large.jpg")
    pages = np.stack([drawn(60, 80, seed) for seed in (20, 21, 22)])
    tifffile.imwrite(masters / "album.tif", pages, photometric="minisblack")
    whole = (masters / "a photo.jpg").read_bytes()
    (masters / "cut.jpg").write_bytes(whole[: len(whole) - len(whole) // 4])
    glass = inventory.parent / "glass"
    glass.mkdir()
    for seed, name in enumerate(("recto.jpg", "verso.jpg", "other.jpg")):
        Image.fromarray(drawn(60, 80, 30 + seed)).save(glass / name)
    inventory.write_text(
        "uri,object_id,collection\nglass/recto.jpg,=cmd|' /C calc'!A0,Glass plates\n"
        "glass/verso.jpg,=cmd|' /C calc'!A0,Glass plates\nglass/other.jpg,G-2,유리건판\n",
        encoding="utf-8",
    )


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory, tiny_model: str) -> Archive:
    """Fifteen pictures, one of which fails; people decided on four of them."""
    folder = tmp_path_factory.mktemp("exports")
    made = Archive(folder / "masters", folder / "out", folder / "inventory.csv")
    _write_masters(made.masters, made.inventory)
    base = JobConfig(source=str(made.masters), further=(str(made.inventory),), output=str(made.out))
    quick = {
        "color": {"model": tiny_model, "proxy_px": 64}, "run": {"engine": "local"},
        "select": {"pages": "all"},
        "output": {"reversible": True, "mark": "strip", "access_px": 64},
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "SETTLE_S", 0.0)
        colorize(overlay(base, quick, "test"))
    said = (
        ("a photo.jpg", "anna", "approved", ""), ("a photo.jpg", "bo", "approved", "good"),
        ("large.jpg", "anna", "approved", ""), ("100%.jpg", "anna", "rejected", "\x0b=2+3 blue"),
        ("한국 사진.jpg", "anna", "approved", ""), ("한국 사진.jpg", "bo", "rejected", ""),
    )  # fmt: skip
    sums = {row["source_path"]: row for row in made.ok()}
    decisions = [
        Decision(
            decision_id=f"d{number}", row_id=sums[path]["row_id"], reviewer=who, verdict=verdict,
            derivative_sha256=sums[path]["derivative_sha256"], note=note,
            reason="foliage" if verdict == "rejected" else "", decided_at_us=1_700_000_000_000_000,
        )
        for number, (path, who, verdict, note) in enumerate(said)
    ]  # fmt: skip
    reviews.append(open_store(str(made.out)), decisions)
    return made


@pytest.fixture
def give(archive: Archive, tmp_path: Path) -> Export:
    """Exports to `tmp_path / "dest"`, or to a place that is named."""

    def do(form: str, to: str = "", **options: Any) -> Tally:
        destination = open_store(to or str(tmp_path / "dest"))
        return export(open_store(str(archive.out)), destination, form, ExportOptions(**options))

    return do


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket in moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    s3.client.cache_clear()
    boto3.client("s3").create_bucket(Bucket="exports")
    try:
        yield "exports"
    finally:
        server.stop()
        s3.client.cache_clear()
