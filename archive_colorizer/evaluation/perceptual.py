"""LPIPS, KID and FID from weights that the user names; KID on the installed encoder's features.

The set metrics are torchmetrics'. B batch, H height, W width, F features.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from statistics import fmean
from typing import Any, Final

import torch
from torch import Tensor, nn

from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.scores import SetScores
from archive_colorizer.extras import require
from archive_colorizer.metrics.features import ENCODER_TITLE, SET_PX, EncoderFeatures
from archive_colorizer.metrics.inception import FEATURES, load_inception
from archive_colorizer.metrics.lpips import load_lpips

MIN_PICTURES: Final = 4
"""KID of fewer would be noise alone."""
FID_FROM: Final = 2048
"""Pictures below which FID is not given: its covariance would not even have full rank."""
KID_SUBSET: Final = 1000
KID_SUBSETS: Final = 100
SUBSETS: Final = f"{KID_SUBSETS} subsets of half the pictures, at most {KID_SUBSET}"
INCEPTION, LITE2 = "inception", "encoder"
Features = Mapping[str, Tensor]
"""Network -> (B, F) on the CPU; those that were not asked for are absent."""


class GivenFeatures(nn.Module):
    """Stands for the feature network: the features are computed once, for KID and FID alike."""

    num_features = FEATURES

    def forward(self, features_bf: Tensor) -> Tensor:
        """(B, F) -> the same."""
        return features_bf


class Perceptual:
    """The feature networks of one comparison, on its device; any of them may be absent."""

    def __init__(self, config: EvaluationConfig, device: torch.device) -> None:
        self._seed = config.seed
        self._inception: nn.Module | None = None
        self._encoder: EncoderFeatures | None = None
        self._lpips: nn.Module | None = None
        self.protocol = {"kid": "not asked for", "fid": "not asked for", "lpips": "not asked for"}
        if config.inception:
            self._inception, compared = load_inception(config.inception)
            self._inception.to(device)
            text = f"torchmetrics; {compared}; 8-bit pictures to 299 px, bicubic antialiased"
            self.protocol["kid"] = f"{text}; {SUBSETS}"
            self.protocol["fid"] = f"{text}; from {FID_FROM} pictures on"
        if config.kid_encoder:
            self._encoder = EncoderFeatures("--kid-encoder", "leave it out").to(device)
            self.protocol["kid on EfficientNet-Lite2"] = (
                f"torchmetrics, on the mean of the map at stride 32 of {ENCODER_TITLE}: compares "
                f"these models with each other, not with published KID or FID; each half's made "
                f"pictures against the other half's truths; 8-bit pictures to {SET_PX} px, bicubic "
                f"antialiased; {SUBSETS}"
            )
        if config.lpips_backbone:
            self._lpips, name = load_lpips(config.lpips_backbone, config.lpips_heads)
            self._lpips.to(device)
            self.protocol["lpips"] = f"version 0.1, {name}"

    def lpips(self, rgb_b3hw: Tensor, truth_b3hw: Tensor) -> list[float | None]:
        """LPIPS of each picture, RGB in [0, 1]; None without its weights."""
        if self._lpips is None:
            return [None] * len(rgb_b3hw)
        return [float(value) for value in self._lpips(rgb_b3hw, truth_b3hw)]

    def features(self, rgb_b3hw: Tensor) -> Features:
        """Features of each picture, RGB in [0, 1], of the networks that were asked for."""
        found = {}
        if self._inception is not None:
            found[INCEPTION] = self._inception(rgb_b3hw).float().cpu()
        if self._encoder is not None:
            found[LITE2] = self._encoder.pooled(rgb_b3hw).float().cpu()
        return found

    def of_set(self, made: Features, true: Features) -> SetScores:
        """KID, and FID where there are enough pictures; the same subsets for all models."""
        kid, kid_std = None, None
        if INCEPTION in made and len(made[INCEPTION]) >= MIN_PICTURES:
            kid, kid_std = self._kid(made[INCEPTION], true[INCEPTION])
        fid = None
        if kid is not None and len(made[INCEPTION]) >= FID_FROM:
            with quiet():
                fid = _fid(made[INCEPTION], true[INCEPTION])
        encoder = None
        if LITE2 in made and len(made[LITE2]) >= 2 * MIN_PICTURES:
            encoder = self._kid_of_halves(made[LITE2], true[LITE2])
        return SetScores(kid=kid, kid_std=kid_std, fid=fid, kid_encoder=encoder)

    def _kid(self, made_nf: Tensor, true_nf: Tensor) -> tuple[float, float]:
        with torch.random.fork_rng(devices=[]), quiet():
            torch.manual_seed(self._seed)
            return _kid(made_nf, true_nf)

    def _kid_of_halves(self, made_nf: Tensor, true_nf: Tensor) -> float:
        """Each half's made pictures against the other half's truths, the mean of both.

        A made picture beside its own truth would be nearer than two pictures of a set ever are, and
        pull the estimate below zero.
        """
        ways = ((slice(0, None, 2), slice(1, None, 2)), (slice(1, None, 2), slice(0, None, 2)))
        return fmean(self._kid(made_nf[one], true_nf[other])[0] for one, other in ways)


@contextmanager
def quiet() -> Iterator[None]:
    """Without torchmetrics' warning that KID keeps its features."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Metric `Kernel Inception Distance` will save")
        yield


def _kid(made_nf: Tensor, true_nf: Tensor) -> tuple[float, float]:
    size = min(KID_SUBSET, len(made_nf) // 2)
    metric = _library("kid").KernelInceptionDistance(
        feature=GivenFeatures(), subsets=KID_SUBSETS, subset_size=size
    )
    metric.update(true_nf, real=True)
    metric.update(made_nf, real=False)
    mean, deviation = metric.compute()
    return float(mean), float(deviation)


def _fid(made_nf: Tensor, true_nf: Tensor) -> float:
    metric = _library("fid").FrechetInceptionDistance(feature=GivenFeatures())
    metric.update(true_nf.double(), real=True)
    metric.update(made_nf.double(), real=False)
    return float(metric.compute())


def _library(name: str) -> Any:  # noqa: ANN401 (an untyped module)
    require("metrics", name.upper())
    if name == "kid":
        from torchmetrics.image import kid as library
    else:
        from torchmetrics.image import fid as library
    return library
