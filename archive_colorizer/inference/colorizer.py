"""Colour grey pictures: uint8 in, CIE Lab chroma and doubt out. B batch, H height, W width."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from archive_colorizer.errors import ConfigError, PhotoError
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.inference.batching import (
    BUCKET_PX,
    Chroma,
    GreyPicture,
    batches,
    stack_hints,
    stack_padded,
)
from archive_colorizer.inference.device import Precision
from archive_colorizer.inference.runner import Runner, not_finite, open_runner
from archive_colorizer.inference.tensors import to_gray_tensor
from archive_colorizer.models.catalog import FAMILIES, has_classes
from archive_colorizer.models.spec import Prediction
from archive_colorizer.weights.reference import ResolvedModel


class Colorizer:
    """A network that colours, asked in one way for all pictures."""

    def __init__(
        self,
        runner: Runner,
        *,
        multiple: int = 1,
        classes: bool = False,
        knobs: Mapping[str, float | None] | None = None,
    ) -> None:
        """Take a network with `predict`.

        Args:
            runner: has the network.
            multiple: sides of pictures are padded to multiples of this, in pixels.
            classes: whether the network is told what a picture shows.
            knobs: temperature and vividness, by name; None takes the network's own.
        """
        self._runner, self._multiple, self._classes = runner, multiple, classes
        self._knobs = {name: value for name, value in (knobs or {}).items() if value is not None}
        self.device, self.precision = runner.device.type, runner.precision

    def with_knobs(self, **knobs: float | None) -> "Colorizer":
        """Give a colorizer of the same network with other knobs; None takes the network's own."""
        return Colorizer(self._runner, multiple=self._multiple, classes=self._classes, knobs=knobs)

    def __call__(
        self, pictures: Sequence[GreyPicture], batch_size: int = 1024
    ) -> list[Chroma | PhotoError]:
        """Colour pictures of any sides; those of one padded shape go through together.

        Returns:
            For each picture, in order, its chroma at its own size, or the error that it had:
            MemoryPhotoError or ModelPhotoError, its message without the picture's name.
        """
        results: dict[int, Chroma | PhotoError] = {}
        shapes = [picture.gray_hw.shape for picture in pictures]
        for members in batches(shapes, self._multiple, batch_size):
            made = self._runner.each([pictures[i] for i in members], self._forward)
            results.update(zip(members, made, strict=True))
        return [results[i] for i in range(len(pictures))]

    def _forward(self, batch: Sequence[GreyPicture]) -> list[Chroma | PhotoError]:
        device = self._runner.device
        gray_bhw = stack_padded([picture.gray_hw for picture in batch], self._multiple)
        hints_b3hw = stack_hints([picture.hints_3hw for picture in batch], gray_bhw.shape[1:])
        knobs: dict[str, Any] = dict(self._knobs)
        if self._classes:
            numbers = [picture.class_number for picture in batch]
            knobs["class_b"] = torch.tensor(numbers, device=device)
        if hints_b3hw is not None:
            knobs["hints_b3hw"] = torch.from_numpy(hints_b3hw).to(device)
        found: Prediction = self._runner.module.predict(to_gray_tensor(gray_bhw, device), **knobs)
        both_b3hw = torch.cat((found.ab_b2hw, found.doubt_b1hw), dim=1)
        cells_bhw3 = both_b3hw.permute(0, 2, 3, 1).half().cpu().numpy()
        results: list[Chroma | PhotoError] = []
        for picture, cells in zip(batch, cells_bhw3, strict=True):
            height, width = picture.gray_hw.shape
            said = NetworkMap(cells, (gray_bhw.shape[1], gray_bhw.shape[2]), (height, width))
            finite = bool(np.isfinite(cells).all())
            results.append(Chroma(said) if finite else not_finite())
        return results


def open_colorizer(
    model: ResolvedModel, precision: Precision = "auto", vividness: float | None = None
) -> Colorizer:
    """Load a model that colours, for a job.

    Raises:
        ModelReferenceError: it cannot be loaded.
        ConfigError: a setting that the family does not have.
    """
    check_vividness(model, vividness)
    return Colorizer(
        open_runner(model, precision),
        multiple=max(BUCKET_PX, FAMILIES[model.card.family].size_multiple),
        classes=has_classes(model.card.config),
        knobs={"vividness": vividness},
    )


def check_vividness(model: ResolvedModel, vividness: float | None) -> None:
    """Refuse what the model cannot do, rather than leave it out without a word.

    Raises:
        ConfigError: the family has no vividness.
    """
    family = model.card.family
    if vividness is not None and not FAMILIES[family].vividness:
        raise ConfigError(
            f"{model.ref}: vividness: {family} has one colour for each pixel, no more vivid one"
        )
