"""Figures: of one picture, and of a model over all pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.evaluation import skin
from archive_colorizer.imaging.colour import colourfulness, rgb_to_lab
from archive_colorizer.metrics import picture
from archive_colorizer.metrics.skin import Skin

GREY_TRUTH: Final = 10.0
"""Colourfulness below which a truth counts as grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureScores:
    """One picture of one model; the units are those of `metrics.picture`."""

    name: str
    mse: float
    psnr: float
    ssim: float
    ssim_global: float
    colourfulness: float
    colourfulness_truth: float
    ciede2000: float
    ab_error: float
    accuracy_area: float
    lightness_error: float
    """Mean |L* - truth's L*|."""
    doubt: float | None = None
    lpips: float | None = None
    faces: tuple[skin.FaceScores, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetScores:
    """Figures that only a set of pictures has."""

    kid: float | None = None
    kid_std: float | None = None
    """Standard deviation over the subsets."""
    fid: float | None = None
    kid_encoder: float | None = None
    """KID on EfficientNet-Lite2's features; not to be compared with `kid`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelScores:
    """One row of the table: means over the pictures unless said otherwise."""

    model: str
    family: str
    weights_sha256: str
    parameters: int
    pictures: int
    mse: float
    psnr_mean: float
    """Mean of the pictures' PSNRs, dB."""
    psnr_of_mean_mse: float
    """PSNR of the mean MSE, dB: what reference system B reports; never above psnr_mean."""
    psnr_best: float
    """Of the best picture, dB: reference system C reports it."""
    psnr_over_grey: float
    """psnr_mean less the grey baseline's, dB."""
    ssim: float
    ssim_best: float
    """Of the picture with the highest."""
    ssim_global: float
    colourfulness: float
    colourfulness_truth: float
    colourfulness_ratio: float | None
    """Mean colourfulness over the truth's mean; None where the truth has none."""
    colourfulness_distance: float
    """Mean absolute difference from the truth's, picture by picture."""
    ciede2000: float
    ab_error: float
    accuracy_area: float
    lightness_error: float
    doubt_spearman: float | None
    """Spearman's rank correlation of a picture's mean doubt with its mean ab error."""
    lpips: float | None
    kid: float | None
    kid_std: float | None
    fid: float | None
    kid_encoder: float | None = None
    ms_per_picture: float
    """Of the model alone, this machine, this batch size."""
    skin: Mapping[str, skin.ToneScores]
    """Tone group of the truth -> its faces; empty where no face was found or looked for."""
    skin_ab_error_worst: float | None
    """Of the tone groups with `min_faces`: the worst one's; None where there is no such group."""
    skin_ab_error_gap: float | None
    """The worst one's less the best one's; None where there are not two."""
    skin_left_grey_worst: float | None
    skin_left_grey_gap: float | None


def score(
    name: str,
    rgb_hw3: NDArray[np.uint8],
    truth_hw3: NDArray[np.uint8],
    *,
    doubt: float | None = None,
    lpips: float | None = None,
    skins: Sequence[Skin] = (),
) -> PictureScores:
    """All figures of one picture, (H, W, 3) sRGB against its truth and the skin in that."""
    lab, lab_truth = rgb_to_lab(rgb_hw3), rgb_to_lab(truth_hw3)
    errors = picture.ab_errors(lab, lab_truth)
    error = picture.mse(rgb_hw3, truth_hw3)
    return PictureScores(
        name=name,
        mse=error,
        psnr=picture.psnr(error),
        ssim=picture.ssim(rgb_hw3, truth_hw3),
        ssim_global=picture.ssim_global(rgb_hw3, truth_hw3),
        colourfulness=colourfulness(rgb_hw3),
        colourfulness_truth=colourfulness(truth_hw3),
        ciede2000=picture.ciede2000(lab, lab_truth),
        ab_error=float(errors.mean()),
        accuracy_area=picture.accuracy_area(errors),
        lightness_error=float(np.abs(lab[..., 0] - lab_truth[..., 0]).mean()),
        doubt=doubt,
        lpips=lpips,
        faces=skin.score_faces(lab, lab_truth, skins),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A subject with what it scored, before the means are taken."""

    model: str
    family: str
    weights_sha256: str
    parameters: int
    pictures: tuple[PictureScores, ...]
    of_set: SetScores
    seconds: float


def summarize(judged: Judged, grey_psnr: float, min_faces: int) -> ModelScores:
    """Take the means.

    Args:
        judged: the subject and its pictures' scores.
        grey_psnr: the grey baseline's mean PSNR on the same pictures.
        min_faces: of a tone group that counts as the worst and for the gap.
    """
    pictures = judged.pictures
    tones = skin.by_tone([face for picture in pictures for face in picture.faces])
    mean_mse = _mean(pictures, "mse")
    psnr_mean = _mean(pictures, "psnr")
    colour, truth = _mean(pictures, "colourfulness"), _mean(pictures, "colourfulness_truth")
    distance = fmean(abs(p.colourfulness - p.colourfulness_truth) for p in pictures)
    return ModelScores(
        model=judged.model,
        family=judged.family,
        weights_sha256=judged.weights_sha256,
        parameters=judged.parameters,
        pictures=len(pictures),
        mse=mean_mse,
        psnr_mean=psnr_mean,
        psnr_of_mean_mse=picture.psnr(mean_mse),
        psnr_best=max(one.psnr for one in pictures),
        psnr_over_grey=0.0 if psnr_mean == grey_psnr else psnr_mean - grey_psnr,
        ssim=_mean(pictures, "ssim"),
        ssim_best=max(one.ssim for one in pictures),
        ssim_global=_mean(pictures, "ssim_global"),
        colourfulness=colour,
        colourfulness_truth=truth,
        colourfulness_ratio=colour / truth if truth else None,
        colourfulness_distance=distance,
        ciede2000=_mean(pictures, "ciede2000"),
        ab_error=_mean(pictures, "ab_error"),
        accuracy_area=_mean(pictures, "accuracy_area"),
        lightness_error=_mean(pictures, "lightness_error"),
        doubt_spearman=doubt_spearman(pictures),
        lpips=None if pictures[0].lpips is None else _mean(pictures, "lpips"),
        kid=judged.of_set.kid,
        kid_std=judged.of_set.kid_std,
        fid=judged.of_set.fid,
        kid_encoder=judged.of_set.kid_encoder,
        ms_per_picture=1000 * judged.seconds / len(pictures),
        skin=tones,
        skin_ab_error_worst=skin.worst(tones, "ab_error", min_faces),
        skin_ab_error_gap=skin.gap(tones, "ab_error", min_faces),
        skin_left_grey_worst=skin.worst(tones, "left_grey", min_faces),
        skin_left_grey_gap=skin.gap(tones, "left_grey", min_faces),
    )


def doubt_spearman(pictures: Sequence[PictureScores]) -> float | None:
    """How well the recorded doubt ranks the colour error; None without doubt or variation."""
    doubts = [p.doubt for p in pictures if p.doubt is not None]
    if len(doubts) != len(pictures):
        return None
    return picture.spearman(doubts, [p.ab_error for p in pictures])


def _mean(pictures: Sequence[PictureScores], field: str) -> float:
    return fmean(getattr(picture, field) for picture in pictures)
