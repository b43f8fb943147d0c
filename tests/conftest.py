"""Fixtures that several parts use: a tiny model, and a small archive of drawn masters."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.dataset as ds
import pytest
import torch
from hypothesis import settings
from PIL import Image

from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.output import lease
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

if TYPE_CHECKING:
    from faulty import FaultyStore
    from store import ObjectStore

settings.register_profile("any machine", deadline=None)  # tests assert no time
settings.load_profile("any machine")
torch.set_num_threads(1)  # tiny networks on busy machines: threads wait for each other
CHROMIUM = Path("/usr/bin/chromium")
TINY = {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8}


def drawn(height: int = 120, width: int = 160, seed: int = 0) -> np.ndarray:
    """A grey picture with edges, slopes and grain."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    gray = 90 + 60 * np.sin(x / 17 + seed) + 40 * (y <= height // 2) + rng.normal(0, 2, x.shape)
    return np.clip(gray, 0, 255).astype(np.uint8)


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else wants a test's OUTPUT, so its lease need not wait; tests of leases do."""
    if "lease" not in request.node.nodeid:
        monkeypatch.setattr(lease, "SETTLE_S", 0.0)


@pytest.fixture
def ray_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """One token for all clusters of this process: Ray reads how to ask for it only once."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "a-throwaway-token-of-these-tests-0123456789")


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Folder of an untrained network of the default's family: quick, and it does give chroma."""
    folder = tmp_path_factory.mktemp("tiny")
    torch.manual_seed(1)
    card = ModelCard(
        name="tiny", version="1", family="chroma_unet", config=TINY, data_rights="cleared"
    )
    save_model(folder, MODELS["chroma_unet"].build_from(TINY), card)
    return str(folder)


@pytest.fixture
def masters(tmp_path: Path) -> Path:
    """Five grey masters in nested folders."""
    folder = tmp_path / "masters"
    (folder / "a" / "b").mkdir(parents=True)
    for number, name in enumerate(["one.jpg", "two.png", "a/three.tif", "a/four.jpg", "a/b/5.bmp"]):
        Image.fromarray(drawn(seed=number)).save(folder / name)
    return folder


@pytest.fixture
def job(masters: Path, tmp_path: Path, tiny_model: str) -> Callable[..., JobConfig]:
    """A configuration of a quick job on `masters`; sections can be laid over it."""

    def make(**sections: dict[str, Any]) -> JobConfig:
        base = JobConfig(source=str(masters), output=str(tmp_path / "out"))
        quick = {"color": {"model": tiny_model, "proxy_px": 64}, "run": {"engine": "local"}}
        return overlay(overlay(base, quick, "test"), sections, "test")

    return make


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser. While it is open, asyncio's loop runs in this thread: other tests want none."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.exists():
        pytest.skip(f"no {CHROMIUM}: `make tools` installs it")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def rows() -> Callable[[str | Path], list[dict[str, Any]]]:
    """The manifest as plain Parquet, by source name."""

    def read(output: str | Path) -> list[dict[str, Any]]:
        table = ds.dataset(Path(output) / "manifest").to_table()
        return sorted(table.to_pylist(), key=lambda row: row["source_uri"])

    return read


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator["ObjectStore"]:
    """A real S3-compatible store on loopback; only tests marked s3 may ask for it."""
    from store import ObjectStore

    store = ObjectStore(tmp_path_factory.mktemp("swift"))
    try:
        store.start()
        yield store
    finally:
        store.stop()


@pytest.fixture
def bucket(object_store: "ObjectStore", monkeypatch: pytest.MonkeyPatch) -> str:
    """A new bucket, with this process's environment set for it."""
    import uuid

    import boto3

    from archive_colorizer.storage import s3

    for name, value in object_store.env.items():
        monkeypatch.setenv(name, value)
    s3.client.cache_clear()
    name = f"b-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture
def faulty(object_store: "ObjectStore", bucket: str) -> Iterator["FaultyStore"]:
    """The store behind a proxy that answers badly when it is told to."""
    from faulty import FaultyStore

    proxy = FaultyStore(object_store.port)
    try:
        yield proxy
    finally:
        proxy.close()


def pytest_collection_finish(session: pytest.Session) -> None:
    """No test file may load Ray: it reads the environment's token but once, and tests set one."""
    if "ray" in sys.modules:
        raise pytest.UsageError("a test file imports Ray as it is collected: import it in the test")
