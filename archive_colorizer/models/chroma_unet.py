"""Chroma classifier: a U-Net over quantised ab bins. B batch, C channel, H height, W width.

After Zhang, Isola & Efros, "Colorful Image Colorization" (2016): every pixel gets a distribution
over the ab cells that sRGB reaches; prediction is its annealed mean. Colour hints as in Zhang et
al., "Real-Time User-Guided Image Colorization" (2017): two ab planes and a mask beside the grey.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.models.colour import gamut_bins
from archive_colorizer.models.spec import Prediction

STRIDE = 4
"""The bins are predicted at a quarter of the input's size."""
HINT_CHANNELS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ChromaUNetConfig:
    """Settings of the family."""

    widths: tuple[int, ...] = (40, 80, 128, 224, 320)
    """Channels at strides 2, 4, 8, ..."""
    blocks: tuple[int, ...] = (1, 1, 2, 2, 1)
    """Residual blocks at each stride of the encoder."""
    head: int = 128
    """Channels before the bins."""
    bin_edge: int = 10
    """Of the ab cells, in Lab units."""
    temperature: float = 0.6
    """Of the annealed mean when none is asked for: 1 is the expectation, lower the mode."""
    rebalance: float = 0.0
    """How far bins are weighted by their rarity at prediction when it is not asked for: 0 takes
    them as learned, higher values are more vivid."""
    work_px: tuple[int, ...] = ()
    """Short sides that `predict` brings a picture to: the distributions found at each are averaged,
    so that small ones see the whole scene and large ones its parts. None takes it as it comes."""

    def __post_init__(self) -> None:
        if not 5 <= self.bin_edge <= 50:
            raise ValueError(f"bin_edge={self.bin_edge}: must be 5 to 50")
        if any(px < 2 ** len(self.widths) for px in self.work_px):
            raise ValueError(f"work_px={self.work_px}: must be {2 ** len(self.widths)} at least")


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions added to the input. (B, C, H, W) -> the same."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        inner = F.relu(self.norm1(self.conv1(x_bchw)))
        return F.relu(x_bchw + self.norm2(self.conv2(inner)))


def _convolution(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class ChromaUNet(nn.Module):
    """Grey and hints in, a distribution over ab bins out, at a quarter of the size."""

    bins_q2: Tensor
    log_prior_q: Tensor

    def __init__(self, config: ChromaUNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths
        self.register_buffer("bins_q2", gamut_bins(config.bin_edge))
        self.register_buffer("log_prior_q", torch.zeros(len(self.bins_q2)))
        self.stem = _convolution(1 + HINT_CHANNELS, widths[0], kernel=5, stride=2)
        self.down = nn.ModuleList(
            [nn.Identity()] + [_convolution(a, b, stride=2) for a, b in pairwise(widths)]
        )
        self.encoder = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(count)))
            for width, count in zip(widths, config.blocks, strict=True)
        )
        climb = list(zip(widths[:0:-1], widths[-2:0:-1], strict=False))
        self.merge = nn.ModuleList(_convolution(low + high, high) for low, high in climb)
        self.decoder = nn.ModuleList(ResidualBlock(high) for _, high in climb)
        self.head = nn.Sequential(
            _convolution(widths[1], config.head), nn.Conv2d(config.head, len(self.bins_q2), 1)
        )

    @property
    def size_multiple(self) -> int:
        """Sides must be multiples of this."""
        return int(2 ** len(self.config.widths))

    def forward(self, gray_b1hw: Tensor, hints_b3hw: Tensor | None = None) -> Tensor:
        """Logits over the bins.

        Args:
            gray_b1hw: (B, 1, H, W) sRGB-encoded grey in [0, 1].
            hints_b3hw: (B, 3, H, W): a and b divided by 110, and a mask of 0 and 1; None for none.

        Returns:
            (B, Q, H/4, W/4) logits.
        """
        if hints_b3hw is None:
            batch, _, height, width = gray_b1hw.shape
            hints_b3hw = gray_b1hw.new_zeros(batch, HINT_CHANNELS, height, width)
        x = self.stem(torch.cat((gray_b1hw * 2 - 1, hints_b3hw), dim=1))
        skips = []
        for down, blocks in zip(self.down, self.encoder, strict=True):
            x = blocks(down(x))
            skips.append(x)
        for merge, block, skip in zip(self.merge, self.decoder, skips[-2::-1], strict=False):
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
            x = block(merge(torch.cat((x, skip), dim=1)))
        logits: Tensor = self.head(x)
        return logits

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        rebalance: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """Chroma as the annealed mean of the bins, doubt as their entropy.

        Args:
            gray_b1hw: (B, 1, H, W) sRGB-encoded grey in [0, 1]; sides multiples of 32.
            temperature: 1 gives the expectation, lower values the likeliest colour; None takes
                the model's own.
            rebalance: logit adjustment (Menon et al. 2021): bins gain by the rarity of their
                colour in the training pictures to this power; None takes the model's own.
            hints_b3hw: as `forward`.

        Returns:
            ab in Lab units and doubt in [0, 1] (entropy over its maximum), both (B, ., H, W).
        """
        # Bins last: the sums over them then run through memory in order, three times as fast.
        logits = self._logits(gray_b1hw, hints_b3hw).permute(0, 2, 3, 1).contiguous()
        power = self.config.rebalance if rebalance is None else rebalance
        lifted = logits - power * self.log_prior_q.float()
        annealed = torch.softmax(lifted / (temperature or self.config.temperature), dim=-1)
        with torch.autocast(annealed.device.type, enabled=False):
            ab = annealed @ self.bins_q2.float()
        doubt = (entropy(logits) / math.log(logits.shape[-1])).clamp(0, 1)
        both = torch.cat((ab, doubt[..., None]), dim=-1).permute(0, 3, 1, 2)
        both = F.interpolate(both, size=gray_b1hw.shape[2:], mode="bilinear")
        return Prediction(both[:, :2], both[:, 2:])

    def _logits(self, gray_b1hw: Tensor, hints_b3hw: Tensor | None) -> Tensor:
        """Logarithm of the mean distribution (geometric) over the working sizes, float32."""
        if not self.config.work_px:
            logits: Tensor = self(gray_b1hw, hints_b3hw).float()
            return logits
        found: list[Tensor] = []
        for px in self.config.work_px:
            size = self._working_size(gray_b1hw.shape[2:], px)
            small = F.interpolate(gray_b1hw, size=size, mode="bilinear", antialias=True)
            hints = None if hints_b3hw is None else resized_hints(hints_b3hw, size)
            found.append(F.log_softmax(self(small, hints).float(), dim=1))
        finest = max((one.shape[2:] for one in found), key=lambda sides: sides.numel())
        alike = [F.interpolate(one, size=list(finest), mode="bilinear") for one in found]
        return torch.stack(alike).mean(dim=0)

    def _working_size(self, sides: torch.Size, px: int) -> tuple[int, int]:
        """Sides at this short side, rounded to what the network takes."""
        scale = px / min(sides)
        step = self.size_multiple
        height, width = (max(step, round(side * scale / step) * step) for side in sides)
        return height, width


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


def build(config: ChromaUNetConfig) -> nn.Module:
    """An untrained network."""
    return ChromaUNet(config)
