"""How CycleGAN learns: least squares, cycle 10, identity 5, a pool of 50 (Zhu et al. 2017).

Of two kinds of pictures without partners; both directions at once. B batch, H height, W width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError
from archive_colorizer.models.cyclegan import Critic, CycleGAN
from archive_colorizer.models.pix2pix import init_normal
from archive_colorizer.settings.kinds import Channels, Count, Weight
from archive_colorizer.settings.schema import settings
from archive_colorizer.training.feed import FeedConfig, cut_alike
from archive_colorizer.training.on_device.pairs import UnpairedDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase, Sample


@settings("recipe")
class CycleGANRecipeConfig:
    """Settings of the recipe; learning rate and schedule are the loop's."""

    cycle: Weight = 10.0
    """Weight of the error of a picture that went there and back."""
    identity: Weight = 5.0
    """Weight of the error of a picture that is of the target's kind already."""
    pool: Count = 50
    """Made pictures that the critics are shown again; 0 shows only the newest."""
    critic_width: Channels = 64
    """Channels of the critics' first level."""


@dataclass(frozen=True, slots=True)
class UnpairedSampler:
    """A picture of each kind: `first_b3hw` and `second_b3hw`, float32 in [-1, 1]."""

    feed: FeedConfig
    domains: tuple[str, ...]

    def __call__(self, library: Library, rng: np.random.Generator) -> Sample:
        """Draw and cut one picture of each kind, each by itself."""
        pictures = []
        for domain in self.domains:
            at = int(rng.choice(library.domains[domain]))
            (rgb,) = cut_alike([library[at].target], self.feed, rng)
            pictures.append(np.ascontiguousarray(rgb.transpose(2, 0, 1)) * 2 - 1)
        return {"first_b3hw": pictures[0], "second_b3hw": pictures[1]}


class Pool(nn.Module):
    """The last made pictures: half of the time a critic is shown an older one for a new one.

    (Shrivastava et al. 2017.) A module without parameters, so that checkpoints keep it.
    """

    kept_n3hw: Tensor
    filled: Tensor

    def __init__(self, size: int, px: int) -> None:
        super().__init__()
        self.register_buffer("kept_n3hw", torch.zeros(size, 3, px, px))
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def exchange(self, made_b3hw: Tensor) -> Tensor:
        """As many pictures, some of them older; in evaluation mode the same ones."""
        size = len(self.kept_n3hw)
        if not size or not self.training:
            return made_b3hw
        shown = []
        for made in made_b3hw.detach():
            if self.filled < size:
                self.kept_n3hw[int(self.filled)] = made
                self.filled += 1
                shown.append(made)
            elif torch.rand(()) < 0.5:
                at = int(torch.randint(size, ()))
                shown.append(self.kept_n3hw[at].clone().to(made.dtype))
                self.kept_n3hw[at] = made
            else:
                shown.append(made)
        return torch.stack(shown)


class Made(NamedTuple):
    """The pictures of one forward pass, each (B, 3, H, W) in [-1, 1]."""

    second: Tensor
    """The first kind's pictures as the second kind."""
    first: Tensor
    first_again: Tensor
    """There and back."""
    second_again: Tensor
    first_same: Tensor | None
    """The first kind's pictures through the generator that makes that kind; None if not asked."""
    second_same: Tensor | None


class CycleGANRecipe:
    """Both generators together, then both critics."""

    goal = "generators/total"

    def __init__(
        self,
        model: CycleGAN,
        config: CycleGANRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        domains = model.config.domains or tuple(library.domains)
        if len(domains) != 2 or not set(domains) <= library.domains.keys():
            raise ConfigError(
                "cyclegan needs two kinds of pictures: trainA and trainB, or --domains A,B"
            )
        if model.config.one_way:
            raise ConfigError("model.one_way: training goes both ways")
        if feed.sizes_px and config.pool:
            raise ConfigError("feed.sizes_px: the pool holds pictures of one size (recipe.pool=0)")
        self._config, self._model = config, model
        self.sampler = UnpairedSampler(feed, domains)
        self.device_sampler = UnpairedDeviceSampler(feed, domains)
        self._critics = nn.ModuleDict(
            {name: Critic(config.critic_width) for name in ("first", "second")}
        )
        self._pools = nn.ModuleDict(
            {name: Pool(config.pool, feed.crop_px) for name in ("first", "second")}
        )
        init_normal(model)
        init_normal(self._critics)
        self._phases = (
            Phase("generators", ("model",), _adam(model), self.generators_loss,
                  clip_norm=float("inf")),
            Phase("critics", ("critics",), _adam(self._critics), self.critics_loss,
                  clip_norm=float("inf")),
        )  # fmt: skip

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Both generators are shipped, as one module."""
        return {"model": self._model, "critics": self._critics, "pools": self._pools}

    @property
    def phases(self) -> Sequence[Phase]:
        """The generators, then the critics."""
        return self._phases

    def forward(self, batch: Batch) -> Made:
        """There, and back again."""
        first, second = batch["first_b3hw"], batch["second_b3hw"]
        forth, back = self._model.forth, self._model.back
        assert back is not None
        to_second, to_first = forth(first), back(second)
        same = self._config.identity > 0
        return Made(
            to_second, to_first, back(to_second), forth(to_first),
            back(first) if same else None, forth(second) if same else None,
        )  # fmt: skip

    def generators_loss(self, batch: Batch, made: Made) -> Mapping[str, Tensor]:
        """Passing for real, coming back, and leaving alone what is of the kind already."""
        first, second = batch["first_b3hw"], batch["second_b3hw"]
        gan = _squares(self._critics["second"](made.second), 1) + _squares(
            self._critics["first"](made.first), 1
        )
        cycle = _l1(made.first_again, first) + _l1(made.second_again, second)
        total = gan + self._config.cycle * cycle
        named = {"gan": gan, "cycle": cycle}
        if made.first_same is not None and made.second_same is not None:
            named["identity"] = _l1(made.first_same, first) + _l1(made.second_same, second)
            total = total + self._config.identity * named["identity"]
        return {"total": total, **named}

    def critics_loss(self, batch: Batch, made: Made) -> Mapping[str, Tensor]:
        """1 for real, 0 for what the pool gives of the made ones."""
        total = torch.zeros((), device=made.first.device)
        for name, shown in (("first", made.first), ("second", made.second)):
            older = self._pools[name].exchange(shown.detach())  # type: ignore[operator]
            critic = self._critics[name]
            real = _squares(critic(batch[f"{name}_b3hw"]), 1)
            total = total + (real + _squares(critic(older), 0)) / 2
        return {"total": total}


def _squares(scores: Tensor, wanted: int) -> Tensor:
    return F.mse_loss(scores.float(), torch.full_like(scores, wanted, dtype=torch.float32))


def _l1(made: Tensor, truth: Tensor) -> Tensor:
    return F.l1_loss(made.float(), truth)


def _adam(module: nn.Module) -> torch.optim.Adam:
    return torch.optim.Adam(module.parameters(), betas=(0.5, 0.999), fused=True)
