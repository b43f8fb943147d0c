"""Promotion gates: what a challenger must meet, alone and beside the champion. Pure but for a file.

The policy is YAML (mlflow/promotion.yaml is the default's text):

    evidence: {min_pictures: 50, min_px: 128, confidence: 0.95, better_in: [psnr_mean]}
    gates:                                                       # models that colour or translate
      - {metric: psnr_mean, better: higher, not_worse_by: 0.1}   # beside the champion
      - {metric: colourfulness_ratio, at_least: 0.7, at_most: 1.3}
    enlarging_gates:                                             # models that enlarge or restore
      - {metric: psnr_y_gain, at_least: 0, not_worse_by: 0.05}
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.enlargers import EnlargerScores
from archive_colorizer.evaluation.scores import ModelScores

Scores = ModelScores | EnlargerScores
NO_FIGURES: Final = ("model", "family", "skin")
"""Fields of scores that no gate can ask about: texts and tables."""
METRICS: Final = {
    key: frozenset(item.name for item in fields(kind) if item.name not in NO_FIGURES)
    for key, kind in (("gates", ModelScores), ("enlarging_gates", EnlargerScores))
}
"""List of a policy -> figures that its gates may ask about."""
EVIDENCE: Final = "evidence"
OF_A_PICTURE: Final = {
    "psnr_mean": "psnr", "mse": "mse", "ssim": "ssim", "ciede2000": "ciede2000",
    "ab_error": "ab_error", "accuracy_area": "accuracy_area",
    "lightness_error": "lightness_error", "lpips": "lpips",
    "psnr_y": "psnr_y", "psnr_y_gain": "psnr_y", "ssim_y": "ssim_y",
}  # fmt: skip
"""Figures of ModelScores and EnlargerScores that are means over pictures -> the figure of a
picture. (The baseline of `psnr_y_gain` is the same for both models.)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One condition on a figure."""

    metric: str
    """A field of ModelScores or of EnlargerScores."""
    better: Literal["higher", "lower"] = "higher"
    not_worse_by: float | None = None
    """Allowed distance to the champion, in the metric's units; holds where there is no champion."""
    at_least: float | None = None
    at_most: float | None = None
    unmeasured: Literal["refuse", "pass"] = "refuse"
    """What a challenger without this figure comes to: skin has none where faces are too few."""

    def __post_init__(self) -> None:
        if self.better not in ("higher", "lower"):
            raise ConfigError(f"better={self.better!r}: must be higher or lower")
        if self.unmeasured not in ("refuse", "pass"):
            raise ConfigError(f"unmeasured={self.unmeasured!r}: must be refuse or pass")
        limits = (self.not_worse_by, self.at_least, self.at_most)
        if all(limit is None for limit in limits):
            raise ConfigError(f"{self.metric}: needs not_worse_by, at_least or at_most")
        for limit in limits:
            if limit is not None and (
                isinstance(limit, bool) or not isinstance(limit, int | float)
            ):
                raise ConfigError(f"{self.metric}: {limit!r} is not a number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """How much must have been seen before the gates are asked; the defaults ask for nothing."""

    min_pictures: int = 1
    """Pictures that both are judged on."""
    min_px: int = 1
    """Edge at which they are judged."""
    confidence: float | None = None
    """Of the interval that a difference from the champion must keep within a gate's allowance;
    None compares the means alone."""
    better_in: tuple[str, ...] = ()
    """Figures of which one must be better than the champion's beyond chance, of those that a model
    of its kind has; none lets a tie pass."""

    def __post_init__(self) -> None:
        for name in ("min_pictures", "min_px"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigError(f"{name}={value!r}: must be a whole number, 1 or more")
        if self.confidence is not None and not (
            isinstance(self.confidence, float) and 0.5 <= self.confidence < 1
        ):
            raise ConfigError(f"confidence={self.confidence!r}: must be from 0.5 to below 1")
        if self.better_in and self.confidence is None:
            raise ConfigError("better_in: needs confidence")
        for metric in self.better_in:
            if metric not in OF_A_PICTURE:
                known = ", ".join(OF_A_PICTURE)
                raise ConfigError(f"better_in: {metric!r} is no mean over pictures ({known})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The gates of both kinds of models; a policy may be for one kind alone."""

    evidence: Evidence = Evidence()
    gates: tuple[Gate, ...] = ()
    enlarging_gates: tuple[Gate, ...] = ()

    def __post_init__(self) -> None:
        for key, metrics in METRICS.items():
            for number, gate in enumerate(getattr(self, key), start=1):
                if gate.metric not in metrics:
                    known = ", ".join(sorted(metrics))
                    raise ConfigError(
                        f"{key} {number}: {gate.metric!r} is no metric (known: {known})"
                    )

    def gates_for(self, *, enlarging: bool) -> tuple[Gate, ...]:
        """Choose the gates that a model of that kind must pass.

        Raises:
            ConfigError: the policy has none: nothing is promoted unasked.
        """
        gates = self.enlarging_gates if enlarging else self.gates
        if not gates:
            raise ConfigError(f"the policy has no {'enlarging_gates' if enlarging else 'gates'}")
        return gates


DEFAULT: Final = Policy(
    evidence=Evidence(
        min_pictures=50,
        min_px=128,
        confidence=0.95,
        better_in=("psnr_mean", "ciede2000", "psnr_y_gain", "ssim_y"),
    ),
    gates=(
        Gate(metric="psnr_mean", not_worse_by=0.1),
        Gate(metric="ciede2000", better="lower", not_worse_by=0.25),
        Gate(metric="colourfulness_ratio", at_least=0.7, at_most=1.3),
        Gate(metric="lightness_error", better="lower", at_most=1.0),
        Gate(metric="skin_ab_error_worst", better="lower", not_worse_by=0.5, unmeasured="pass"),
        Gate(metric="skin_ab_error_gap", better="lower", not_worse_by=0.5, unmeasured="pass"),
        Gate(metric="skin_left_grey_worst", better="lower", not_worse_by=0.05, unmeasured="pass"),
        Gate(metric="skin_left_grey_gap", better="lower", not_worse_by=0.05, unmeasured="pass"),
    ),
    enlarging_gates=(
        Gate(metric="psnr_y_gain", at_least=0, not_worse_by=0.05),
        Gate(metric="ssim_y", not_worse_by=0.002),
    ),
)
"""The policy of mlflow/promotion.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of one gate."""

    gate: str
    passed: bool
    text: str
    """The outcome in words, with the figures."""


def read_policy(path: Path) -> Policy:
    """Read the gates of a file.

    Raises:
        ConfigError: missing, not YAML, or a gate that cannot be; says where.
    """
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the policy: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())[:200]}") from error
    keys = set(said) if isinstance(said, dict) else set()
    if not keys & set(METRICS) or not keys <= {*METRICS, EVIDENCE}:
        raise ConfigError(
            f"{path}: must have the keys {' or '.join(METRICS)}, may have {EVIDENCE}, and no others"
        )
    try:
        evidence = _read_evidence(said.pop(EVIDENCE, {}))
        read = {key: _read_gates(key, entries) for key, entries in said.items()}
        return Policy(evidence=evidence, **read)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from error


