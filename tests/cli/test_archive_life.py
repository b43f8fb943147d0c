"""The life of an OUTPUT by the command line, on a folder and on an object store."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import pyarrow.dataset as ds
import pytest
import torch
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.models.table import MODELS
from archive_colorizer.storage import open_store
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

TINY = {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8}


class Place:
    """Masters and OUTPUT, on a folder or in a bucket."""

    def __init__(self, root: str, folder: Path) -> None:
        self.root, self._folder = root, folder

    def at(self, name: str) -> str:
        return f"{self.root}/{name}"

    def put(self, name: str, value: int) -> None:
        """A grey ramp; another value gives other bytes."""
        path = self._folder / "scratch.png"
        pixels = np.linspace(value, value + 80, 80)[None].repeat(60, 0).astype(np.uint8)
        Image.fromarray(pixels).save(path)
        self.put_bytes(name, path.read_bytes())

    def put_bytes(self, name: str, data: bytes) -> None:
        open_store(self.root).write_atomic(name, data)

    def move(self, old: str, new: str) -> None:
        """What an archive does without telling anybody: other times, other ETags or places."""
        store = open_store(self.root)
        for entry in list(store.list(old)):
            store.write_atomic(new + entry.key.removeprefix(old), store.read(entry.key))
            store.delete(entry.key)

    def delete(self, name: str) -> None:
        open_store(self.root).delete(name)

    def derivatives(self) -> dict[str, bytes]:
        store = open_store(self.at("out"))
        keys = [one.key for one in store.list() if one.key.endswith((".jpg", ".png"))]
        return {key: store.read(key) for key in keys if not key.startswith(("history/", "report/"))}

    def rows(self) -> list[dict[str, Any]]:
        target = self._folder / "manifest"
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir()
        store = open_store(self.at("out"))
        for number, entry in enumerate(store.list("manifest")):
            (target / f"{number}.parquet").write_bytes(store.read(entry.key))
        return list(ds.dataset(target).to_table().to_pylist())


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.s3)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "folder":
        yield Place(str(tmp_path / "archive"), tmp_path)
        return
    bucket = request.getfixturevalue("bucket")
    assert boto3.client("s3").head_bucket(Bucket=bucket)
    yield Place(f"s3://{bucket}/archive", tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> Callable[[int], str]:
    def make(seed: int) -> str:
        torch.manual_seed(seed)
        card = ModelCard(name="tiny", version=str(seed), family="chroma_unet", config=TINY)
        save_model(tmp_path / str(seed), MODELS["chroma_unet"].build_from(TINY), card)
        return str(tmp_path / str(seed))

    return make


@pytest.mark.slow
def test_an_archive_moves_is_touched_shared_and_promoted(
    place: Place,
    model: Callable[[int], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)

    def ac(*words: str) -> tuple[int, str]:
        code = main(list(words))
        said = capsys.readouterr()
        return code, said.out + said.err

    def colorize(source: str, *words: str) -> tuple[int, str]:
        return ac("colorize", place.at(source), place.at("out"), "--engine", "local", *words)

    Image.new("RGB", (64, 64), (200, 90, 40)).save(tmp_path / "photo.png")
    (tmp_path / "policy.yaml").write_text("gates:\n- {metric: ciede2000, at_most: 200}\n")
    (tmp_path / "photos").mkdir()
    for seed in range(3):
        rgb = np.random.default_rng(seed).integers(60, 200, (4, 4, 3)).astype(np.uint8)
        Image.fromarray(rgb).resize((64, 64)).save(tmp_path / "photos" / f"{seed}.png")
    judge = ("--on", str(tmp_path / "photos"), "--size", "64",
             "--policy", str(tmp_path / "policy.yaml"))  # fmt: skip
    assert ac("models", "register", model(1), "town")[0] == 0
    code, said = ac("models", "promote", "town", *judge)
    assert code == 0, said

    # A first run; a second source of the same names; a later promotion changes neither.
    for name, value in (("a.png", 20), ("b.png", 60), ("box/c.png", 100)):
        place.put(f"scans/{name}", value)
    place.put("more/a.png", 140)
    first = ("--model", "models:/town@champion", "--proxy-px", "64")
    code, said = colorize("scans", *first)
    assert (code, "3 coloured" in said) == (0, True), said
    made, ids = place.derivatives(), {row["row_id"] for row in place.rows()}
    code, said = colorize("more")
    assert (code, "1 coloured" in said) == (0, True), said
    assert place.derivatives().items() > made.items()
    assert ac("models", "register", model(2), "town")[0] == 0
    assert ac("models", "promote", "town", *judge)[0] == 0
    made = place.derivatives()
    code, said = colorize("scans", *first)
    assert (code, "nothing to do" in said) == (0, True), said
    place.put("scans/later.png", 40)
    assert colorize("scans")[0] == 0
    weights = {row["steps"][0]["weights_sha256"] for row in place.rows()}
    assert len(weights) == 1
    assert {row["steps"][0]["model_version"] for row in place.rows()} == {"1"}
    assert place.derivatives().items() > made.items()

    # Masters move, and come without their times.
    made = place.derivatives()
    place.move("scans", "vault/scans")
    code, said = ac("relocate", place.at("out"), "--from", place.at("scans"),
                    "--to", place.at("vault/scans"))  # fmt: skip
    assert (code, "4 masters" in said) == (0, True), said
    code, said = colorize("vault/scans")
    assert (code, "nothing to do" in said) == (0, True), said
    assert {row["row_id"] for row in place.rows()} >= ids
    assert place.derivatives() == made
    assert ac("verify", place.at("out"))[0] == 0

    # Other settings are refused until they are meant; other weights until they are adopted.
    code, said = colorize("vault/scans", "--vividness", "0.9")
    assert code == 2
    assert "color.vividness is None in OUTPUT, 0.9 was given: 4 finished pictures" in said
    assert place.derivatives() == made
    code, said = colorize("vault/scans", "--adopt")
    assert code == 0, said
    assert "--adopt: 4 pictures are coloured anew by tiny 2" in said
    assert colorize("more", "--adopt")[0] == 0
    assert {row["steps"][0]["model_version"] for row in place.rows()} == {"2"}
    assert place.derivatives().keys() == made.keys()

    # A derivative goes; a master changes, then is broken; one is excluded for good.
    place.delete("out/b.colorized.jpg")
    code, said = colorize("vault/scans")
    assert (code, "1 coloured" in said) == (0, True), said
    place.put("vault/scans/b.png", 90)
    place.put_bytes("vault/scans/box/c.png", b"broken since")
    code, said = colorize("vault/scans")
    assert (code, "1 coloured, 0 skipped, 1 failed" in said) == (3, True), said
    code, said = colorize("vault/scans")
    assert (code, "1 failed before" in said) == (3, True), said
    (tmp_path / "list.txt").write_text(".\\a.png  # the family asked\n")
    code, said = colorize("vault/scans", "--exclude-list", str(tmp_path / "list.txt"))
    assert (code, "1 x excluded" in said) == (3, True), said
    code, said = colorize("vault/scans", "--retry-failed")
    assert "a.colorized.jpg" not in place.derivatives()
    assert "1 pictures stay excluded" in said
    code, said = ac("verify", place.at("out"))
    assert code == 0, said
    assert not os.path.exists(str(tmp_path / "archive" / "out" / "job.lock"))  # noqa: PTH110
