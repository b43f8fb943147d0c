"""Training from an object store and into one: the same as on a disk, and nothing left here."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest
import torch
from safetensors.torch import load, load_file

from archive_colorizer.cli.main import main
from archive_colorizer.errors import LocationError
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import S3Settings, Store, open_store, s3
from archive_colorizer.storage.workspace import Workspace
from archive_colorizer.training.follower import read_last_line
from archive_colorizer.training.journal import LOSSES, losses, validations
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.run import train

pytestmark = pytest.mark.s3
TINY = ["--set", "model.widths=[4,8,8,8,8]", "--set", "model.blocks=[1,1,1,1,1]",
        "--set", "model.head=8", "--set", "feed.crop_px=32", "--batch-size", "4",
        "--set", "loop.epoch_steps=3", "--engine", "local", "--no-mlflow"]  # fmt: skip


def upload(folder: Path, bucket: str, prefix: str) -> str:
    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder).as_posix()}"
            boto3.client("s3").upload_file(str(path), bucket, key)
    return f"s3://{bucket}/{prefix}"


def words(data: object, run: object, *more: str) -> list[str]:
    return ["train", "chroma_unet", str(data), "--output", str(run), *TINY, *more]


def journal(run: str, folder: Path) -> Path:
    """The run's journal, fetched as anyone would."""
    folder.mkdir(exist_ok=True)
    store = open_store(run)
    for name in (LOSSES, "validation.jsonl"):
        (folder / name).write_bytes(store.read(name))
    return folder


def assert_same_weights(store: Store, folder: Path) -> None:
    there, here = load(store.read("model/model.safetensors")), load_file(
        folder / "model" / "model.safetensors"
    )  # fmt: skip
    assert there.keys() == here.keys()
    assert all(torch.equal(there[name], here[name]) for name in here)


def left_in(folder: Path) -> list[str]:
    """What a run left in the temporary folder; torch's cache of its compiler is torch's."""
    return [path.name for path in folder.iterdir() if not path.name.startswith("torchinductor")]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine's own disk: working folder, temporary folder and cache."""
    place = tmp_path / "machine"
    for name in ("work", "tmp", "cache"):
        (place / name).mkdir(parents=True)
    monkeypatch.chdir(place / "work")
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(place / "tmp"))
    return place


