"""BigGAN: a generator conditioned on a class and noise, and the discriminator by projection.

After Brock, Donahue & Simonyan, "Large Scale GAN Training for High Fidelity Natural Image
Synthesis" (2019). Parts and buffers have the names of the public PyTorch release, so that its state
dicts load as they are. Spectral norm (Miyato et al. 2018) is one power iteration of ours a forward
in training; `u0` and `sv0` are the release's buffers; at evaluation `u0` stays and nothing is
folded. B batch, C channel, H height, W width, D a vector's length.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

BOTTOM: Final = 4
"""Edge of the first map."""
NORM_EPS: Final = 1e-5
SPECTRAL_EPS: Final = 1e-12

GENERATOR_WIDTHS: Final[Mapping[int, tuple[int, ...]]] = {
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
}
"""Channels over `ch` by resolution: of the first map, then after each block."""
DISCRIMINATOR_WIDTHS: Final[Mapping[int, tuple[int, ...]]] = {
    32: (4, 4, 4, 4),
    64: (1, 2, 4, 8, 16),
    128: (1, 2, 4, 8, 16, 16),
    256: (1, 2, 4, 8, 8, 16, 16),
}
"""Channels over `ch` by resolution, after each block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BigGANConfig:
    """Settings of both networks."""

    resolution: int = 256
    """Edge of the picture in pixels: 32, 64, 128 or 256."""
    ch: int = 96
    """Channels of the widest map; the others have 2 to 16 times as many."""
    dim_z: int = 120
    """Length of the noise; what the blocks cannot share equally is left out (256: 119)."""
    n_classes: int = 1000
    shared_dim: int = 128
    """Length of a class's embedding, which all blocks share."""
    attention: int = 64
    """Edge of the maps that get self-attention; 0 for none."""
    map_px: Literal[8, 16, 32] = 16
    """Edge of the map that `forward_from` begins at, whatever the resolution."""

    def __post_init__(self) -> None:
        if self.resolution not in GENERATOR_WIDTHS:
            raise ValueError(f"resolution={self.resolution}: must be in {sorted(GENERATOR_WIDTHS)}")
        if min(self.ch, self.n_classes, self.shared_dim) < 1 or self.z_chunk < 1:
            raise ValueError(f"{self}: all must be at least 1, dim_z {len(self.widths)}")
        if self.map_px not in (8, 16, 32) or self.map_px >= self.resolution:
            raise ValueError(f"map_px={self.map_px}: must be 8, 16 or 32, under the resolution")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of the generator: of the first map, then after each block."""
        return tuple(self.ch * width for width in GENERATOR_WIDTHS[self.resolution])

    @property
    def z_chunk(self) -> int:
        """Length of the noise that the linear layer and each block get."""
        return self.dim_z // len(self.widths)

    @property
    def z_size(self) -> int:
        """Length of the whole noise."""
        return self.z_chunk * len(self.widths)

    @property
    def map_channels(self) -> int:
        """Channels of the map that `Generator.forward_from` takes."""
        return self.widths[self.map_block]

    @property
    def map_block(self) -> int:
        """The generator's first block after that map; those before it make it."""
        return (self.map_px // BOTTOM).bit_length() - 1


class SpectralConv2d(nn.Conv2d):
    """A convolution that keeps the sides, its weight divided by its largest singular value."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, kernel, padding=kernel // 2, bias=bias)
        _add_vectors(self, outputs)

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        out: Tensor = self._conv_forward(x_bchw, _normalise(self), self.bias)
        return out


class SpectralLinear(nn.Linear):
    """A linear layer, its weight divided by its largest singular value."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__(inputs, outputs, bias=bias)
        _add_vectors(self, outputs)

    def forward(self, x_bd: Tensor) -> Tensor:
        """(B, inputs) -> (B, outputs)."""
        return F.linear(x_bd, _normalise(self), self.bias)


class SpectralEmbedding(nn.Embedding):
    """Rows of a table, the table divided by its largest singular value."""

    def __init__(self, rows: int, length: int) -> None:
        super().__init__(rows, length)
        _add_vectors(self, rows)

    def forward(self, class_b: Tensor) -> Tensor:
        """(B,) int64 -> (B, length)."""
        return F.embedding(class_b, _normalise(self))


class StatisticsNorm(nn.Module):
    """The statistics of both norms, under the public names."""

    stored_mean: Tensor
    stored_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("stored_mean", torch.zeros(channels))
        self.register_buffer("stored_var", torch.ones(channels))

    def _normalise_batch(self, x_bchw: Tensor) -> Tensor:
        mean, var = self.stored_mean, self.stored_var
        return F.batch_norm(x_bchw, mean, var, training=self.training, eps=NORM_EPS)


class ConditionalBatchNorm(StatisticsNorm):
    """Batch norm whose gain and bias are linear in a vector."""

    def __init__(self, condition: int, channels: int, *, spectral: bool) -> None:
        super().__init__(channels)
        linear = SpectralLinear if spectral else nn.Linear
        self.gain = linear(condition, channels, bias=False)
        self.bias = linear(condition, channels, bias=False)

    def forward(self, x_bchw: Tensor, condition_bd: Tensor) -> Tensor:
        """(B, C, H, W) -> the same. The gain is 1 plus what the vector says."""
        gain, bias = (part(condition_bd)[:, :, None, None] for part in (self.gain, self.bias))
        out: Tensor = self._normalise_batch(x_bchw) * (1 + gain) + bias
        return out


class OutputNorm(StatisticsNorm):
    """Batch norm with a gain and a bias of its own."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.gain = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same."""
        return self._normalise_batch(x_bchw) * self.gain[:, None, None] + self.bias[:, None, None]


class Attention(nn.Module):
    """Self-attention with pooled keys and values (Zhang et al., SAGAN, 2019), added by a gain."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow, half = max(1, channels // 8), max(1, channels // 2)
        self.theta = SpectralConv2d(channels, narrow, 1, bias=False)
        self.phi = SpectralConv2d(channels, narrow, 1, bias=False)
        self.g = SpectralConv2d(channels, half, 1, bias=False)
        self.o = SpectralConv2d(half, channels, 1, bias=False)
        self.gamma = nn.Parameter(torch.tensor(0.0))

    def forward(self, x_bchw: Tensor) -> Tensor:
        """(B, C, H, W) -> the same; sides at least 2."""
        query = self.theta(x_bchw).flatten(2).mT
        key = F.max_pool2d(self.phi(x_bchw), 2).flatten(2).mT
        value = F.max_pool2d(self.g(x_bchw), 2).flatten(2).mT
        seen = F.scaled_dot_product_attention(query, key, value, scale=1.0)
        out: Tensor = self.o(seen.mT.reshape(len(x_bchw), -1, *x_bchw.shape[2:]))
        return x_bchw + self.gamma * out


class GeneratorBlock(nn.Module):
    """Doubles the sides. (B, I, H, W) -> (B, O, 2H, 2W)."""

    def __init__(self, inputs: int, outputs: int, condition: int) -> None:
        super().__init__()
        self.conv1 = SpectralConv2d(inputs, outputs)
        self.conv2 = SpectralConv2d(outputs, outputs)
        self.conv_sc = SpectralConv2d(inputs, outputs, 1)
        self.bn1 = ConditionalBatchNorm(condition, inputs, spectral=True)
        self.bn2 = ConditionalBatchNorm(condition, outputs, spectral=True)

    def forward(self, x_bchw: Tensor, condition_bd: Tensor) -> Tensor:
        """Residual: norm, ReLU, doubling, 3x3, norm, ReLU, 3x3, beside a 1x1 shortcut."""
        inner = self.conv1(_double(F.relu(self.bn1(x_bchw, condition_bd))))
        inner = self.conv2(F.relu(self.bn2(inner, condition_bd)))
        out: Tensor = inner + _double(self.conv_sc(x_bchw))
        return out


class Generator(nn.Module):
    """Noise and a class's embedding to a picture."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.config = config
        self.shared = nn.Embedding(config.n_classes, config.shared_dim)
        self.linear = SpectralLinear(config.z_chunk, config.widths[0] * BOTTOM**2)
        condition = config.shared_dim + config.z_chunk
        self.blocks = nn.ModuleList()
        for i, (inputs, outputs) in enumerate(pairwise(config.widths)):
            block = GeneratorBlock(inputs, outputs, condition)
            attention = [Attention(outputs)] if BOTTOM * 2 ** (i + 1) == config.attention else []
            self.blocks.append(nn.ModuleList([block, *attention]))
        last = config.widths[-1]
        self.output_layer = nn.Sequential(OutputNorm(last), nn.ReLU(), SpectralConv2d(last, 3))

    def embed(self, class_b: Tensor | None, count: int) -> Tensor:
        """Embeddings of classes.

        Args:
            class_b: (B,) int64 under `n_classes`; -1, or None for all, gives the mean of classes.
            count: B.

        Returns:
            (B, shared_dim) float32.

        Raises:
            ValueError: not one class for each picture, or a class that there is not.
        """
        mean_1d = self.shared.weight.mean(dim=0, keepdim=True)
        if class_b is None:
            return mean_1d.expand(count, -1)
        limit = self.config.n_classes
        if class_b.shape != (count,) or not bool(((class_b >= -1) & (class_b < limit)).all()):
            raise ValueError(f"class_b={class_b.tolist()}: must be {count} of -1 to {limit - 1}")
        class_b = class_b.to(mean_1d.device)
        return torch.where(class_b[:, None] < 0, mean_1d, self.shared(class_b.clamp(min=0)))

    def forward(self, z_bd: Tensor, embedding_bd: Tensor) -> Tensor:
        """Noise (B, config.z_size) and `embed`'s -> (B, 3, resolution, resolution) in [-1, 1]."""
        return self.forward_from(self.forward_to(z_bd, embedding_bd), z_bd, embedding_bd)

    def forward_to(self, z_bd: Tensor, embedding_bd: Tensor) -> Tensor:
        """The (B, config.map_channels, map_px, map_px) map that the picture is made from."""
        first: Tensor = self.linear(z_bd[:, : self.config.z_chunk])
        x_bchw = first.reshape(len(first), -1, BOTTOM, BOTTOM)
        return self._run(x_bchw, z_bd, embedding_bd, range(self.config.map_block))

    def forward_from(self, map_bchw: Tensor, z_bd: Tensor, embedding_bd: Tensor) -> Tensor:
        """A picture from an intermediate map; the blocks before it do not run.

        Args:
            map_bchw: (B, config.map_channels, map_px, map_px); other sides, another resolution.
            z_bd: (B, config.z_size), of which only the later blocks' chunks count.
            embedding_bd: (B, shared_dim).

        Returns:
            (B, 3, resolution, resolution) in [-1, 1].
        """
        rest = range(self.config.map_block, len(self.blocks))
        return torch.tanh(self.output_layer(self._run(map_bchw, z_bd, embedding_bd, rest)))

    def _run(self, x_bchw: Tensor, z_bd: Tensor, embedding_bd: Tensor, which: range) -> Tensor:
        chunks = torch.split(z_bd, self.config.z_chunk, dim=1)
        for i in which:
            block, *attention = self.blocks.get_submodule(str(i)).children()
            x_bchw = block(x_bchw, torch.cat((embedding_bd, chunks[i + 1]), dim=1))
            for part in attention:
                x_bchw = part(x_bchw)
        return x_bchw


class DiscriminatorBlock(nn.Module):
    """Halves the sides or keeps them. (B, I, H, W) -> (B, O, H / 2, W / 2)."""

    def __init__(self, inputs: int, outputs: int, *, first: bool, halve: bool) -> None:
        super().__init__()
        self.conv1 = SpectralConv2d(inputs, outputs)
        self.conv2 = SpectralConv2d(outputs, outputs)
        shortcut = halve or inputs != outputs
        self.conv_sc = SpectralConv2d(inputs, outputs, 1) if shortcut else nn.Identity()
        self.first, self.halve = first, halve

    def forward(self, x_bchw: Tensor) -> Tensor:
        """Residual: ReLU (but for the picture itself), 3x3, ReLU, 3x3, beside a 1x1 shortcut."""
        inner = self.conv1(x_bchw if self.first else F.relu(x_bchw))
        inner = self.conv2(F.relu(inner))
        if self.halve:
            inner, x_bchw = F.avg_pool2d(inner, 2), F.avg_pool2d(x_bchw, 2)
        out: Tensor = inner + self.conv_sc(x_bchw)
        return out


class Discriminator(nn.Module):
    """A logit for each picture and class (Miyato & Koyama, projection discriminator, 2018)."""

    def __init__(self, config: BigGANConfig) -> None:
        super().__init__()
        self.config = config
        widths = [3, *(config.ch * w for w in DISCRIMINATOR_WIDTHS[config.resolution])]
        self.blocks = nn.ModuleList()
        edge = config.resolution
        halvings = 2 if config.resolution == 32 else len(widths) - 2
        for i, (inputs, outputs) in enumerate(pairwise(widths)):
            edge //= 2 if i < halvings else 1
            block = DiscriminatorBlock(inputs, outputs, first=i == 0, halve=i < halvings)
            attention = [Attention(outputs)] if edge == config.attention else []
            self.blocks.append(nn.ModuleList([block, *attention]))
        self.linear = SpectralLinear(widths[-1], 1)
        self.embed = SpectralEmbedding(config.n_classes, widths[-1])

    def forward(self, rgb_b3hw: Tensor, class_b: Tensor) -> Tensor:
        """(B, 3, resolution, resolution) in [-1, 1] and classes (B,) int64 -> logits (B,)."""
        x_bchw = rgb_b3hw
        for stage in self.blocks:
            for part in stage.children():
                x_bchw = part(x_bchw)
        features_bd = F.relu(x_bchw).sum(dim=(2, 3))
        belongs_b = (self.embed(class_b) * features_bd).sum(dim=1)
        logits_b: Tensor = self.linear(features_bd)[:, 0] + belongs_b
        return logits_b


def init_orthogonal(module: nn.Module) -> None:
    """Orthogonal weights (the paper's appendix C); slow for a network of ImageNet's size."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Linear | nn.Embedding):
            nn.init.orthogonal_(part.weight)


def from_public(
    state: Mapping[str, Tensor],
    config: BigGANConfig,
    part: type[Generator] | type[Discriminator] = Generator,
) -> dict[str, Tensor]:
    """A public state dict, checked; its names are ours but for `module.` before them.

    Args:
        state: of one network.
        config: what the network should be.
        part: which of the two it is.

    Raises:
        ValueError: tensors are missing, are not the network's, or have another shape.
    """
    bare = {name.removeprefix("module."): value for name, value in state.items()}
    with torch.device("meta"):
        wanted = part(config).state_dict()
    if missing := wanted.keys() - bare.keys():
        raise ValueError(f"{len(missing)} tensors are missing, first {min(missing)}")
    if unknown := bare.keys() - wanted.keys():
        raise ValueError(f"{len(unknown)} tensors are not BigGAN's, first {min(unknown)}")
    for name, value in wanted.items():
        given, right = tuple(bare[name].shape), tuple(value.shape)
        if given != right:
            raise ValueError(f"{name}: shape {given}, should be {right}")
    return bare


def _add_vectors(layer: nn.Module, rows: int) -> None:
    """The public buffers of spectral norm: a left singular vector, and the value, for the log."""
    layer.register_buffer("u0", torch.randn(1, rows))
    layer.register_buffer("sv0", torch.ones(1))


def _normalise(layer: nn.Conv2d | nn.Linear | nn.Embedding) -> Tensor:
    """The weight over its largest singular value; in training the vector moves one step."""
    u_1o, sv_1 = layer.get_buffer("u0"), layer.get_buffer("sv0")
    with torch.autocast(layer.weight.device.type, enabled=False):
        weight_oi = layer.weight.flatten(1)
        with torch.no_grad():
            v_1i = F.normalize(u_1o @ weight_oi, eps=SPECTRAL_EPS)
            next_1o = F.normalize(v_1i @ weight_oi.T, eps=SPECTRAL_EPS)
        value = (next_1o @ weight_oi @ v_1i.T).squeeze()
        if layer.training:
            u_1o.copy_(next_1o)
            sv_1.copy_(value.detach())
        normalised: Tensor = layer.weight / value
        return normalised


def _double(x_bchw: Tensor) -> Tensor:
    return F.interpolate(x_bchw, scale_factor=2.0, mode="nearest")
