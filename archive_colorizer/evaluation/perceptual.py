"""LPIPS, KID and FID from weights that the user names; the set metrics are torchmetrics'."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch import Tensor, nn

from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.scores import SetScores
from archive_colorizer.extras import require
from archive_colorizer.metrics.inception import FEATURES, load_inception
from archive_colorizer.metrics.lpips import load_lpips

FID_FROM: Final = 2048
"""Pictures below which FID is not given: its covariance would not even have full rank."""
KID_SUBSET: Final = 1000
KID_SUBSETS: Final = 100


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
        self._lpips: nn.Module | None = None
        self.protocol = {"kid": "not asked for", "fid": "not asked for", "lpips": "not asked for"}
        if config.inception:
            self._inception, compared = load_inception(config.inception)
            self._inception.to(device)
            text = f"torchmetrics; {compared}; 8-bit pictures to 299 px, bicubic antialiased"
            self.protocol["kid"] = (
                f"{text}; {KID_SUBSETS} subsets of half the pictures, at most {KID_SUBSET}"
            )
            self.protocol["fid"] = f"{text}; from {FID_FROM} pictures on"
        if config.lpips_backbone:
            self._lpips, name = load_lpips(config.lpips_backbone, config.lpips_heads)
            self._lpips.to(device)
            self.protocol["lpips"] = f"version 0.1, {name}"

    def lpips(self, rgb_b3hw: Tensor, truth_b3hw: Tensor) -> list[float | None]:
        """LPIPS of each picture, RGB in [0, 1]; None without its weights."""
        if self._lpips is None:
            return [None] * len(rgb_b3hw)
        return [float(value) for value in self._lpips(rgb_b3hw, truth_b3hw)]

    def features(self, rgb_b3hw: Tensor) -> Tensor | None:
        """(B, 2048) on the CPU, RGB in [0, 1]; None without Inception's weights."""
        return None if self._inception is None else self._inception(rgb_b3hw).float().cpu()

    def of_set(self, made_nf: Tensor | None, true_nf: Tensor | None) -> SetScores:
        """KID, and FID where there are enough pictures; the same subsets for all models."""
        if made_nf is None or true_nf is None or len(made_nf) < 4:
            return SetScores()
        with torch.random.fork_rng(devices=[]), quiet():
            torch.manual_seed(self._seed)
            kid, kid_std = _kid(made_nf, true_nf)
            fid = _fid(made_nf, true_nf) if len(made_nf) >= FID_FROM else None
        return SetScores(kid=kid, kid_std=kid_std, fid=fid)


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
