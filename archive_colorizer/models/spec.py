"""The descriptor of a model family, and the methods that its networks have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from archive_colorizer.models.catalog import Task


class Prediction(NamedTuple):
    """A colorizer's result for a batch, at the size at which the network says it. B batch.

    h and w are the rows and columns that the picture is evenly divided into: its pixels, or cells
    of some pixels each.
    """

    ab_b2hw: Tensor
    """(B, 2, h, w) CIE Lab a and b (D65), float32."""
    doubt_b1hw: Tensor
    """(B, 1, h, w) the model's uncertainty, float32 in [0, 1]; 0 where a family cannot tell."""


class Colorizer(Protocol):
    """The network of a family that colours. The method's arguments are described here once."""

    def predict(
        self,
        gray_b1hw: Tensor,
        *,
        temperature: float | None = None,
        vividness: float | None = None,
        hints_b3hw: Tensor | None = None,
    ) -> Prediction:
        """Chroma of a grey picture.

        Args:
            gray_b1hw: (B, 1, H, W) sRGB-encoded grey in [0, 1].
            temperature: of a distribution over colours: 1 gives its mean, lower values the
                likeliest colour; None takes the model's own.
            vividness: how far muted colours are lifted; None takes the model's own.
            hints_b3hw: a and b over 110, and a mask of 0 and 1; None for none.

        Returns:
            ab in Lab units, (B, 2, h, w), and doubt, (B, 1, h, w): at H by W or smaller.
        """


def certain(ab_b2hw: Tensor) -> Prediction:
    """The prediction of a family that gives one colour and cannot tell how sure it is: doubt 0."""
    return Prediction(ab_b2hw, torch.zeros_like(ab_b2hw[:, :1]))


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A family of models, as data."""

    task: Task
    config: type[Any]
    """Frozen dataclass with the family's settings."""
    build: Callable[[Any], nn.Module]
    """Makes an untrained module from a config."""
    size_multiple: int
    """Sides of a picture must be multiples of this, in pixels."""

    def build_from(self, settings: Mapping[str, object]) -> nn.Module:
        """Make a module from plain settings, as a card stores them.

        Raises:
            TypeError: a setting that the family does not have.
        """
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        return self.build(self.config(**values))


__all__ = ["Colorizer", "ModelSpec", "Prediction", "Task"]
