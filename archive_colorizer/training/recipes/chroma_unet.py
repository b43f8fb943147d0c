"""How the chroma classifier learns: soft-encoded bins, rebalanced by rarity (Zhang et al. 2016).

Grey is degraded in half of the samples, hints are drawn in two of five. B batch, H height, W width;
targets are at a quarter of the size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.data.seeds import derive
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import AB_SCALE, LUMA_WEIGHTS, rgb_to_lab
from archive_colorizer.imaging.degrade import degraded_gray
from archive_colorizer.models.chroma_unet import STRIDE, ChromaUNet
from archive_colorizer.training.feed import FeedConfig, cut_alike, drawn
from archive_colorizer.training.recipe import Batch, Phase, Sample

GRID_STEP: Final = 2
GRID: Final = np.arange(-128, 129, GRID_STEP, dtype=np.float32)
"""Colours are looked up on this grid of a and b instead of being compared with every bin."""
PRIOR_SAMPLES: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaRecipeConfig:
    """Settings of the recipe."""

    rebalance: float = 0.5
    """Bins weigh by the rarity of their colour to this power: 0 not at all, 1 as in the paper."""
    nearest: int = 5
    sigma: float = 5.0
    hint_share: float = 0.4
    weight_decay: float = 1e-2
    regression: float = 0.0
    """Weight of the mean colour's L1 error, over 110, beside the cross-entropy; 0 leaves it out."""


@dataclass(frozen=True, slots=True)
class ChromaSampler:
    """Grey (1, h, w), hints (3, h, w), and the colour's cell on the grid (h/4, w/4)."""

    feed: FeedConfig
    hint_share: float

    def __call__(self, library: Library, rng: np.random.Generator) -> Sample:
        """One sample; the grey side alone is worn."""
        item = drawn(library, rng)
        pair = [item.target] + ([item.source] if item.source is not None else [])
        rgb, *given = cut_alike(pair, self.feed, rng)
        ab = rgb_to_lab(rgb)[..., 1:]
        if given:
            gray = given[0] @ LUMA_WEIGHTS
        elif rng.random() < self.feed.degrade_share:
            gray = degraded_gray(rgb, rng)
        else:
            gray = rgb @ LUMA_WEIGHTS
        hints = np.zeros((*gray.shape, 3), np.float32)
        if rng.random() < self.hint_share:
            draw_hints(hints, ab, rng)
        small = cv2.resize(ab, None, fx=1 / STRIDE, fy=1 / STRIDE, interpolation=cv2.INTER_AREA)
        return {
            "gray_b1hw": gray.astype(np.float32)[None],
            "hints_b3hw": np.ascontiguousarray(hints.transpose(2, 0, 1)),
            "cell_bhw": _cell_of(small),
        }


