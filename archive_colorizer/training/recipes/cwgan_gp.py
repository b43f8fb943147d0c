"""How the conditional Wasserstein GAN learns (Gulrajani et al. 2017; reference system C).

The critic's loss is E[score of made] - E[score of real] + penalty: once the critic tells them apart
it is negative, and that is how it should be. Its estimate of the distance is reported with its
sign. The reference system took the minus for a fault and put an absolute value around the loss,
which makes the critic unlearn what it knows; that is not copied.

The penalty holds the critic's pull on a picture near 1 whatever its size, while that of a mean
absolute error falls with the side: 111 / sqrt(2 H W), 0.8 at 96 px and 0.35 at 224. So a fixed
weight lets the critic outgrow L1. Here its pull is bounded by L1's (as Esser et al. 2021 weigh a
GAN beside a reconstruction), and the score of real pictures, whose zero is free, is held near it
(Karras et al. 2018). B batch, H height, W width.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated

import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.metrics.features import open_features, perceptual_loss
from archive_colorizer.models.colour import lab_to_rgb, rgb_to_lab
from archive_colorizer.models.cwgan_gp import Critic, ResidualUNet
from archive_colorizer.settings.kinds import Channels, Momentum, Weight
from archive_colorizer.settings.schema import Setting, settings
from archive_colorizer.training.feed import FeedConfig, PairSampler
from archive_colorizer.training.on_device.pairs import PairDeviceSampler
from archive_colorizer.training.recipe import Batch, Phase


@settings("recipe")
class CWGANRecipeConfig:
    """Settings of the recipe; learning rate and schedule are the loop's."""

    penalty: Weight = 10.0
    """Weight of the gradient penalty."""
    critic_steps: Annotated[int, Setting(ge=1)] = 5
    """The generator learns in every so many steps of the critic."""
    drift: Weight = 0.001
    """Weight of the squared score of real pictures, which has no zero of its own."""
    adversarial: Weight = 1.0
    """Weight of the critic's verdict in the generator's loss."""
    balance: Weight = 1.0
    """At most so many times as strongly as L1 the critic pulls at the made colours; 0 leaves it
    unbounded, as published."""
    l1: Weight = 100.0
    """Weight of the mean absolute error of ab, in units of 110."""
    perceptual: Weight = 0.005
    """Weight of the distance of VGG16's features; needs `vgg`."""
    colour: Weight = 0.1
    """Weight of the mean absolute error of a and b in Lab units."""
    vgg: str = ""
    """File with VGG16's public weights; or `builtin:encoder`, EfficientNet-Lite2 in its place."""
    critic_width: Channels = 64
    """Channels of the critic's first level."""
    beta1: Momentum = 0.5
    """Adam's decay of the mean gradient."""


