"""Bias on skin: colour error and skin left grey, by the tone group of the true colours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.extras import install_command
from archive_colorizer.imaging.colour import chroma
from archive_colorizer.metrics.picture import ab_errors
from archive_colorizer.metrics.skin import TONES, Skin, find_skin, has_face_finder

GREY_CHROMA: Final = 5.0
"""CIE Lab chroma below which skin counts as left grey: its hue is hardly seen."""
MISSING: Final = f"needs the extra `faces`: {install_command('faces')}"

Figure = Literal["ab_error", "left_grey"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceScores:
    """One face of one model."""

    tone: str
    """Key of `metrics.skin.TONES`, of the truth."""
    ab_error: float
    """Mean over the pixels of its skin, Lab units."""
    left_grey: float
    """Share of its skin's pixels that the model left grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToneScores:
    """A tone group of one model: means over its faces."""

    faces: int
    ab_error: float
    left_grey: float


def find_all(truths: Sequence[NDArray[np.uint8]], wanted: str) -> list[tuple[Skin, ...]] | None:
    """Find the skin in each truth, (H, W, 3) sRGB; None where it is not measured.

    Args:
        truths: the pictures.
        wanted: `EvaluationConfig.skin`: auto, on or off.

    Raises:
        ConfigError: it is wanted, and the face finder is not installed.
    """
    if wanted == "on" and not has_face_finder():
        raise ConfigError(f"--skin on {MISSING}")
    if wanted == "off" or not has_face_finder():
        return None
    return [find_skin(truth) for truth in truths]


def describe(skins: Sequence[Sequence[Skin]] | None, wanted: str, min_faces: int) -> str:
    """Say in one line how skin was measured, or why not."""
    if skins is None:
        return "not asked for" if wanted == "off" else f"not measured: {MISSING}"
    faces = sum(map(len, skins))
    pictures = sum(map(bool, skins))
    return (
        f"{faces} faces in {pictures} pictures (libfacedetection); pixels of the inner face whose "
        "true colour is in the range of skin; groups by the individual typology angle of the "
        f"truth (Chardon et al. 1991); left grey: chroma under {GREY_CHROMA:g}; groups of fewer "
        f"than {min_faces} faces are shown, but count neither as the worst nor for the gap"
    )


def score_faces(
    lab_hw3: NDArray[np.floating], truth_hw3: NDArray[np.floating], skins: Sequence[Skin]
) -> tuple[FaceScores, ...]:
    """Score each face of a picture, (H, W, 3) CIE Lab against its truth."""
    if not skins:
        return ()
    errors_hw = ab_errors(lab_hw3, truth_hw3)
    grey_hw = chroma(np.asarray(lab_hw3, np.float32)) < GREY_CHROMA
    return tuple(
        FaceScores(
            tone=skin.tone,
            ab_error=float(errors_hw[skin.mask_hw].mean()),
            left_grey=float(grey_hw[skin.mask_hw].mean()),
        )
        for skin in skins
    )


def by_tone(faces: Sequence[FaceScores]) -> dict[str, ToneScores]:
    """Mean of each tone group that has a face, lightest first."""
    groups = {tone: [face for face in faces if face.tone == tone] for tone in TONES}
    return {
        tone: ToneScores(
            faces=len(members),
            ab_error=fmean(face.ab_error for face in members),
            left_grey=fmean(face.left_grey for face in members),
        )
        for tone, members in groups.items()
        if members
    }


def worst(tones: Mapping[str, ToneScores], figure: Figure, min_faces: int) -> float | None:
    """The figure of the worst group; None where no group has faces enough."""
    return max(_figures(tones, figure, min_faces), default=None)


def gap(tones: Mapping[str, ToneScores], figure: Figure, min_faces: int) -> float | None:
    """The worst group's figure less the best one's; None where fewer than two have faces enough."""
    found = _figures(tones, figure, min_faces)
    return max(found) - min(found) if len(found) > 1 else None


def _figures(tones: Mapping[str, ToneScores], figure: Figure, min_faces: int) -> list[float]:
    return [getattr(one, figure) for one in tones.values() if one.faces >= max(1, min_faces)]


def skin_table(models: Sequence[tuple[str, Mapping[str, ToneScores]]]) -> list[str]:
    """Markdown lines: ab error and share left grey by tone; none where no face was found.

    Args:
        models: name and tones of each; the faces are the same for all.
    """
    tones = models[0][1]
    if not tones:
        return []
    heads = [f"{tone} ({scores.faces})" for tone, scores in tones.items()]
    lines = [
        "",
        "| skin, by tone (faces) | " + " | ".join(heads) + " |",
        "|---|" + "---:|" * len(heads),
    ]
    for name, found in models:
        cells = (f"{one.ab_error:.1f}, {100 * one.left_grey:.0f}%" for one in found.values())
        lines.append(f"| {name}: ab error, left grey | " + " | ".join(cells) + " |")
    return lines
