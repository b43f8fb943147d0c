"""What fails on one picture is its row alone: in every step that runs a network or needs memory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from failing import FAULTS, MAIN_FAULTS, failing, write_bad_master

from archive_colorizer.imaging import encode
from archive_colorizer.models.autoencoder import Autoencoder
from archive_colorizer.models.chroma_classifier import ChromaClassifier
from archive_colorizer.models.rdn import RDN
from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.pipeline.steps import composition, prepare, restore
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

Rows = Callable[[str | Path], list[dict[str, Any]]]
Job = Callable[..., JobConfig]
SETTINGS: dict[str, dict[str, Any]] = {
    "autoencoder_translate": {"width": 4},
    "chroma_lite": {"widths": [16, 8, 8, 8], "head": 8},
    "rdn": {"blocks": 1, "convolutions": 1, "growth": 4, "features": 4},
}
SIZE = (160, 120)
BAD_SIZE = (168, 120)
"""Of the bad master where it is told by its size."""


def model(folder: Path, family: str, **settings: int) -> str:
    torch.manual_seed(0)
    config = SETTINGS[family] | settings
    module = MODELS[family].build_from(config)
    if family == "rdn":  # gives back what it got, so that black stays black
        torch.nn.init.zeros_(module.last.weight)
        torch.nn.init.zeros_(module.last.bias)
    card = ModelCard(name=family, version="1", family=family, config=config)
    save_model(folder / f"{family}{settings}", module, card)
    return str(folder / f"{family}{settings}")


def check(config: JobConfig, error_class: str, rows: Rows) -> dict[str, Any]:
    """Run a job of which the bad picture alone fails; its row."""
    report = colorize(config)
    assert (report.ok, report.errors) == (5, {error_class: 1})
    (row,) = [row for row in rows(config.output) if row["status"] == "failed"]
    assert row["source_uri"].endswith("/bad.png")
    assert row["error_class"] == error_class
    assert row["error_message"].startswith(row["source_uri"])
    assert row["width"] in (SIZE[0], BAD_SIZE[0])
    assert not list(Path(config.output).rglob("bad*"))
    return row


@pytest.mark.parametrize(
    ("family", "fault"), [*(("chroma_unet", fault) for fault in FAULTS), ("chroma_lite", "NaN")]
)
def test_colorize(
    job: Job, masters: Path, tmp_path: Path, rows: Rows, fault: str, family: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(ChromaClassifier, "predict", failing(ChromaClassifier.predict, fault))
    write_bad_master(masters)
    color = {} if family == "chroma_unet" else {"model": model(tmp_path, family)}
    row = check(job(color=color), FAULTS[fault][1], rows)
    assert row["ms_prepare"] > 0


@pytest.mark.parametrize("fault", MAIN_FAULTS)
def test_translate(
    job: Job, masters: Path, tmp_path: Path, rows: Rows, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Autoencoder, "translate", failing(Autoencoder.translate, fault))
    write_bad_master(masters)
    color = {"model": model(tmp_path, "autoencoder_translate"), "restore": "off"}
    check(job(color=color), FAULTS[fault][1], rows)


@pytest.mark.parametrize("fault", MAIN_FAULTS)
def test_restore(
    job: Job, masters: Path, tmp_path: Path, rows: Rows, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Autoencoder, "translate", lambda self, rgb: rgb.clone())
    monkeypatch.setattr(RDN, "enlarge", failing(RDN.enlarge, fault))
    write_bad_master(masters)
    restorer = model(tmp_path, "rdn", scale=1)
    color = {"model": model(tmp_path, "autoencoder_translate"), "restore": restorer}
    check(job(color=color), FAULTS[fault][1], rows)


@pytest.mark.parametrize("fault", MAIN_FAULTS)
def test_upscale(
    job: Job, masters: Path, tmp_path: Path, rows: Rows, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RDN, "enlarge", failing(RDN.enlarge, fault))
    write_bad_master(masters)
    color = {"upscale": 2, "upscaler": model(tmp_path, "rdn", scale=2)}
    check(job(color=color), FAULTS[fault][1], rows)


def no_memory_for(real: Callable[..., Any], shape_of: Callable[..., tuple[int, ...]],
                  error: Exception) -> Callable[..., Any]:  # fmt: skip
    """A function that has no memory for the picture that is wider than it is high by so much."""

    def fail(*given: Any, **more: Any) -> Any:
        height, width = shape_of(*given, **more)[:2]
        if width * SIZE[1] > height * (SIZE[0] + 2):
            raise error
        return real(*given, **more)

    return fail


def no_memory_in_opencv() -> Exception:
    """The error that OpenCV raises when it cannot allocate."""
    error = cv2.error("OpenCV: Insufficient memory (Failed to allocate 8000000000 bytes)")
    error.code = cv2.Error.StsNoMem
    return error


PLACES: dict[str, tuple[Any, str, Callable[..., tuple[int, ...]]]] = {
    "while preparing": (prepare, "make_proxy", lambda pixels, px: pixels.shape),
    "while composing": (composition, "compose", lambda luma, ab, method: luma.shape),
    "while encoding": (encode, "encode", lambda picture, *_: picture.luma_hw.shape),
}


@pytest.mark.parametrize("error", [MemoryError(), no_memory_in_opencv()], ids=["Python", "OpenCV"])
@pytest.mark.parametrize("place", PLACES)
def test_memory_that_runs_out(
    job: Job, masters: Path, rows: Rows, place: str, error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    module, name, shape_of = PLACES[place]
    fail = no_memory_for(getattr(module, name), shape_of, error)
    monkeypatch.setattr(module, name, fail)
    write_bad_master(masters, BAD_SIZE)
    row = check(job(), "out_of_memory", rows)
    assert row["error_message"].endswith("memory ran out")


def test_memory_that_runs_out_while_sharpening(
    job: Job, masters: Path, tmp_path: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail = no_memory_for(restore.sharpened, lambda rgb, amount: rgb.shape, MemoryError())
    monkeypatch.setattr(restore, "sharpened", fail)
    write_bad_master(masters, BAD_SIZE)
    color = {"model": model(tmp_path, "autoencoder_translate"), "restore": "off", "sharpen": 0.5}
    check(job(color=color), "out_of_memory", rows)


def test_another_error_of_opencv_is_an_error_of_the_program(
    job: Job, masters: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = cv2.error("OpenCV: Assertion failed")
    error.code = cv2.Error.StsAssert
    monkeypatch.setattr(
        prepare, "make_proxy", no_memory_for(prepare.make_proxy, lambda p, px: p.shape, error)
    )
    write_bad_master(masters, BAD_SIZE)
    row = check(job(), "program_error", rows)
    assert row["error_message"].endswith("/bad.png: error: OpenCV: Assertion failed")


def test_a_batch_that_is_too_large_is_halved_and_all_is_done(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    real = ChromaClassifier.predict

    def tight(self: Any, gray_b1hw: torch.Tensor, **knobs: Any) -> Any:
        sizes.append(len(gray_b1hw))
        if len(gray_b1hw) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return real(self, gray_b1hw, **knobs)

    monkeypatch.setattr(ChromaClassifier, "predict", tight)
    assert colorize(job()).ok == 5
    assert max(sizes) > 1


def test_a_model_that_gives_nonsense_for_all_is_their_error_and_not_the_jobs(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = ChromaClassifier.predict

    def nonsense(self: Any, gray_b1hw: torch.Tensor, **knobs: Any) -> Any:
        made = real(self, gray_b1hw, **knobs)
        return made._replace(doubt_b1hw=made.doubt_b1hw * np.nan)

    monkeypatch.setattr(ChromaClassifier, "predict", nonsense)
    assert colorize(job()).errors == {"model_error": 5}
