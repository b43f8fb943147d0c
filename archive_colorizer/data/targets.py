"""Which colour photographs may teach colour: grey ones are left out, and the rest is split.

Reference system C's training was spoilt by targets that were grey. Nothing here deletes a file: the
verdicts are a table that says of each picture whether it stays, and why.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from archive_colorizer.data.config import TargetConfig as TargetConfig
from archive_colorizer.data.sources import Picture, Split
from archive_colorizer.imaging.colour import colourfulness
from archive_colorizer.imaging.tone import tone_class
from archive_colorizer.storage.atomic import atomic_path

TONE_PX: Final = 128
SHOWN_MISSING: Final = 5
"""Pictures that could not be had, which a report names."""
MEASURED_PX: Final = 256
"""Colourfulness is measured at this short side at most: it hardly depends on size."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision on one picture, with its reason."""

    name: str
    sha256: str
    """Digest of the encoded bytes, hex."""
    width: int
    height: int
    colourfulness: float
    kept: bool
    reason: str
    """Empty where it is kept; else unreadable, grey, not colourful, one tone (sepia, cyanotype:
    its colour follows from its lightness), or duplicate."""
    split: str
    """train or test, by content; empty where it is left out."""
    detail: str = ""
    """Why it is unreadable, where its bytes could not be had."""

    def leave_out(self, reason: str) -> "Verdict":
        """The same picture, not kept."""
        return replace(self, kept=False, reason=reason, split="")


def judge(pictures: Iterable[Picture], config: TargetConfig) -> tuple[Verdict, ...]:
    """A verdict for each picture, none left unsaid.

    Of pictures with the same bytes the first is kept.
    """
    seen: set[str] = set()
    verdicts = []
    for picture in pictures:
        verdict = judge_picture(picture, config, seen)
        seen.add(verdict.sha256)
        verdicts.append(verdict)
    return tuple(verdicts)


def judge_picture(picture: Picture, config: TargetConfig, seen: Set[str]) -> Verdict:
    """A verdict for one picture, by its target.

    Args:
        picture: not yet decoded.
        config: what is kept.
        seen: SHA-256 of the pictures before it.
    """
    name, data = picture.name, picture.target
    sha256 = hashlib.sha256(data).hexdigest()
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if bgr is None:
        return Verdict(
            name, sha256, 0, 0, 0.0, kept=False, reason="unreadable", split="",
            detail=picture.problem,
        )  # fmt: skip
    height, width = bgr.shape[:2]
    scale = MEASURED_PX / min(height, width)
    if scale < 1:
        bgr = cv2.resize(bgr, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    rgb = np.asarray(bgr[..., ::-1])
    score = colourfulness(rgb)
    reason = "duplicate" if sha256 in seen else _find_reason(rgb, score, config.min_colourfulness)
    chosen = picture.split or choose_split(sha256, config.train_share, config.seed)
    return Verdict(
        name, sha256, width, height, round(score, 3), not reason, reason, "" if reason else chosen
    )


def choose_split(sha256: str, train_share: float, seed: int) -> Split:
    """Train or test, by content and seed alone: names, order and additions change nothing."""
    digest = hashlib.sha256(f"{seed}:{sha256}".encode()).digest()
    return "train" if int.from_bytes(digest[:8], "big") < train_share * 2**64 else "test"


def split_digest(verdicts: Sequence[Verdict]) -> str:
    """SHA-256, hex, of who is in which split: the same for the same data, in any order."""
    lines = sorted(f"{v.sha256} {v.split}\n" for v in verdicts if v.kept)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def report(verdicts: Sequence[Verdict]) -> str:
    """Summarise who was kept, who was left out, and why, as lines for people."""
    if not verdicts:
        return "no pictures"
    kept = [v for v in verdicts if v.kept]
    splits = Counter(v.split for v in kept)
    lines = [
        f"{len(verdicts)} pictures, {len(kept)} kept "
        f"({splits['train']} train, {splits['test']} test), {len(verdicts) - len(kept)} left out"
    ]
    reasons = Counter(v.reason for v in verdicts if not v.kept)
    lines += [f"  {count} {reason}" for reason, count in reasons.most_common()]
    missing = [v for v in verdicts if v.detail]
    lines += [f"  {v.name}: {v.detail}" for v in missing[:SHOWN_MISSING]]
    if len(missing) > SHOWN_MISSING:
        lines.append(f"  ... and {len(missing) - SHOWN_MISSING} more that could not be had")
    if kept:
        low, middle, high = np.percentile([v.colourfulness for v in kept], [5, 50, 95])
        lines.append(
            f"colourfulness of the kept: {low:.0f} / {middle:.0f} / {high:.0f} (5, 50, 95 %)"
        )
    return "\n".join(lines)


def write_verdicts(verdicts: Sequence[Verdict], path: Path) -> None:
    """Write the table as Parquet, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(pa.Table.from_pylist([asdict(v) for v in verdicts]), temporary)


def _find_reason(rgb: NDArray[np.uint8], score: float, least: float) -> str:
    if score < least:
        return "grey" if score < 1 else "not colourful"
    if not least:
        return ""
    scale = min(1.0, TONE_PX / min(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return "one tone" if tone_class(np.asarray(small))[0] == "toned" else ""
