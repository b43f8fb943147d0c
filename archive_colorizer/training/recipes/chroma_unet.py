"""How the chroma classifier learns: soft-encoded bins, rebalanced by rarity (Zhang et al. 2016).

Grey is degraded in half of the samples, hints are drawn in two of five. B batch, H height, W width;
targets are at a quarter of the size.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from numpy.typing import NDArray
from torch import Tensor, nn

from archive_colorizer.imaging.colour import LUMA_WEIGHTS, rgb_to_lab
from archive_colorizer.models.chroma_unet import AB_SCALE, STRIDE, ChromaUNet
from archive_colorizer.training.degrade import degraded_gray
from archive_colorizer.training.feed import made_ahead
from archive_colorizer.training.photographs import Photograph
from archive_colorizer.training.recipe import Batch, Phase
from archive_colorizer.training.seeds import derive

GRID_STEP: Final = 2
GRID: Final = np.arange(-128, 129, GRID_STEP, dtype=np.float32)
"""Colours are looked up on this grid of a and b instead of being compared with every bin."""
PRIOR_SAMPLES: Final = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaRecipeConfig:
    """Settings of the recipe."""

    crop_px: int = 128
    smallest_crop_px: int = 96
    """Crops of this size up to the whole short side are brought to `crop_px`: scale jitter."""
    batch_size: int = 48
    rebalance: float = 0.5
    """Bins weigh by the rarity of their colour to this power: 0 not at all, 1 as in the paper."""
    nearest: int = 5
    sigma: float = 5.0
    degrade_share: float = 0.5
    hint_share: float = 0.4
    weight_decay: float = 1e-2


class ChromaRecipe:
    """One module, one phase."""

    def __init__(
        self, model: ChromaUNet, photographs: Sequence[Photograph], config: ChromaRecipeConfig
    ) -> None:
        self._photographs, self._config = photographs, config
        self._index, self._weight = _nearest_bins(model.bins_q2.numpy(), config)
        log_prior = self.log_prior(len(model.bins_q2))
        model.log_prior_q.copy_(log_prior)
        self._class_weight = torch.exp(-config.rebalance * log_prior)
        self._model: nn.Module = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(
            model.parameters(), betas=(0.9, 0.99), weight_decay=config.weight_decay
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

    def log_prior(self, bins: int) -> Tensor:
        """Log of the smoothed share of each bin in the photographs, 0 on average.

        Half of the share is spread evenly, as in the paper (lambda 0.5).
        """
        rng = derive(0, "prior")
        count = np.zeros(bins)
        size = min(PRIOR_SAMPLES, len(self._photographs))
        for i in rng.choice(len(self._photographs), size, replace=False):
            small = cv2.resize(self._photographs[i], (32, 32), interpolation=cv2.INTER_AREA)
            cell = _cell_of(rgb_to_lab(np.asarray(small))[..., 1:]).ravel()
            np.add.at(count, self._index[cell].ravel(), self._weight[cell].ravel())
        share = count / count.sum()
        smooth = 0.5 * share + 0.5 / bins
        return torch.tensor(np.log(smooth / (share * smooth).sum()), dtype=torch.float32)

    def batches(self, seed: int, first_step: int) -> Iterator[Batch]:
        """Batches made ahead in a thread; the n-th depends only on the seed and n."""
        return made_ahead(lambda step: self._batch(seed, step), first_step)

    def _batch(self, seed: int, step: int) -> Batch:
        samples = [
            self.sample(derive(seed, "sample", step, i)) for i in range(self._config.batch_size)
        ]
        gray, hints, cell = (np.stack(parts) for parts in zip(*samples, strict=True))
        return {
            "gray_b1hw": torch.from_numpy(gray)[:, None],
            "hints_b3hw": torch.from_numpy(hints).permute(0, 3, 1, 2).contiguous(),
            "cell_bhw": torch.from_numpy(cell),
        }

    def sample(self, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Grey (h, w), hints (h, w, 3), and the colour's cell on the grid (h/4, w/4)."""
        config = self._config
        rgb = self._crop(rng)
        ab = rgb_to_lab(rgb)[..., 1:]
        if rng.random() < config.degrade_share:
            gray = degraded_gray(rgb, rng)
        else:
            gray = rgb @ LUMA_WEIGHTS
        hints = np.zeros((*gray.shape, 3), np.float32)
        if rng.random() < config.hint_share:
            draw_hints(hints, ab, rng)
        small = cv2.resize(ab, None, fx=1 / STRIDE, fy=1 / STRIDE, interpolation=cv2.INTER_AREA)
        return gray.astype(np.float32), hints, _cell_of(small)

    def _crop(self, rng: np.random.Generator) -> NDArray[np.float32]:
        photograph = self._photographs[int(rng.integers(len(self._photographs)))]
        height, width = photograph.shape[:2]
        largest = min(height, width)
        smallest = min(self._config.smallest_crop_px, largest)
        size = int(np.exp(rng.uniform(np.log(smallest), np.log(largest + 0.99))))
        top, left = rng.integers(height - size + 1), rng.integers(width - size + 1)
        crop = photograph[top : top + size, left : left + size]
        px = self._config.crop_px
        how = cv2.INTER_AREA if size > px else cv2.INTER_LINEAR
        crop = cv2.resize(crop, (px, px), interpolation=how)
        if rng.random() < 0.5:
            crop = crop[:, ::-1]
        return np.ascontiguousarray(crop, np.float32) / np.float32(255)

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, Q, H/4, W/4)."""
        logits: Tensor = self._model(batch["gray_b1hw"], batch["hints_b3hw"])
        return logits

    def loss(self, batch: Batch, logits: Tensor) -> Mapping[str, Tensor]:
        """Cross-entropy with the soft-encoded colours, weighted by rarity."""
        log_p = F.log_softmax(logits.permute(0, 2, 3, 1).float(), dim=-1)
        device = logits.device
        cell = batch["cell_bhw"].cpu()
        index = torch.from_numpy(self._index)[cell].to(device)
        weight = torch.from_numpy(self._weight)[cell].to(device)
        rarity = self._class_weight.to(device)[index[..., 0]]
        entropy = -(log_p.gather(-1, index) * weight).sum(-1)
        return {"cross_entropy": (entropy * rarity).sum() / rarity.sum()}


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
