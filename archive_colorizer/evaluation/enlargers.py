"""Compare models that enlarge or restore: PSNR and SSIM on Y, beside bicubic or doing nothing.

As reference system D compares RDN, RDN with sharpened edges, and ESRGAN.
"""

import io
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

from archive_colorizer.data.layouts import read
from archive_colorizer.errors import ConfigError, LocationError, ModelReferenceError, PhotoError
from archive_colorizer.evaluation import report
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.pictures import Pair, digest, find
from archive_colorizer.imaging.comparison_sheet import comparison_sheet
from archive_colorizer.imaging.degrade import surely_worn
from archive_colorizer.imaging.sharpen import sharpened
from archive_colorizer.inference.enlarger import Enlarger
from archive_colorizer.inference.runner import open_runner
from archive_colorizer.metrics.luma import luma_601, psnr_y, reduced, resized, through_jpeg
from archive_colorizer.metrics.picture import ssim
from archive_colorizer.weights.reference import ResolvedModel

Rgb = NDArray[np.uint8]
Make = Callable[[Rgb], Rgb]
MAX_PSNR = 100.0
"""dB; of pictures that are equal, so that the mean stays finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnlargerScores:
    """A row of the table: means over the pictures."""

    model: str
    parameters: int
    psnr_y: float
    """Mean PSNR on Y, dB."""
    psnr_y_gain: float
    """dB over the baseline."""
    ssim_y: float
    ms_per_picture: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnlargedPictureScores:
    """Figures of one picture."""

    name: str
    psnr_y: float
    """dB."""
    ssim_y: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EnlargingReport:
    """Figures of all models over the same pictures; the baseline is the first row."""

    models: tuple[EnlargerScores, ...]
    pictures: int
    protocol: str
    left_out: dict[str, str]
    per_picture: dict[str, tuple[EnlargedPictureScores, ...]]
    """Model -> figures of each picture, in the same order for all."""

    def markdown(self) -> str:
        """The table, and the protocol under it."""
        rows = [
            f"| {m.model} | {m.parameters:,} | {m.psnr_y:.2f} | {m.psnr_y_gain:+.2f} | "
            f"{m.ssim_y:.4f} | {m.ms_per_picture:.0f} |"
            for m in self.models
        ]
        head = "| model | parameters | PSNR on Y (dB) | over baseline | SSIM on Y | ms a picture |"
        notes = [f"- left out: {name}: {reason}" for name, reason in self.left_out.items()]
        last = ["", self.on, *notes]
        return "\n".join([head, "|---|" + "---:|" * 5, *rows, *last]) + "\n"

    @property
    def on(self) -> str:
        """Over what and how it was measured."""
        return f"{self.pictures} pictures. {self.protocol}"

    def json(self) -> str:
        """Everything, for programs."""
        return json.dumps(asdict(self), indent=2)

    def text(self) -> str:
        """The command's output: the table as Markdown."""
        return self.markdown()


def evaluate_enlargers(
    config: EvaluationConfig, models: Sequence[ResolvedModel], device: torch.device, folder: Path
) -> EnlargingReport:
    """Judge models of one scale, and write report.md, report.json and sheet.png.

    Raises:
        ConfigError: models of different scales, or nothing to restore.
        LocationError: no picture of DATA can be read.
        ModelReferenceError: a model cannot be loaded, raised, ran out of memory, or gave values
            that are not finite.
    """
    enlargers = [Enlarger(open_runner(model, "exact", device=device)) for model in models]
    scales = {enlarger.scale for enlarger in enlargers}
    if len(scales) != 1:
        raise ConfigError(f"models enlarge by {sorted(scales)}: compare those of one scale")
    (scale,) = scales
    if scale == 1 and not (config.jpeg or config.worn):
        raise ConfigError("models restore (scale 1): --jpeg Q or --worn says from what")
    pairs, left_out = _pairs(config, scale)
    truths = [pair.truth_hw3 for pair in pairs]
    name = "bicubic" if scale > 1 else "as it is"
    judge = _Judge(pairs, scale)
    judge.add(name, 0, lambda low: resized(low, low.shape[1] * scale, low.shape[0] * scale))
    for model, enlarger in zip(models, enlargers, strict=True):
        judge.add(model.ref, enlarger.parameters, enlarger)
        if config.sharpen:
            judge.add_sharpened(f"{model.ref} + sharpened {config.sharpen:g}", config.sharpen)
    worn = ", with grain and scratches" if config.worn else ""
    worn += f", then through JPEG of quality {config.jpeg}" if config.jpeg else ""
    found = EnlargingReport(
        models=tuple(judge.rows),
        pictures=len(truths),
        protocol=(
            f"Centre crops of at most {config.size} pixels, reduced {scale} times by Pillow's "
            f"bicubic{worn}; Y of ITU-R 601 (16 to 235), {scale} pixels left out at each edge; "
            f"means of the pictures' dB; seed {config.seed}; {device.type}, float32; SHA-256 of "
            f"names and pixels {digest(pairs)}."
        ),
        left_out=left_out,
        per_picture=judge.per_picture,
    )
    report.write(found, folder)
    titles = [*(row.model for row in judge.rows), "truth"]
    shown = [list(made) for made in zip(*judge.made, truths, strict=True)]
    sheet = comparison_sheet(titles, shown[: config.sheet_rows])
    sheet.save(folder / report.SHEET_PNG, "PNG")
    return found