def test_a_run_in_a_store_is_the_run_on_a_disk(
    photos: Path, bucket: str, tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, run = upload(photos, bucket, "photos"), f"s3://{bucket}/runs/mine/"
    assert main(words(data, run, "--steps", "6")) == 0
    assert f"model: s3://{bucket}/runs/mine/model" in capsys.readouterr().out
    assert main(words(photos, tmp_path / "here", "--steps", "6")) == 0
    store = open_store(run)
    assert {entry.key for entry in store.list()} == {
        "run.json", "losses.jsonl", "validation.jsonl", "losses.png", "last.pt",
        "data/data.json", "data/train.arrow", "data/test.arrow", "data/verdicts.parquet",
        "model/model.safetensors", "model/card.json", "model/card.md", "model/train.toml",
        "samples/epoch-0000.png", "samples/epoch-0001.png", "samples/epoch-0002.png",
    }  # fmt: skip
    assert_same_weights(store, tmp_path / "here")
    there = journal(run, tmp_path / "there")
    assert [line["losses"] for line in losses(there)] == [
        line["losses"] for line in losses(tmp_path / "here")
    ]
    assert left_in(machine / "tmp") == []
    assert list((machine / "work").iterdir()) == []
    assert resolve(f"s3://{bucket}/runs/mine/model").card.name == "mine"
    assert main(words(data, run, "--steps", "6")) == 2
    assert "holds a run already: go on with --resume" in capsys.readouterr().err
    with Workspace(run) as folder:
        last = read_last_line(folder, LOSSES)
    assert last is not None
    assert last["step"] == 6


def test_a_killed_run_is_resumed_by_another_process_on_an_empty_disk(
    photos: Path, bucket: str, tmp_path: Path
) -> None:
    """It ends with the bits of a run that was never stopped."""
    data, run = upload(photos, bucket, "photos"), f"s3://{bucket}/run"
    often = ("--steps", "3000", "--set", "loop.checkpoint_minutes=0.005")

    def command(disk: str, *more: str) -> tuple[list[str], dict[str, str], Path]:
        place = tmp_path / disk
        for name in ("work", "tmp", "cache", "home"):
            (place / name).mkdir(parents=True)
        env = os.environ | {
            "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"),
            "XDG_CACHE_HOME": str(place / "cache"), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        return [sys.executable, "-m", "archive_colorizer", *words(data, run, *more)], env, place

    call, env, place = command("one", *often, "--set", "loop.schedule='linear'")
    first = subprocess.Popen(call, env=env, cwd=place / "work", stderr=subprocess.PIPE, text=True)
    store = open_store(run)
    end_s = time.monotonic() + 200
    while not store.exists("last.pt"):
        assert first.poll() is None, first.communicate()
        assert time.monotonic() < end_s
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    state = torch.load(store.open("last.pt"), weights_only=True)
    seen = state["step"]
    assert 0 < seen < 3000
    steps = [line["step"] for line in losses(journal(run, tmp_path / "seen"))]
    assert steps[:seen] == list(range(1, seen + 1)), "a step of the checkpoint without its line"

    total = str(seen + 20)
    again = ("--steps", total, "--resume", "--set", "loop.schedule='linear'")
    call, env, place = command("two", *again)
    done = subprocess.run(
        call, env=env, cwd=place / "work", capture_output=True, text=True, timeout=250, check=False
    )
    assert done.returncode == 0, done.stderr
    ended = journal(run, tmp_path / "ended")
    assert [line["step"] for line in losses(ended)] == list(range(1, int(total) + 1))
    assert validations(ended)[-1]["step"] == int(total)
    assert left_in(place / "tmp") == []
    assert store.exists("model/model.safetensors")


def test_a_resumed_run_ends_with_the_bits_of_one_that_was_not_stopped(
    photos: Path, bucket: str, tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, run = upload(photos, bucket, "photos"), f"s3://{bucket}/run"
    assert main(words(photos, tmp_path / "whole", "--steps", "6")) == 0
    kept = Loop.one_step

    class StoppedError(Exception):
        pass

    def stopping(loop: Loop, batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        if loop.step == 4:
            loop.save()
        if loop.step == 5:
            raise StoppedError
        return kept(loop, batch)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "one_step", stopping)
        with pytest.raises(StoppedError):
            main(words(data, run, "--steps", "6"))
    assert left_in(machine / "tmp") == []
    monkeypatch.setenv("XDG_CACHE_HOME", str(machine / "another"))
    assert main(words(data, run, "--steps", "6", "--resume")) == 0
    assert_same_weights(open_store(run), tmp_path / "whole")
    steps = [line["step"] for line in losses(journal(run, tmp_path / "there"))]
    assert steps == [1, 2, 3, 4, 5, 6]


def test_a_checkpoint_that_cannot_be_written_leaves_the_one_before_it(
    photos: Path, bucket: str, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store refuses in the middle of the second upload, which is in parts."""
    run = f"s3://{bucket}/run"
    assert main(words(photos, run, "--steps", "3")) == 0
    store = open_store(run)
    before, model = store.read("last.pt"), store.read("model/model.safetensors")
    monkeypatch.setattr(s3, "MULTIPART_BYTES", 5 << 20)
    monkeypatch.setattr("archive_colorizer.training.loop.write_state", pad)
    sent = []
    client = s3.client(S3Settings())
    whole = client.upload_part

    def breaking(**request: object) -> object:
        sent.append(request["PartNumber"])
        if request["PartNumber"] == 2:
            raise OSError(32, "Broken pipe")
        return whole(**request)

    monkeypatch.setattr(client, "upload_part", breaking)
    with pytest.raises(LocationError, match=f"{run}: cannot be written: "):
        train_more(photos, run)
    assert sent[:2] == [1, 2]
    assert store.read("last.pt") == before
    assert store.read("model/model.safetensors") == model
    monkeypatch.undo()
    assert main(words(photos, run, "--steps", "6", "--resume")) == 0


def pad(path: Path, state: dict[str, object]) -> None:
    """Write a state that takes more than one part."""
    torch.save({**state, "padding": torch.zeros(3 << 20)}, path)


def train_more(photos: Path, run: str) -> None:
    from archive_colorizer.cli.train import read_assignments
    from archive_colorizer.training.config import compose

    pairs = [TINY[i + 1] for i, word in enumerate(TINY) if word == "--set"]
    train(compose("chroma_unet", run, [
        ("data", {"data": {"data": str(photos)}, "loop": {"steps": 6}, "feed": {"batch_size": 4}}),
        ("set", read_assignments(pairs)),
        ("run", {"run": {"engine": "local", "mlflow": False, "resume": True}}),
    ]))  # fmt: skip


def test_a_store_that_cannot_be_written_is_one_line_before_anything_is_gathered(
    photos: Path, bucket: str, machine: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert main(words(photos, f"s3://{bucket}-x/run", "--steps", "2")) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.startswith(f"archive-colorizer: s3://{bucket}-x/run: ")
    assert "there is no such bucket" in line
    assert left_in(machine / "tmp") == []


def test_a_model_in_a_store_is_a_reference(
    photos: Path, bucket: str, tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = f"s3://{bucket}/run"
    assert main(words(photos, run, "--steps", "3")) == 0
    still = ("--steps", "1", "--lr", "1e-12", "--init", f"{run}/model")
    assert main(words(photos, tmp_path / "second", *still)) in (0, 3)
    first = load(open_store(run).read("model/model.safetensors"))["stem.0.weight"]
    second = load_file(tmp_path / "second" / "model" / "model.safetensors")["stem.0.weight"]
    assert torch.allclose(first.float(), second.float(), atol=1e-3)
    assert main(["models", "show", f"{run}/model/model.safetensors"]) == 0
    capsys.readouterr()
    assert main(["models", "show", f"s3://{bucket}/nothing"]) == 2
    said = capsys.readouterr().err
    assert f"s3://{bucket}/nothing: no model there" in said
