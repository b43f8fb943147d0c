"""Promotion: the challenger beside the champion on the same pictures, and the gates' verdict."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from archive_colorizer.errors import ConfigError
from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.enlargers import EnlargingReport
from archive_colorizer.evaluation.evidence import judge_amount, judge_differences
from archive_colorizer.evaluation.gates import Evidence, Gate, Policy, Verdict, judge, pick_figures
from archive_colorizer.evaluation.report import EvaluationReport
from archive_colorizer.evaluation.run import evaluate
from archive_colorizer.models.catalog import TASK_OF, Task
from archive_colorizer.registry.mlflow_models import CHALLENGER, CHAMPION, Registry
from archive_colorizer.registry.versions import Decision, Version, current_user, now_text

Report = EvaluationReport | EnlargingReport


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """The outcome of a promotion."""

    version: Version
    champion: Version | None
    """The champion before."""
    verdicts: tuple[Verdict, ...]
    decision: Decision
    report: Report

    @property
    def promoted(self) -> bool:
        """Whether every gate was passed."""
        return self.decision.kind == "promoted"

    def text(self) -> str:
        """Format the outcome for people."""
        lines = [f"{'pass' if v.passed else 'FAIL'}  {v.text}" for v in self.verdicts]
        name, number = self.version.name, self.version.number
        before = f" in place of version {self.champion.number}" if self.champion else ""
        if self.promoted:
            return "\n".join([*lines, f"{name} version {number} is champion{before}"])
        gates = ", ".join(v.gate for v in self.verdicts if not v.passed)
        return "\n".join([*lines, f"{name} version {number} was refused by {gates}"])


def promote(
    registry: Registry,
    name: str,
    evaluation: EvaluationConfig,
    policy: Policy,
    number: str = "",
) -> Promotion:
    """Evaluate the challenger beside the champion and let the gates decide.

    Args:
        registry: where both are.
        name: the registered model.
        evaluation: the set and how it is measured; its models are put in here.
        policy: all of its gates for such models must be passed.
        number: the challenger's version; empty takes the alias.

    Raises:
        ModelReferenceError: no such model or version, or one that cannot be loaded.
        ConfigError: the challenger is champion already, the policy has no gates for such a
            model, or the evaluation does not suit it.
        LocationError: the store or the evaluation set cannot be reached.
    """
    ref = f"models:/{name}/{number}" if number else f"models:/{name}@{CHALLENGER}"
    version, champion = registry.find_version(ref), registry.find_alias(name, CHAMPION)
    if champion and champion.number == version.number:
        raise ConfigError(f"{name}: version {version.number} is champion already")
    refs = tuple(f"models:/{name}/{one.number}" for one in (version, champion) if one)
    enlarging = TASK_OF.get(version.tags.get("family", "")) is Task.UPSCALE
    gates = policy.gates_for(enlarging=enlarging)
    if evaluation.worn and not enlarging:
        raise ConfigError(f"{name}: --worn is for models that restore")
    report = evaluate(replace(evaluation, models=refs))
    rows = {row.model: row for row in report.models}
    mine, theirs = rows[refs[0]], rows[refs[1]] if champion else None
    verdicts = (
        *judge_amount(policy.evidence, _count(report), evaluation.size),
        *judge(gates, mine, theirs),
        *_judge_differences(report, policy.evidence, gates, refs),
    )
    passed = all(verdict.passed for verdict in verdicts)
    decision = Decision(
        kind="promoted" if passed else "refused",
        by=current_user(),
        at=now_text(),
        over=champion.number if champion else "",
        on=f"{evaluation.data}: {report.on}",
        text="; ".join(v.text for v in verdicts if v.passed == passed),
        figures={
            "challenger": pick_figures(mine, gates),
            "champion": pick_figures(theirs, gates) if theirs else None,
        },
    )
    registry.decide(version, decision)
    return Promotion(
        version=version, champion=champion, verdicts=verdicts, decision=decision, report=report
    )


def _count(report: Report) -> int:
    """Count the pictures that were judged."""
    if isinstance(report, EnlargingReport):
        return report.pictures
    return report.models[0].pictures


def _judge_differences(
    report: Report, evidence: Evidence, gates: Sequence[Gate], refs: Sequence[str]
) -> Iterable[Verdict]:
    """Judge the challenger's differences from the champion, picture by picture."""
    if len(refs) < 2:
        return ()
    scores = report.per_picture if isinstance(report, EnlargingReport) else report.pictures
    return judge_differences(evidence, gates, scores[refs[0]], scores[refs[1]])
