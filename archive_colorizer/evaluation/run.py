"""Compare models on the same pictures: the evaluation's main line, to be read first."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.evaluation import pictures, protocol, report, sheet
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.perceptual import Perceptual
from archive_colorizer.evaluation.pictures import Pair
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.scores import Judged, PictureScores, score, summarize
from archive_colorizer.evaluation.subject import Subject, baseline, open_subject


def evaluate(config: EvaluationConfig) -> EvaluationReport:
    """Judge the grey baseline and every model, and write report.md, report.json and sheet.png.

    Raises:
        LocationError: DATA or a weights file is missing or not usable, or OUTPUT is not writable.
        ModelReferenceError: a model cannot be loaded or judged.
        ConfigError: the device is not there, or the extra `metrics` is not installed.
    """
    require_libraries()
    device = choose_device(config.device)
    folder = _output(config.output)
    subjects = [open_subject(ref, device, config.temperature) for ref in config.models]
    found = compare(config, [baseline(), *subjects], device)
    report.write(found.report, folder)
    sheet.write_sheet(folder / report.SHEET_PNG, found.titles, found.rows)
    return found.report


@dataclass(frozen=True, slots=True)
class Comparison:
    """A report, and the pictures of the contact sheet."""

    report: EvaluationReport
    titles: tuple[str, ...]
    rows: tuple[tuple[NDArray[np.uint8], ...], ...]


def compare(
    config: EvaluationConfig, subjects: Sequence[Subject], device: torch.device
) -> Comparison:
    """Judge subjects that are already loaded; the first is what PSNR is compared with.

    Raises:
        LocationError: no picture of DATA can be read.
    """
    pairs, left_out = _read(config)
    perceptual = Perceptual(config, device)
    with exact(device):
        truth = [perceptual.features(_tensor(b, device)[1]) for b in _batches(pairs, config)]
        true_nf = _joined(truth)
        results = [_judge(subject, pairs, config, perceptual, true_nf) for subject in subjects]
    judged = [result.judged for result in results]
    grey_psnr = float(np.mean([picture.psnr for picture in judged[0].pictures]))
    rows = zip(*(result.shown for result in results), strict=True)
    return Comparison(
        EvaluationReport(
            models=tuple(summarize(one, grey_psnr) for one in judged),
            pictures={one.model: one.pictures for one in judged},
            protocol=protocol.describe(config, pairs, device, judged[0].pictures)
            | perceptual.protocol,
            left_out=left_out,
        ),
        (*(one.model for one in judged), "truth"),
        tuple((*row, pair.truth_hw3) for row, pair in zip(rows, pairs, strict=False)),
    )


class _Result(NamedTuple):
    judged: Judged
    shown: list[NDArray[np.uint8]]


def _judge(
    subject: Subject,
    pairs: Sequence[Pair],
    config: EvaluationConfig,
    perceptual: Perceptual,
    true_nf: Tensor | None,
) -> _Result:
    scores: list[PictureScores] = []
    features: list[Tensor | None] = []
    shown: list[NDArray[np.uint8]] = []
    seconds = 0.0
    for batch in _batches(pairs, config):
        source, truth = _tensor(batch, _device_of(perceptual))
        made, doubts, spent = _paint(subject, source, config.seed)
        seconds += spent
        distances = perceptual.lpips(made, truth)
        features.append(perceptual.features(made))
        rgb = (made * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        for pair, picture, doubt, lpips in zip(batch, rgb, doubts, distances, strict=True):
            scores.append(score(pair.name, picture, pair.truth_hw3, doubt=doubt, lpips=lpips))
        shown.extend(rgb[: max(0, config.sheet_rows - len(shown))])
    of_set = perceptual.of_set(_joined(features), true_nf)
    judged = Judged(
        model=subject.name,
        family=subject.family,
        weights_sha256=subject.weights_sha256,
        parameters=subject.parameters,
        pictures=tuple(scores),
        of_set=of_set,
        seconds=seconds,
    )
    return _Result(judged, shown)


def _device_of(perceptual: Perceptual) -> torch.device:
    return perceptual.device


def _paint(
    subject: Subject, source_b3hw: Tensor, seed: int
) -> tuple[Tensor, list[float | None], float]:
    """8-bit fine RGB in [0, 1], doubts, seconds. Every subject sees the same random numbers."""
    with torch.random.fork_rng(devices=_cuda(source_b3hw.device)):
        torch.manual_seed(seed)
        start = time.perf_counter()
        painted = subject.paint(source_b3hw)
        made = (painted.rgb_b3hw * 255).round() / 255
        doubts = [None] * len(made) if painted.doubt_b is None else painted.doubt_b.tolist()
    return made, doubts, time.perf_counter() - start


def _cuda(device: torch.device) -> list[torch.device]:
    return [device] if device.type == "cuda" else []


@contextmanager
def exact(device: torch.device) -> Iterator[None]:
    """Float32 without TF32 and with fixed algorithms, so that CPU and GPU agree; no gradients."""
    flags = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    matmul = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    try:
        with flags, torch.inference_mode(), torch.autocast(device.type, enabled=False):
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32 = matmul


def choose_device(name: str) -> torch.device:
    """The device that a name means.

    Raises:
        ConfigError: no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device={name!r}: must be auto, cpu or cuda[:N]") from error
    if device.type not in ("cpu", "cuda") or (
        device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    ):
        raise ConfigError(f"device={name!r}: not on this machine")
    return device


def require_libraries() -> None:
    """Say early what is not installed.

    Raises:
        ConfigError: scikit-image or SciPy is missing.
    """
    try:
        import scipy.stats
        import skimage.metrics  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"evaluate needs the extra `metrics`: {error}") from error


def _output(name: str) -> Path:
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".probe.tmp").touch()
        (folder / ".probe.tmp").unlink()
    except OSError as error:
        raise LocationError(f"{name}: cannot write there: {error.strerror}") from error
    return folder


def _read(config: EvaluationConfig) -> tuple[tuple[Pair, ...], dict[str, str]]:
    pairs: list[Pair] = []
    left_out: dict[str, str] = {}
    for listed in pictures.find(config):
        try:
            pairs.append(pictures.open_pair(listed, config))
        except (OSError, SyntaxError, ValueError) as error:
            left_out[listed.name] = str(error)[:200]
    if not pairs:
        raise LocationError(f"{config.data}: none of its {len(left_out)} pictures can be read")
    return tuple(pairs), left_out


def _batches(pairs: Sequence[Pair], config: EvaluationConfig) -> Iterator[Sequence[Pair]]:
    for start in range(0, len(pairs), config.batch_size):
        yield pairs[start : start + config.batch_size]


def _tensor(batch: Sequence[Pair], device: torch.device) -> tuple[Tensor, Tensor]:
    """Sources and truths, (B, 3, H, W) in [0, 1]."""
    source = np.stack([pair.source_hw3 for pair in batch])
    truth = np.stack([pair.truth_hw3 for pair in batch])
    return _planes(source, device), _planes(truth, device)


def _planes(rgb_bhw3: NDArray[np.uint8], device: torch.device) -> Tensor:
    return torch.from_numpy(rgb_bhw3).to(device).permute(0, 3, 1, 2).float() / 255


def _joined(parts: Sequence[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return torch.cat(given) if given else None
