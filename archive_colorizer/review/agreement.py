"""How well people agree: shares, Cohen's kappa, and what they said of honeypots."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from archive_colorizer.pipeline.output.reviews import Decision
from archive_colorizer.review.queue import KNOWN

Pair = tuple[str, str]
"""The verdicts of two people on one picture."""


def cohens_kappa(pairs: Iterable[Pair]) -> float | None:
    """Agreement beyond chance of two raters (Cohen 1960), -1..1.

    Returns:
        None where there is no pair, or both always said the same one thing.
    """
    found = list(pairs)
    if not found:
        return None
    observed = sum(a == b for a, b in found) / len(found)
    first, second = zip(*found, strict=True)
    chance = sum(first.count(v) * second.count(v) for v in set(first)) / len(found) ** 2
    return None if chance >= 1 else (observed - chance) / (1 - chance)


def pairs_of(
    decisions: Mapping[str, Mapping[str, Decision]], reviewer: str | None
) -> Iterator[Pair]:
    """Yield pairs of verdicts on one derivative; `later` is none.

    Args:
        decisions: derivative -> reviewer -> decision.
        reviewer: comes first in each pair; None for all pairs, in the order of names.
    """
    for by in decisions.values():
        said = {name: one.verdict for name, one in sorted(by.items()) if one.verdict in KNOWN}
        if reviewer is None:
            yield from combinations(said.values(), 2)
        elif reviewer in said:
            own = said.pop(reviewer)
            yield from ((own, other) for other in said.values())


def summarize_agreement(
    decisions: Mapping[str, Mapping[str, Decision]],
    honeypots: Iterable[Decision],
    known: Mapping[str, str],
    reviewer: str | None,
) -> dict[str, Any]:
    """Count agreement for JSON.

    Args:
        decisions: derivative -> reviewer -> decision that stands.
        honeypots: what was said first of each.
        known: derivative -> verdict of honeypots.
        reviewer: whose figures; None for everybody's.
    """
    pairs = list(pairs_of(decisions, reviewer))
    shown = [
        one for one in honeypots
        if one.derivative_sha256 in known and reviewer in (None, one.reviewer)
        and one.verdict in KNOWN
    ]  # fmt: skip
    return {
        "pairs": len(pairs),
        "agreed": sum(a == b for a, b in pairs),
        "kappa": cohens_kappa(pairs),
        "honeypots": {
            "shown": len(shown),
            "right": sum(one.verdict == known[one.derivative_sha256] for one in shown),
        },
    }