def _read_evidence(said: object) -> Evidence:
    if not isinstance(said, dict):
        raise ConfigError(f"{EVIDENCE} is not a mapping")
    names = said.get("better_in", [])
    if not isinstance(names, list):
        raise ConfigError(f"{EVIDENCE}: better_in must be a list")
    try:
        return Evidence(**{**said, "better_in": tuple(names)})
    except (ConfigError, TypeError) as error:
        raise ConfigError(f"{EVIDENCE}: {error}") from error


def _read_gates(key: str, entries: object) -> tuple[Gate, ...]:
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{key} must be a list of at least one")
    found = []
    for number, entry in enumerate(entries, start=1):
        try:
            if not isinstance(entry, dict):
                raise ConfigError("is not a mapping")
            found.append(Gate(**entry))
        except (ConfigError, TypeError) as error:
            raise ConfigError(f"{key} {number}: {error}") from error
    return tuple(found)


def judge(
    gates: Sequence[Gate], challenger: Scores, champion: Scores | None
) -> tuple[Verdict, ...]:
    """Judge every gate; the verdicts are in their order."""
    return tuple(_judge_gate(gate, challenger, champion) for gate in gates)


def _judge_gate(gate: Gate, challenger: Scores, champion: Scores | None) -> Verdict:
    value = getattr(challenger, gate.metric)
    if value is None:
        judged = ", so it is not judged" if gate.unmeasured == "pass" else ""
        text = f"{gate.metric} was not measured{_reason(gate.metric, challenger)}{judged}"
        return Verdict(gate=gate.metric, passed=gate.unmeasured == "pass", text=text)
    failures = []
    if gate.at_least is not None and not value >= gate.at_least:
        failures.append(f"is {value:.4g}, must be at least {gate.at_least:g}")
    if gate.at_most is not None and not value <= gate.at_most:
        failures.append(f"is {value:.4g}, must be at most {gate.at_most:g}")
    beside = ""
    if gate.not_worse_by is not None and champion is not None:
        beside, failure = _compare(gate, gate.not_worse_by, value, getattr(champion, gate.metric))
        failures += [failure] if failure else []
    text = "; ".join(failures) or f"is {value:.4g}{beside}"
    return Verdict(gate=gate.metric, passed=not failures, text=f"{gate.metric} {text}")


def _reason(metric: str, scores: Scores) -> str:
    """Why a figure is missing, for those of skin; empty for others."""
    if not metric.startswith("skin_") or not isinstance(scores, ModelScores):
        return ""
    faces = ", ".join(f"{tone} {one.faces}" for tone, one in scores.skin.items())
    return f" (faces: {faces}: too few)" if faces else " (no faces)"


def _compare(gate: Gate, allowed: float, value: float, other: float | None) -> tuple[str, str]:
    """Compare a figure with the champion's.

    Returns:
        The champion's figure in words, and why the gate is not passed; empty where it is.
    """
    if other is None:
        return "", f"is {value:.4g}; the champion's was not measured, so they cannot be compared"
    beside = f" beside the champion's {other:.4g}"
    worse = other - value if gate.better == "higher" else value - other
    if worse <= allowed:
        return beside, ""
    return beside, f"is {value:.4g}{beside}: worse by {worse:.4g}, allowed {allowed:g}"


def pick_figures(scores: Scores, gates: Sequence[Gate]) -> Mapping[str, Any]:
    """Pick the gates' metrics of a model."""
    return {gate.metric: getattr(scores, gate.metric) for gate in gates}