class CWGANRecipe:
    """The critic in every step, the generator in every fifth."""

    goal = "generator/l1"

    def __init__(
        self,
        model: ResidualUNet,
        config: CWGANRecipeConfig,
        feed: FeedConfig,
        library: Library,
        *,
        translates: bool = False,
    ) -> None:
        if translates:
            raise ConfigError("cwgan_gp colours: it cannot learn from sources in colour")
        self._config, self._generator = config, model
        self._critic = Critic(width=config.critic_width)
        self._features = open_features("vgg16", config.vgg, config.perceptual)
        self.sampler = PairSampler(feed)
        self.device_sampler = PairDeviceSampler(feed)
        betas = (config.beta1, 0.999)
        self._phases = (
            Phase("critic", ("critic",),
                  torch.optim.Adam(self._critic.parameters(), betas=betas, fused=True),
                  self.critic_loss, clip_norm=float("inf")),
            Phase("generator", ("generator",),
                  torch.optim.Adam(model.parameters(), betas=betas, fused=True),
                  self.generator_loss, every=config.critic_steps, clip_norm=float("inf")),
        )  # fmt: skip

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The generator is the one that is shipped."""
        return {"generator": self._generator, "critic": self._critic}

    @property
    def phases(self) -> Sequence[Phase]:
        """The critic, then the generator."""
        return self._phases

    def forward(self, batch: Batch) -> Tensor:
        """The generator's ab for the grey pictures, (B, 2, H, W) in [-1, 1]."""
        made: Tensor = self._generator(batch["source_bchw"])
        return made

    def critic_loss(self, batch: Batch, made_b2hw: Tensor) -> Mapping[str, Tensor]:
        """E[made] - E[real] + penalties; `distance` is the estimate, with its sign."""
        config, gray, real = self._config, batch["source_bchw"], _ab(batch)
        made = made_b2hw.detach().float()
        score_b = self._critic(gray, real)
        distance = score_b.mean() - self._critic(gray, made).mean()
        penalty = gradient_penalty(self._critic, gray, real, made)
        drift = config.drift * score_b.float().square().mean()
        return {
            "total": config.penalty * penalty + drift - distance,
            "distance": distance,
            "penalty": penalty,
        }

    def generator_loss(self, batch: Batch, made_b2hw: Tensor) -> Mapping[str, Tensor]:
        """A high score, and being near in ab and in VGG's eyes."""
        config, real = self._config, _ab(batch)
        gan = -self._critic(batch["source_bchw"], made_b2hw).mean()
        l1 = F.l1_loss(made_b2hw.float(), real)
        gan, near = config.adversarial * gan, (config.l1 + config.colour * AB_SCALE) * l1
        named = {"gan": gan, "l1": l1}
        if made_b2hw.requires_grad and config.adversarial:
            named["pull"] = relative_pull(gan, near, made_b2hw)
            if config.balance and config.l1 + config.colour:
                gan = gan * (config.balance / named["pull"].clamp(min=config.balance))
        total = gan + near
        if self._features is not None:
            self._features.to(made_b2hw.device)
            rgb = _rgb(batch["target_b3hw"], made_b2hw)
            named["perceptual"] = perceptual_loss(self._features, rgb, batch["target_b3hw"])
            total = total + config.perceptual * named["perceptual"]
        return {"total": total, **named}


def relative_pull(gan: Tensor, near: Tensor, made_b2hw: Tensor) -> Tensor:
    """How many times as strongly as `near` the loss `gan` pulls at the made colours."""
    gan_norm, near_norm = (
        torch.autograd.grad(loss, made_b2hw, retain_graph=True)[0].float().norm()
        for loss in (gan, near)
    )
    ratio: Tensor = gan_norm / near_norm.clamp(min=1e-12)
    return ratio


def gradient_penalty(
    critic: Critic, gray_b1hw: Tensor, real_b2hw: Tensor, made_b2hw: Tensor
) -> Tensor:
    """Mean squared distance from 1 of the score's gradient between real and made, in float32.

    Args:
        critic: gives a score for each picture.
        gray_b1hw: what both are conditioned on.
        real_b2hw: (B, 2, H, W).
        made_b2hw: the same shape; no gradient flows into it.
    """
    share = torch.rand(len(real_b2hw), 1, 1, 1, device=real_b2hw.device)
    with torch.autocast(real_b2hw.device.type, enabled=False), torch.enable_grad():
        between = (share * real_b2hw + (1 - share) * made_b2hw).float().requires_grad_()
        scores = critic(gray_b1hw.float(), between)
        (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
        penalty: Tensor = ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()
    return penalty


def _ab(batch: Batch) -> Tensor:
    return (rgb_to_lab(batch["target_b3hw"])[:, 1:] / AB_SCALE).clamp(-1, 1)


def _rgb(target_b3hw: Tensor, made_b2hw: Tensor) -> Tensor:
    """The target's L with the made ab: what VGG sees."""
    lightness = rgb_to_lab(target_b3hw)[:, :1]
    return lab_to_rgb(torch.cat((lightness, made_b2hw.float() * AB_SCALE), dim=1))
