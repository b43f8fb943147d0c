"""Metrics of a job for Prometheus, through Ray's own exporter on every node.

Ray puts `ray_` before the names and adds the node; `infra/grafana/archive-colorizer.json` is a
dashboard of them.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from ray.util.metrics import Counter, Histogram

SECONDS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Upper bounds of the histograms' buckets."""
LEAST: Final = 1e-6
"""Stands for zero, which Ray's histograms refuse."""


class Finished(Protocol):
    """A finished page, as far as metrics need it."""

    status: str
    error_class: str
    ms: dict[str, float | None]


class JobMetrics:
    """The counters and histograms of one worker."""

    def __init__(self) -> None:
        self._pictures = Counter(
            "archive_colorizer_pictures",
            description="Pages that have their manifest row, by outcome.",
            tag_keys=("status", "error_class"),
        )
        self._seconds = Histogram(
            "archive_colorizer_picture_seconds",
            description="Work on one page, all steps, in seconds.",
            boundaries=list(SECONDS),
            tag_keys=("status",),
        )
        self._steps = Histogram(
            "archive_colorizer_step_seconds",
            description="Work of one step on one page, in seconds.",
            boundaries=list(SECONDS),
            tag_keys=("step",),
        )

    def count(self, finished: Sequence[Finished]) -> None:
        """Add finished pages to the counters."""
        for one in finished:
            self._pictures.inc(1, {"status": one.status, "error_class": one.error_class or "none"})
            spent = {step: ms / 1000 for step, ms in one.ms.items() if ms is not None}
            self._seconds.observe(max(LEAST, sum(spent.values())), {"status": one.status})
            for step, seconds in spent.items():
                self._steps.observe(max(LEAST, seconds), {"step": step})
