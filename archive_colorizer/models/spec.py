"""What a model family is: one descriptor, the same for all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from torch import Tensor, nn

from archive_colorizer.models.tasks import Task


class Prediction(NamedTuple):
    """What a colorizer says of a batch. B batch, H height, W width."""

    ab_b2hw: Tensor
    """CIE Lab a and b (D65), float32."""
    doubt_b1hw: Tensor
    """How undecided the model is, float32 in [0, 1]; 0 where a family cannot tell."""


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


__all__ = ["ModelSpec", "Prediction", "Task"]