class ChromaRecipe:
    """One module, one phase."""

    goal = "chroma/cross_entropy"

    def __init__(
        self,
        model: ChromaUNet,
        config: ChromaRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        if translates:
            raise ConfigError("chroma_unet colours: it cannot learn from sources in colour")
        self.sampler = ChromaSampler(feed, config.hint_share)
        self._index, self._weight = _nearest_bins(model.bins_q2.numpy(), config)
        log_prior = self.log_prior(len(model.bins_q2), library)
        model.log_prior_q.copy_(log_prior)
        self._class_weight = torch.exp(-config.rebalance * log_prior)
        self._config, self._bins_q2 = config, model.bins_q2
        self._model: nn.Module = model
        optimizer = torch.optim.AdamW(
            model.parameters(), betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self._phases = (Phase("chroma", ("model",), optimizer, self.loss),)

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The network."""
        return {"model": self._model}

    @property
    def phases(self) -> Sequence[Phase]:
        """Cross-entropy alone."""
        return self._phases

    def log_prior(self, bins: int, library: Library) -> Tensor:
        """Log of the smoothed share of each bin in the photographs, 0 on average.

        Half of the share is spread evenly, as in the paper (lambda 0.5).
        """
        rng = derive(0, "prior")
        count = np.zeros(bins)
        size = min(PRIOR_SAMPLES, len(library))
        for i in rng.choice(len(library), size, replace=False):
            small = cv2.resize(library[int(i)].target, (32, 32), interpolation=cv2.INTER_AREA)
            cell = _cell_of(rgb_to_lab(np.asarray(small))[..., 1:]).ravel()
            np.add.at(count, self._index[cell].ravel(), self._weight[cell].ravel())
        share = count / count.sum()
        smooth = 0.5 * share + 0.5 / bins
        return torch.tensor(np.log(smooth / (share * smooth).sum()), dtype=torch.float32)

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, Q, H/4, W/4)."""
        logits: Tensor = self._model(batch["gray_b1hw"], batch["hints_b3hw"])
        return logits

    def loss(self, batch: Batch, logits: Tensor) -> Mapping[str, Tensor]:
        """Cross-entropy with the soft-encoded colours, weighted by rarity; the mean's L1."""
        log_p = F.log_softmax(logits.permute(0, 2, 3, 1).float(), dim=-1)
        device = logits.device
        cell = batch["cell_bhw"].cpu()
        index = torch.from_numpy(self._index)[cell].to(device)
        weight = torch.from_numpy(self._weight)[cell].to(device)
        rarity = self._class_weight.to(device)[index[..., 0]]
        entropy = -(log_p.gather(-1, index) * weight).sum(-1)
        cross_entropy = (entropy * rarity).sum() / rarity.sum()
        if not self._config.regression:
            return {"cross_entropy": cross_entropy}
        mean = log_p.exp() @ self._bins_q2.to(device)
        regression = F.l1_loss(mean, _colour_of(cell).to(device)) / AB_SCALE
        return {
            "total": cross_entropy + self._config.regression * regression,
            "cross_entropy": cross_entropy, "regression": regression,
        }  # fmt: skip


def draw_hints(
    hints_hw3: NDArray[np.float32], ab_hw2: NDArray[np.float32], rng: np.random.Generator
) -> None:
    """Put some true colours into the hint planes: small squares, a and b over 110, mask 1."""
    height, width = hints_hw3.shape[:2]
    for _ in range(int(rng.geometric(0.25))):
        size = int(rng.integers(1, 5))
        top, left = int(rng.integers(height - size)), int(rng.integers(width - size))
        at = (slice(top, top + size), slice(left, left + size))
        hints_hw3[(*at, slice(0, 2))] = ab_hw2[at].mean(axis=(0, 1)) / AB_SCALE
        hints_hw3[(*at, 2)] = 1


def _cell_of(ab: NDArray[Any]) -> NDArray[np.int64]:
    """Index on the grid of a and b: (..., 2) -> (...)."""
    near = np.clip(np.rint((ab + 128) / GRID_STEP), 0, len(GRID) - 1).astype(np.int64)
    return np.asarray(near[..., 0] * len(GRID) + near[..., 1])


def _colour_of(cell: Tensor) -> Tensor:
    """The inverse of `_cell_of`, to a grid step: (...) -> (..., 2)."""
    grid = torch.from_numpy(GRID)
    return torch.stack((grid[cell // len(GRID)], grid[cell % len(GRID)]), dim=-1)


def _nearest_bins(
    bins_q2: NDArray[np.float32], config: ChromaRecipeConfig
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """For each cell of the grid its nearest bins and their Gaussian weights."""
    cells = np.stack(np.meshgrid(GRID, GRID, indexing="ij"), axis=-1).reshape(-1, 2)
    distance = ((cells[:, None] - bins_q2[None]) ** 2).sum(-1)
    index = np.argsort(distance, axis=1)[:, : config.nearest]
    near = np.take_along_axis(distance, index, axis=1)
    weight = np.exp(-(near - near[:, :1]) / (2 * config.sigma**2))
    return index, (weight / weight.sum(1, keepdims=True)).astype(np.float32)
