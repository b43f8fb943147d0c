"""Loss curves of a run, drawn as a PNG."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

POINTS: Final = 400
"""A curve's points: longer runs are averaged over stretches of steps."""


def draw_curves(
    path: Path,
    losses: Iterable[Mapping[str, Any]],
    validations: Sequence[Mapping[str, Any]],
    goal: str,
) -> None:
    """Draw training losses over steps, and the held-out loss that is the goal beside its own.

    Args:
        path: of the PNG.
        losses: lines of losses.jsonl.
        validations: lines of validation.jsonl.
        goal: name of the loss by which the best weights are chosen.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curves: dict[str, list[tuple[int, float]]] = {}
    for line in losses:
        for name, value in line["losses"].items():
            curves.setdefault(name, []).append((line["step"], value))
    names = list(curves) or [goal]
    figure = Figure(figsize=(8, 2.4 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    for axis, name in zip(np.ravel(figure.subplots(len(names), 1)), names, strict=True):
        points = _thin(np.asarray(curves.get(name, [(0, np.nan)]), np.float64))
        axis.plot(points[:, 0], points[:, 1], label="training", linewidth=1)
        held = [(v["step"], v["figures"][name]) for v in validations if name in v["figures"]]
        if held:
            axis.plot(*zip(*held, strict=True), "o-", label="held out", markersize=3)
        axis.set_title(name + (" (goal)" if name == goal else ""), fontsize=10)
        axis.set_xlabel("step", fontsize=8)
        axis.legend(fontsize=8)
    figure.savefig(path, dpi=90)


def _thin(points: np.ndarray) -> np.ndarray:
    """Take means over equal stretches: (N, 2) -> (at most POINTS, 2)."""
    if len(points) <= POINTS:
        return points
    parts = np.array_split(points, POINTS)
    return np.stack([part.mean(axis=0) for part in parts])
