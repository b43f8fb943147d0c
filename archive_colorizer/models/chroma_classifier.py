"""What the chroma classifiers share: how a distribution over ab bins becomes colour and doubt.

After Zhang, Isola & Efros, "Colorful Image Colorization" (2016): every pixel gets a distribution
over the ab cells that sRGB reaches. B batch, C channel, H height, W width, Q bins.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.models.colour import gamut_bins
from archive_colorizer.models.hint_reach import keep_local
from archive_colorizer.models.spec import Prediction

STRIDE: Final = 4
"""Bins are predicted at a quarter of the input's size."""
HINT_CHANNELS: Final = 3
MAX_SPREAD: Final = 3.0
"""A picture's chroma is multiplied by this at most."""


class PredictionSettings(Protocol):
    """The settings of a family that decide how its distributions are read."""

    @property
    def bin_edge(self) -> int:
        """Edge of the ab cells, in Lab units."""

    @property
    def temperature(self) -> float:
        """Temperature of the annealed mean when none is asked for."""

    @property
    def work_px(self) -> tuple[int, ...]:
        """Short sides that a picture is brought to; none takes it as it comes."""


@dataclass(frozen=True, slots=True)
class Lift:
    """How muted distributions are made as colourful as the scene is expected to be."""

    rebalance: float = 0.0
    """Logit adjustment (Menon et al. 2021): bins gain by the rarity of their colour in the training
    pictures to this power."""
    spread: float = 0.0
    """One factor a picture: its mean colours are multiplied by (E|ab| / |E ab|) to this power,
    where E is over the distribution and both are averaged over the picture."""


class ChromaClassifier(nn.Module):
    """Grey and hints in, a distribution over ab bins out, at a quarter of the size."""

    bins_q2: Tensor
    log_prior_q: Tensor

    def __init__(self, settings: PredictionSettings, size_multiple: int) -> None:
        super().__init__()
        self._settings, self.size_multiple = settings, size_multiple
        self.register_buffer("bins_q2", gamut_bins(settings.bin_edge))
        self.register_buffer("log_prior_q", torch.zeros(len(self.bins_q2)))

    def lift(self, vividness: float | None) -> Lift:
        """The lift that a vividness stands for; None takes the model's own."""
        raise TypeError(f"{type(self).__name__} has no lift")

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """Chroma as the annealed mean of the bins, doubt as their entropy.

        Args:
            gray_b1hw: (B, 1, H, W) sRGB-encoded grey in [0, 1]; sides multiples of
                `size_multiple`.
            temperature: 1 gives the expectation, lower values the likeliest colour; None takes
                the model's own.
            vividness: how far colours are lifted (`lift`); None takes the model's own.
            hints_b3hw: (B, 3, H, W): a and b divided by 110, and a mask of 0 and 1; None for none.
                A hint colours what is around it (`hint_reach`).

        Returns:
            ab in Lab units and doubt in [0, 1] (entropy over its maximum), for cells: (B, ., h, w).
        """
        lift = self.lift(vividness)
        logits = self._logits(gray_b1hw, None)
        found = self._read(logits, lift, temperature)
        if hints_b3hw is not None:
            hinted = self._read(self._logits(gray_b1hw, hints_b3hw), lift, temperature)
            size = (found.shape[2], found.shape[3])
            hints = resized_hints(hints_b3hw.float(), size)
            hints = torch.cat((hints[:, :2] * AB_SCALE, hints[:, 2:]), dim=1)
            gray = F.interpolate(gray_b1hw.float(), size=size, mode="bilinear", antialias=True)
            with torch.autocast(gray.device.type, enabled=False):
                found = keep_local(found, hinted, hints, torch.softmax(logits, dim=1), gray)
        return Prediction(found[:, :2], found[:, 2:])

    def _read(self, logits_bqhw: Tensor, lift: Lift, temperature: float | None) -> Tensor:
        """Read a, b and doubt off distributions: (B, Q, h, w) -> (B, 3, h, w)."""
        # Bins last: the sums over them then run through memory in order, three times as fast.
        logits = logits_bqhw.permute(0, 2, 3, 1).contiguous()
        lifted = logits - lift.rebalance * self.log_prior_q.float() if lift.rebalance else logits
        share = torch.softmax(lifted / (temperature or self._settings.temperature), dim=-1)
        with torch.autocast(share.device.type, enabled=False):
            ab = share @ self.bins_q2.float()
            if lift.spread:
                ab = ab * spread_factor(share, ab, self.bins_q2.float()) ** lift.spread
        doubt = (entropy(logits) / math.log(logits.shape[-1])).clamp(0, 1)
        return torch.cat((ab, doubt[..., None]), dim=-1).permute(0, 3, 1, 2)

    def _logits(self, gray_b1hw: Tensor, hints_b3hw: Tensor | None) -> Tensor:
        """Logarithm of the mean distribution (geometric) over the working sizes, float32."""
        if not self._settings.work_px:
            logits: Tensor = self(gray_b1hw, hints_b3hw).float()
            return logits
        found: list[Tensor] = []
        for px in self._settings.work_px:
            size = self._working_size(gray_b1hw.shape[2:], px)
            small = F.interpolate(gray_b1hw, size=size, mode="bilinear", antialias=True)
            hints = None if hints_b3hw is None else resized_hints(hints_b3hw, size)
            found.append(F.log_softmax(self(small, hints).float(), dim=1))
        return mean_at_finest(found)

    def _working_size(self, sides: torch.Size, px: int) -> tuple[int, int]:
        """Sides at this short side, rounded to what the network takes."""
        scale = px / min(sides)
        step = self.size_multiple
        height, width = (max(step, round(side * scale / step) * step) for side in sides)
        return height, width


