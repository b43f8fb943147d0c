"""Compare models on the same pictures: the evaluation's main line, to be read first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.evaluation import pictures, protocol, report
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.enlargers import EnlargingReport, evaluate_enlargers
from archive_colorizer.evaluation.judge import Judge
from archive_colorizer.evaluation.perceptual import Perceptual
from archive_colorizer.evaluation.pictures import Pair
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.scores import summarize
from archive_colorizer.evaluation.subject import (
    Asked,
    Subject,
    baseline,
    open_subject,
    unchanged,
)
from archive_colorizer.extras import require
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.comparison_sheet import comparison_sheet
from archive_colorizer.inference.device import choose_device, exact, seeded
from archive_colorizer.models.catalog import TASK_OF, Task
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage.workspace import Workspace


def evaluate(config: EvaluationConfig) -> EvaluationReport | EnlargingReport:
    """Judge the grey baseline and every model, and write report.md, report.json and sheet.png.

    Models that enlarge or restore are judged by themselves, beside bicubic.

    Raises:
        LocationError: DATA or a weights file is missing or not usable, or OUTPUT is not writable.
        ModelReferenceError: a model cannot be loaded or judged.
        ConfigError: the device is not there, the extra `metrics` is not installed (or `faces`,
            where skin is asked for), or models of different tasks.
    """
    require_libraries()
    device = choose_device(config.device)
    with Workspace(config.output, config.s3) as work:
        work.check_writable()
        found = _evaluate(config, device, work.here)
        work.publish()
    return found


def _evaluate(
    config: EvaluationConfig, device: torch.device, folder: Path
) -> EvaluationReport | EnlargingReport:
    """Judge every model, and write the report and the sheet into a folder."""
    resolved = [resolve(ref, s3=config.s3) for ref in config.models]
    enlarge = [TASK_OF.get(model.card.family) is Task.UPSCALE for model in resolved]
    if all(enlarge):
        return evaluate_enlargers(config, resolved, device, folder)
    if any(enlarge):
        raise ConfigError("models that enlarge and others cannot stand in one table")
    if config.jpeg or config.sharpen:
        raise ConfigError("--jpeg and --sharpen are for models that enlarge or restore")
    with seeded(config.seed, device):
        subjects = [
            open_subject(ref, asked, device, config.seed, config.s3)
            for ref in config.models
            for asked in _asked(config)
        ]
        found = compare(config, subjects, device)
    report.write(found.report, folder)
    comparison_sheet(found.titles, found.rows).save(folder / report.SHEET_PNG, "PNG")
    return found.report


def _asked(config: EvaluationConfig) -> list[Asked]:
    """The ways in which every model is asked: with hints or wear also without, to compare."""
    same = Asked(temperature=config.temperature)
    ways = [replace(same, vividness=value) for value in config.vividness] or [same]
    if config.worn:
        ways += [replace(way, worn=True) for way in ways]
    if config.hint_points:
        ways += [replace(way, hint_points=config.hint_points) for way in ways]
    return ways


GREY: Final = 1.0
"""Colourfulness (Hasler & Süsstrunk 2003) under which a truth has no colour at all."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A report, and the pictures of its contact sheet."""

    report: EvaluationReport
    titles: tuple[str, ...]
    rows: tuple[tuple[NDArray[np.uint8], ...], ...]
    """One a picture: the baselines, each subject's, truth."""


def compare(
    config: EvaluationConfig, subjects: Sequence[Subject], device: torch.device
) -> Comparison:
    """Judge the baselines and subjects that are already loaded; writes nothing.

    Grey is the first baseline; pairs whose source is not the truth have the source as a second.

    Raises:
        LocationError: no picture of DATA can be read, none has colour to compare with, or a
            weights file is not usable.
    """
    pairs, left_out = _read(config)
    _check_truths(config, pairs, subjects)
    perceptual = Perceptual(config, device)
    with exact(device):
        judge = Judge(config, pairs, perceptual, device)
        shown = [judge(subject) for subject in (*_baselines(pairs), *subjects)]
    judged = [one.judged for one in shown]
    grey_psnr = fmean(picture.psnr for picture in judged[0].pictures)
    words = protocol.describe(config, pairs, device, judged[0].pictures)
    words |= perceptual.protocol | judge.protocol
    rows = zip(*(one.first for one in shown), strict=True)
    return Comparison(
        EvaluationReport(
            models=tuple(summarize(one, grey_psnr, config.min_faces) for one in judged),
            pictures={one.model: one.pictures for one in judged},
            protocol=words,
            left_out=left_out,
        ),
        (*(one.model for one in judged), "truth"),
        tuple((*row, pair.truth_hw3) for row, pair in zip(rows, pairs, strict=False)),
    )


def require_libraries() -> None:
    """Say early what is not installed.

    Raises:
        ConfigError: a library of the extra `metrics` is missing.
    """
    require("metrics", "evaluate")


def _baselines(pairs: Sequence[Pair]) -> tuple[Subject, ...]:
    """Grey; and for pairs the source as it is."""
    same = all(np.array_equal(pair.source_hw3, pair.truth_hw3) for pair in pairs)
    return (baseline(),) if same else (baseline(), unchanged())


def _check_truths(
    config: EvaluationConfig, pairs: Sequence[Pair], subjects: Sequence[Subject]
) -> None:
    """Refuse to judge colours where every truth is grey: leaving it grey would be perfect."""
    colours = any(TASK_OF.get(subject.family) is Task.COLORIZE for subject in subjects)
    if colours and all(colourfulness(pair.truth_hw3) < GREY for pair in pairs):
        raise LocationError(
            f"{config.data}: all of its {len(pairs)} pictures are grey, so there is no truth to "
            "measure against: archive-colorizer compare shows models side by side on them"
        )


def _read(config: EvaluationConfig) -> tuple[tuple[Pair, ...], dict[str, str]]:
    """The pictures that can be read, and the reasons for the others."""
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