def _low(truth: Rgb, scale: int, config: EvaluationConfig) -> Rgb:
    """The models' input: the truth reduced, worn and compressed as the settings say."""
    low = reduced(truth, scale)
    return through_jpeg(surely_worn(low) if config.worn else low, config.jpeg)


class _Judge:
    """Collects rows over the same pictures."""

    def __init__(self, pairs: Sequence[Pair], scale: int) -> None:
        self._pairs, self._scale = pairs, scale
        self.rows: list[EnlargerScores] = []
        self.per_picture: dict[str, tuple[EnlargedPictureScores, ...]] = {}
        self.made: list[list[Rgb]] = []

    def add(self, name: str, parameters: int, make: Make) -> None:
        """Judge what something makes of the low pictures."""
        self._judge(name, parameters, make, [pair.source_hw3 for pair in self._pairs], 0.0)

    def add_sharpened(self, name: str, amount: float) -> None:
        """Judge the latest's pictures with their edges raised."""
        last = self.rows[-1]
        self._judge(
            name, last.parameters, lambda rgb: sharpened(rgb, amount), self.made[-1],
            last.ms_per_picture,
        )  # fmt: skip

    def _judge(
        self, name: str, parameters: int, make: Make, given: Sequence[Rgb], ms_before: float
    ) -> None:
        start_s = time.perf_counter()
        try:
            made = [make(rgb) for rgb in given]
        except PhotoError as error:
            raise ModelReferenceError(f"{name}: {error}") from error
        ms = 1000 * (time.perf_counter() - start_s) / len(made)
        self.made.append(made)
        self.per_picture[name] = scores = tuple(
            EnlargedPictureScores(
                name=pair.name,
                psnr_y=min(MAX_PSNR, psnr_y(rgb, pair.truth_hw3, self._scale)),
                ssim_y=_ssim_y(rgb, pair.truth_hw3, self._scale),
            )
            for rgb, pair in zip(made, self._pairs, strict=True)
        )
        psnr = fmean(one.psnr_y for one in scores)
        self.rows.append(EnlargerScores(
            model=name, parameters=parameters, psnr_y=psnr,
            psnr_y_gain=psnr - self.rows[0].psnr_y if self.rows else 0.0,
            ssim_y=fmean(one.ssim_y for one in scores),
            ms_per_picture=ms_before + ms,
        ))  # fmt: skip


def _ssim_y(made_hw3: Rgb, truth_hw3: Rgb, shave: int) -> float:
    a, b = (luma_601(p)[shave:-shave, shave:-shave] for p in (made_hw3, truth_hw3))
    return ssim(a, b)


def _pairs(config: EvaluationConfig, scale: int) -> tuple[list[Pair], dict[str, str]]:
    """Centre crops whose sides are multiples of the scale, with what the models are given of them;
    and the reasons for what is missing.
    """
    found: list[Pair] = []
    left_out: dict[str, str] = {}
    for listed in find(config):
        try:
            with Image.open(io.BytesIO(read(listed.truth))) as image:
                pixels = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            left_out[listed.name] = str(error)[:200]
            continue
        sides = [min(side, config.size) // scale * scale for side in pixels.shape[:2]]
        if min(sides) < 16 * scale:
            left_out[listed.name] = f"{pixels.shape[1]}x{pixels.shape[0]} pixels: too small"
            continue
        top, left = ((full - side) // 2 for full, side in zip(pixels.shape[:2], sides, strict=True))
        truth = pixels[top : top + sides[0], left : left + sides[1]]
        found.append(Pair(listed.name, _low(truth, scale, config), truth))
    if not found:
        raise LocationError(f"{config.data}: none of its {len(left_out)} pictures can be compared")
    return found, left_out
