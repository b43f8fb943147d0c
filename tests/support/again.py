"""Helpers of tests that run a job again on an OUTPUT that is there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
import torch
from PIL import Image

from archive_colorizer.models.table import MODELS
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.report import JobReport
from archive_colorizer.storage import open_store
from archive_colorizer.weights.card import ModelCard
from archive_colorizer.weights.local import save_model

Job = Callable[..., JobConfig]
Rows = Callable[[str | Path], list[dict[str, Any]]]
FIXTURE = Path(__file__).parents[1] / "fixtures" / "output-0.2.0"
"""An OUTPUT of 0.2.0, and its masters."""
TINY = {"widths": [4, 8, 8, 8, 8], "blocks": [1, 1, 1, 1, 1], "head": 8}


def grey(path: Path, value: int = 90, size: tuple[int, int] = (60, 80)) -> Path:
    """A grey ramp; another value gives other bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.linspace(value, value + 80, size[1])[None].repeat(size[0], 0).astype(np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def files(output: str | Path) -> dict[str, bytes]:
    """Derivatives of an OUTPUT: key -> bytes."""
    found = (path for path in Path(output).rglob("*.colorized*.*") if path.is_file())
    names = {path: str(path.relative_to(output)) for path in found}
    return {key: path.read_bytes() for path, key in names.items() if key[:8] != "history/"}


def history(output: str | Path) -> list[dict[str, Any]]:
    parts = [str(path) for path in (Path(output) / "history").rglob("*.parquet")]
    return list(ds.dataset(parts).to_table().to_pylist()) if parts else []


def differences(output: str | Path) -> list[str]:
    report = verify(open_store(str(output)))
    return [f"{finding.what} {finding.where}" for finding in report.findings]


def work(report: JobReport) -> tuple[int, int, int]:
    return report.ok, report.skipped, report.failed


def weights(folder: Path, seed: int, version: str = "1") -> str:
    """A model folder with other weights for each seed."""
    torch.manual_seed(seed)
    card = ModelCard(name="tiny", version=version, family="chroma_unet", config=TINY)
    save_model(folder, MODELS["chroma_unet"].build_from(TINY), card)
    return str(folder)
