"""How a comparison was measured, in words: it stands under every table."""

from collections.abc import Sequence
from typing import Final

import torch

from archive_colorizer.evaluation.config import EvaluationConfig
from archive_colorizer.evaluation.pictures import Pair, digest
from archive_colorizer.evaluation.scores import GREY_TRUTH, PictureScores

FIXED: Final = {
    "input": "colorizers get the neutral grey with the source's CIE L* (D65), sRGB-encoded and "
    "rounded to 8 bits; translators get the source's RGB",
    "judged": "what would be delivered: the input's L* with the model's ab, clipped to sRGB and "
    "rounded to 8 bits",
    "mode": "evaluation mode (running statistics, no dropout); reference system B measured its "
    "networks in training mode, so its table is not measured alike",
    "range": "MSE, PSNR and SSIM on RGB 0..255; MSE over pixels and channels",
    "psnr": "mean of the pictures' PSNRs; beside it the PSNR of the mean MSE, as reference system "
    "B reports; a picture left grey is the first row",
    "ssim": "11x11 Gaussian, sigma 1.5, K1 0.01, K2 0.03, each channel, mean (scikit-image)",
    "ssim_global": "reference system B's formula, for comparison with its table only: one window, "
    "product of deviations in place of the covariance, [0, 1]",
    "colourfulness": "Hasler & Süsstrunk 2003, signed; distance: mean |model - truth| of a picture",
    "colour error": "CIE Lab D65 of the 8-bit pictures; ab error Euclidean; AuC over 0..150, "
    "per pixel, not rebalanced; CIEDE2000 with unit weights (scikit-image)",
}


def describe(
    config: EvaluationConfig,
    pairs: Sequence[Pair],
    device: torch.device,
    scores: Sequence[PictureScores],
) -> dict[str, str]:
    """The protocol of one comparison, by topic."""
    grey = sum(score.colourfulness_truth < GREY_TRUTH for score in scores)
    return {
        "pictures": f"{len(pairs)} drawn by the SHA-256 of seed and name (seed {config.seed}, "
        f"limit {config.limit or 'none'}), the same for all; SHA-256 of names and pixels "
        f"{digest(pairs)}; {grey} truths below colourfulness {GREY_TRUTH:g}",
        "size": f"RGB, short side to {config.size} px (Pillow bicubic, antialiased), centre square "
        f"{config.size}x{config.size}; orientation applied, profiles taken for sRGB",
        "device": f"{device.type}, float32, no TF32, batch {config.batch_size}, random state "
        f"{config.seed} before each batch of each model, torch {torch.__version__}",
        "temperature": "each model's own"
        if config.temperature is None
        else f"{config.temperature:g}",
        **FIXED,
    }