def check_reading(settings: PredictionSettings, size_multiple: int) -> None:
    """Refuse settings that no picture can be read with.

    Raises:
        ValueError: the bins' edge or a working size is out of range.
    """
    if not 5 <= settings.bin_edge <= 50:
        raise ValueError(f"bin_edge={settings.bin_edge}: must be 5 to 50")
    if any(px < size_multiple for px in settings.work_px):
        raise ValueError(f"work_px={settings.work_px}: must be {size_multiple} at least")


def without_hints(gray_b1hw: Tensor) -> Tensor:
    """Hint planes that say nothing: (B, 1, H, W) -> (B, 3, H, W)."""
    batch, _, height, width = gray_b1hw.shape
    return gray_b1hw.new_zeros(batch, HINT_CHANNELS, height, width)


def mean_at_finest(found: Sequence[Tensor]) -> Tensor:
    """Mean of maps of several sizes, at the largest one's: (B, Q, h, w) each."""
    if len(found) == 1:
        return found[0]
    finest = max((one.shape[2:] for one in found), key=lambda sides: sides.numel())
    alike = [F.interpolate(one, size=list(finest), mode="bilinear") for one in found]
    return torch.stack(alike).mean(dim=0)


def spread_factor(share_bhwq: Tensor, ab_bhw2: Tensor, bins_q2: Tensor) -> Tensor:
    """How much more colour a picture's distributions hold than their means: (B, 1, 1, 1), >= 1.

    Args:
        share_bhwq: (B, h, w, Q) distributions.
        ab_bhw2: (B, h, w, 2) their means.
        bins_q2: (Q, 2) bin centres.
    """
    expected = (share_bhwq @ bins_q2.norm(dim=1)).mean(dim=(1, 2))
    of_mean = ab_bhw2.norm(dim=-1).mean(dim=(1, 2))
    factor: Tensor = expected / of_mean.clamp_min(1e-3)
    return factor.clamp(1, MAX_SPREAD)[:, None, None, None]


def resized_hints(hints_b3hw: Tensor, size: tuple[int, int]) -> Tensor:
    """Hints at another size, none of them lost: cells take the mean of the colours in them."""
    mask = hints_b3hw[:, 2:]
    share = F.adaptive_avg_pool2d(mask, size)
    colour = F.adaptive_avg_pool2d(hints_b3hw[:, :2] * mask, size) / share.clamp(min=1e-9)
    return torch.cat((colour, (share > 0).to(mask.dtype)), dim=1)


def entropy(logits: Tensor) -> Tensor:
    """Entropy of softmax(logits) over the last axis, in nats: (..., Q) -> (...)."""
    mean_logit = (torch.softmax(logits, dim=-1) * logits).sum(dim=-1)
    return torch.logsumexp(logits, dim=-1) - mean_logit
