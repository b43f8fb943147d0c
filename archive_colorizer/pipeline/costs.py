"""What the steps of a picture cost, for the plan: measured here, and by OUTPUT's own last run."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from archive_colorizer.imaging.formats import Format
from archive_colorizer.pipeline.plan import Load
from archive_colorizer.pipeline.steps.record import Recorded
from archive_colorizer.pipeline.steps.step import Step

COSTS: Final[Mapping[str, tuple[float, float]]] = {
    "read": (0.1, 0.2),
    "prepare": (1.8, 0.65),
    "decode": (1.0, 0.9),
    "record": (0.5, 0.0),
    "jpeg": (16.8, 9.8),
    "png": (60.0, 68.0),
    "tiff": (65.0, 68.0),
    "ptif": (104.0, 109.0),
    "webp": (95.0, 99.0),
}
"""Step, or a derivative's format for its delivery -> milliseconds a picture, and a megapixel more;
one thread, grey JPEGs (benchmarks/results/bench_steps.json at 1.5 and 24 MP; read and record:
bench_pipeline.json; ptif and webp by their CPU time beside tiff's at 1.5 and 6 MP, 1.6 and 1.45
times as much). Only their proportions count."""
BYTES_A_PIXEL: Final = 0.45
"""A grey JPEG's, as in these figures: 0.4 at 1.5 MP, 0.5 at 24."""
MEGAPIXELS: Final = 0.1, 100.0
"""Range within which a size in bytes is believed to tell pixels."""
ENOUGH: Final = 16
"""Pictures of a run whose mean counts."""
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "read": ("read",),
    "prepare": ("prepare",),
    "deliver": ("compose", "encode", "write"),
}
"""Step -> the manifest's times that are its own."""


def loads(
    steps: Sequence[Step],
    mean_bytes: float,
    form: Format = "jpeg",
    upscale: int = 1,
    measured: Mapping[str, float] | None = None,
) -> tuple[Load, ...]:
    """Estimate what steps cost.

    Args:
        steps: in order.
        mean_bytes: of a master.
        form: of the derivatives.
        upscale: how many times as many pixels a derivative has on a side.
        measured: mean milliseconds of the last run, by the manifest's step times; they go first.
    """
    megapixels = min(max(mean_bytes / BYTES_A_PIXEL / 1e6, MEGAPIXELS[0]), MEGAPIXELS[1])
    return tuple(
        Load(
            kind=step.kind,
            alone=step.alone,
            ms=_measured(step.name, measured or {})
            or _estimate(step.name, form, megapixels, upscale),
        )
        for step in steps
    )


def _measured(name: str, measured: Mapping[str, float]) -> float:
    return float(sum(measured.get(column, 0.0) for column in COLUMNS.get(name, ())))


def _estimate(name: str, form: Format, megapixels: float, upscale: int) -> float:
    made = megapixels * upscale**2 if name == "deliver" else megapixels
    fixed, more = COSTS.get(form if name == "deliver" else name, (1.0, 0.0))
    return fixed + more * made


@dataclass(slots=True)
class StepTimes:
    """Mean times of a run's pictures, by the manifest's step times."""

    pictures: int = 0
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, batch: Sequence[Recorded]) -> None:
        """Count the pictures of a batch that got a derivative."""
        for one in batch:
            if one.status == "ok":
                self.pictures += 1
                self.sums.update({name: ms for name, ms in one.ms.items() if ms is not None})

    def to_json(self) -> dict[str, float]:
        """Milliseconds a picture by step, for job.json; none of too few pictures."""
        if self.pictures < ENOUGH:
            return {}
        return {name: round(ms / self.pictures, 3) for name, ms in sorted(self.sums.items())}


def last_times(job: Mapping[str, Any]) -> Mapping[str, float]:
    """Times of an OUTPUT's last run; none where its job.json has none that can be used."""
    found = (job.get("work") or {}).get("step_ms") or {}
    return {name: ms for name, ms in found.items() if isinstance(ms, int | float) and ms >= 0}
