"""What a comparison found: as a Markdown table, as JSON, and in files."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from archive_colorizer.evaluation.scores import ModelScores, PictureScores
from archive_colorizer.evaluation.skin import skin_table
from archive_colorizer.storage.atomic import write_atomic

REPORT_MD: Final = "report.md"
REPORT_JSON: Final = "report.json"
SHEET_PNG: Final = "sheet.png"


def _plain(digits: int) -> Callable[[float], str]:
    return lambda value: f"{value:.{digits}f}"


def _share(value: float) -> str:
    return f"{100 * value:.1f}%"


COLUMNS: Final[tuple[tuple[str, str, Callable[[float], str]], ...]] = (
    ("psnr_mean", "PSNR, mean (dB)", _plain(2)),
    ("psnr_best", "best (dB)", _plain(2)),
    ("psnr_over_grey", "over grey (dB)", lambda value: f"{value:+.2f}"),
    ("psnr_of_mean_mse", "PSNR of mean MSE (dB)", _plain(2)),
    ("mse", "MSE", _plain(1)),
    ("ssim", "SSIM", _plain(4)),
    ("ssim_best", "best SSIM", _plain(4)),
    ("ssim_global", "ssim_global", _plain(4)),
    ("colourfulness", "colourfulness", _plain(1)),
    ("colourfulness_ratio", "of truth's", _share),
    ("colourfulness_distance", "distance from truth's", _plain(1)),
    ("ciede2000", "CIEDE2000", _plain(2)),
    ("ab_error", "ab error", _plain(2)),
    ("accuracy_area", "AuC 0..150", _share),
    ("lightness_error", "L* error", _plain(2)),
    ("doubt_spearman", "doubt ~ ab error (Spearman)", _plain(2)),
    ("lpips", "LPIPS", _plain(4)),
    ("kid", "KID", _plain(4)),
    ("fid", "FID", _plain(2)),
    ("kid_encoder", "KID on EfficientNet-Lite2", _plain(4)),
    ("ms_per_picture", "ms a picture", _plain(0)),
)
"""Field of ModelScores, heading, how it is written. A column without any value is left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReport:
    """Figures of all models over the same pictures; the grey baseline is the first row."""

    models: tuple[ModelScores, ...]
    pictures: Mapping[str, tuple[PictureScores, ...]]
    """By model."""
    protocol: Mapping[str, str]
    """How it was measured, by topic."""
    left_out: Mapping[str, str]
    """Pictures that could not be read, with the reason."""

    @property
    def on(self) -> str:
        """Over which pictures it was measured."""
        return self.protocol["pictures"]

    def markdown(self) -> str:
        """The table, and the protocol under it."""
        columns = [c for c in COLUMNS if any(getattr(m, c[0]) is not None for m in self.models)]
        head = "| model | " + " | ".join(title for _, title, _ in columns) + " |"
        rule = "|---|" + "---:|" * len(columns)
        rows = [
            f"| {model.model} | "
            + " | ".join(_cell(getattr(model, name), write) for name, _, write in columns)
            + " |"
            for model in self.models
        ]
        truth = self.models[0]
        notes = [
            "",
            f"{truth.pictures} pictures; mean colourfulness of the truth "
            f"{truth.colourfulness_truth:.1f}; {len(self.left_out)} pictures left out.",
            "",
            *(f"- {topic}: {text}" for topic, text in self.protocol.items()),
            *(f"- left out: {name}: {reason}" for name, reason in self.left_out.items()),
        ]
        skin = skin_table([(model.model, model.skin) for model in self.models])
        return "\n".join([head, rule, *rows, *skin, *notes]) + "\n"

    def json(self) -> str:
        """Everything, for programs; an infinite PSNR is the string "inf"."""
        return json.dumps(_finite(asdict(self)), indent=2, ensure_ascii=True, allow_nan=False)

    def text(self) -> str:
        """What the command prints."""
        return self.markdown()


class Written(Protocol):
    """What can be written down."""

    def markdown(self) -> str:
        """For people."""

    def json(self) -> str:
        """For programs."""


def write(report: Written, folder: Path) -> None:
    """Write report.md and report.json."""
    for name, text in ((REPORT_MD, report.markdown()), (REPORT_JSON, report.json() + "\n")):
        write_atomic(folder / name, text.encode(errors="backslashreplace"))


def _cell(value: float | None, write_value: Callable[[float], str]) -> str:
    return "" if value is None else write_value(value)


def _finite(value: Any) -> Any:  # noqa: ANN401 (any JSON value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
