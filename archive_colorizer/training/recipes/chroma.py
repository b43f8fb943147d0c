"""How the chroma classifiers learn: soft-encoded bins, rebalanced by rarity (Zhang et al. 2016).

Grey is degraded in a share of the samples, hints are drawn in another. B batch, H height, W width;
targets are at a quarter of the size.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.data.seeds import derive
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import AB_SCALE, LUMA_WEIGHTS, rgb_to_lab
from archive_colorizer.imaging.degrade import degraded_gray
from archive_colorizer.models.chroma_classifier import STRIDE, ChromaClassifier
from archive_colorizer.models.chroma_lite import ChromaLite
from archive_colorizer.settings.kinds import Share, Weight
from archive_colorizer.settings.schema import Setting, settings
from archive_colorizer.training.feed import FeedConfig, cut_alike, drawn
from archive_colorizer.training.on_device.chroma import ChromaDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase, Sample
from archive_colorizer.training.recipes.chroma_targets import (
    cell_of,
    colour_of,
    draw_hints,
    nearest_bins,
)
from archive_colorizer.weights.pretrained import load_imagenet_encoder

PRIOR_SAMPLES: Final = 2000
"""Photographs that the colours' rarity is taken from."""


@settings("recipe")
class ChromaRecipeConfig:
    """Settings of the recipe."""

    rebalance: Weight = 0.5
    """Bins weigh by the rarity of their colour to this power: 0 not at all, 1 as in the paper."""
    nearest: Annotated[int, Setting(ge=1)] = 5
    """Bins that share a colour."""
    sigma: Annotated[float, Setting(gt=0, unit="Lab")] = 5.0
    """Standard deviation of the Gaussian that they share it by."""
    hint_share: Share = 0.4
    """Share of the samples that get colour hints."""
    weight_decay: Weight = 1e-2
    """Weight decay of AdamW."""
    regression: Weight = 0.0
    """Weight of the mean colour's L1 error, over 110, beside the cross-entropy; 0 leaves it out."""


@settings("recipe")
class ChromaLiteRecipeConfig(ChromaRecipeConfig):
    """Settings of the recipe for the family with the EfficientNet-Lite2 encoder."""

    rebalance: Weight = 0.0
    hint_share: Share = 0.3
    weight_decay: Weight = 2e-2
    encoder: Literal["imagenet", "random"] = "imagenet"
    """Where the encoder starts: at the published weights (extra `pretrained`), or at random ones.
    With --init it starts at that model's."""
    encoder_lr: Weight = 0.4
    """Learning rate of the encoder, as a share of the decoder's."""


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
            "cell_bhw": cell_of(torch.from_numpy(small)).numpy(),
        }


class ChromaRecipe:
    """One module, one phase."""

    goal = "chroma/cross_entropy"

    def __init__(
        self,
        model: ChromaClassifier,
        config: ChromaRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        if translates:
            raise ConfigError("chroma classifiers colour: they cannot learn from colour sources")
        self.sampler = ChromaSampler(feed, config.hint_share)
        self.device_sampler = ChromaDeviceSampler(feed, config.hint_share)
        self._index, self._weight = nearest_bins(model.bins_q2, config.nearest, config.sigma)
        log_prior = self.log_prior(len(model.bins_q2), library)
        model.log_prior_q.copy_(log_prior)
        self._class_weight = torch.exp(-config.rebalance * log_prior)
        self._config, self._bins_q2 = config, model.bins_q2
        self._model: nn.Module = model
        optimizer = torch.optim.AdamW(
            self._parameters(model), betas=(0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self._phases = (Phase("chroma", ("model",), optimizer, self.loss),)

    def _parameters(self, model: ChromaClassifier) -> list[dict[str, Any]]:
        """All parameters as one group."""
        return [{"params": list(model.parameters())}]

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
        count = torch.zeros(bins, dtype=torch.float64)
        size = min(PRIOR_SAMPLES, len(library))
        for i in rng.choice(len(library), size, replace=False):
            small = cv2.resize(library[int(i)].target, (32, 32), interpolation=cv2.INTER_AREA)
            cell = cell_of(torch.from_numpy(rgb_to_lab(np.asarray(small))[..., 1:])).flatten()
            shares = self._weight[cell].flatten().double()
            count.index_add_(0, self._index[cell].flatten(), shares)
        share = count / count.sum()
        smooth = 0.5 * share + 0.5 / bins
        return (smooth / (share * smooth).sum()).log().float()

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, Q, H/4, W/4)."""
        logits: Tensor = self._model(batch["gray_b1hw"], batch["hints_b3hw"])
        return logits

    def loss(self, batch: Batch, logits: Tensor) -> Mapping[str, Tensor]:
        """Cross-entropy with the soft-encoded colours, weighted by rarity; the mean's L1."""
        log_p = F.log_softmax(logits.permute(0, 2, 3, 1).float(), dim=-1)
        cell = batch["cell_bhw"]
        self._move_tables(logits.device)
        index, weight = self._index[cell], self._weight[cell]
        entropy = -(log_p.gather(-1, index) * weight).sum(-1)
        rarity = self._class_weight[index[..., 0]]
        cross_entropy = (entropy * rarity).sum() / rarity.sum()
        if not self._config.regression:
            return {"cross_entropy": cross_entropy}
        mean = log_p.exp() @ self._bins_q2.to(logits.device)
        regression = F.l1_loss(mean, colour_of(cell)) / AB_SCALE
        return {
            "total": cross_entropy + self._config.regression * regression,
            "cross_entropy": cross_entropy, "regression": regression,
        }  # fmt: skip

    def _move_tables(self, device: torch.device) -> None:
        """Look targets up where the logits are."""
        if self._index.device != device:
            self._index, self._weight = self._index.to(device), self._weight.to(device)
            self._class_weight = self._class_weight.to(device)


class ChromaLiteRecipe(ChromaRecipe):
    """The same, from an encoder that has seen ImageNet, and learns more slowly."""

    def __init__(
        self,
        model: ChromaLite,
        config: ChromaLiteRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        self._encoder_lr = config.encoder_lr
        if config.encoder == "imagenet":
            load_imagenet_encoder(model.encoder)
        super().__init__(model, config, feed, library, translates=translates)

    def _parameters(self, model: ChromaClassifier) -> list[dict[str, Any]]:
        """Encoder and the rest, each with its share of the learning rate."""
        assert isinstance(model, ChromaLite)
        encoder = list(model.encoder.parameters())
        inside = {id(parameter) for parameter in encoder}
        rest = [p for p in model.parameters() if id(p) not in inside]
        return [{"params": rest}, {"params": encoder, "lr_scale": self._encoder_lr}]
