"""Colour grey pictures: uint8 in, CIE Lab chroma and doubt out. B batch, H height, W width."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from archive_colorizer.errors import ConfigError, PhotoError
from archive_colorizer.imaging.network_map import NetworkMap
from archive_colorizer.inference.batching import (
    BUCKET_PX,
    Chroma,
    GreyPicture,
    batches,
    fill_padded,
    padded_shape,
    stack_hints,
)
from archive_colorizer.inference.device import Precision
from archive_colorizer.inference.lanes import Arrival, Lane
from archive_colorizer.inference.runner import Runner, not_finite, open_runner
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
        groups = list(batches(shapes, self._multiple, batch_size))
        going = self._runner.stream(
            ([pictures[i] for i in members] for members in groups), self._start, self._finish
        )
        for members, made in zip(groups, going, strict=True):
            results.update(zip(members, made, strict=True))
        return [results[i] for i in range(len(pictures))]

    def _start(self, batch: Sequence[GreyPicture], lane: Lane) -> Arrival:
        """Send a batch to the network: (B, h, w, 3) float16 of a, b and doubt will arrive."""
        grays, device = [picture.gray_hw for picture in batch], self._runner.device
        sides = padded_shape(grays[0].shape, self._multiple)
        host_bhw = lane.empty((len(batch), *sides), torch.uint8)
        fill_padded(host_bhw.numpy(), grays)
        hints_b3hw = stack_hints([picture.hints_3hw for picture in batch], sides)
        more: dict[str, Tensor] = {}
        with lane.open():
            if self._classes:
                numbers = [picture.class_number for picture in batch]
                more["class_b"] = torch.tensor(numbers, device=device)
            if hints_b3hw is not None:
                more["hints_b3hw"] = torch.from_numpy(hints_b3hw).to(device)

            def predict(gray_bhw: Tensor) -> Tensor:
                gray_b1hw = gray_bhw[:, None].float().div_(255)
                found: Prediction = self._runner.module.predict(gray_b1hw, **self._knobs, **more)
                both_b3hw = torch.cat((found.ab_b2hw, found.doubt_b1hw), dim=1)
                return both_b3hw.permute(0, 2, 3, 1).half().contiguous()

            key = None if more else tuple(sorted(self._knobs.items()))
            return lane.fetch(lane.compute(host_bhw, predict, key))

    def _finish(self, batch: Sequence[GreyPicture], arrival: Arrival) -> list[Chroma | PhotoError]:
        results: list[Chroma | PhotoError] = []
        for picture, cells in zip(batch, arrival.wait(), strict=True):
            height, width = picture.gray_hw.shape
            padded = padded_shape((height, width), self._multiple)
            finite = bool(np.isfinite(cells).all())
            said = Chroma(NetworkMap(cells, padded, (height, width)))
            results.append(said if finite else not_finite())
        return results


def open_colorizer(
    model: ResolvedModel,
    precision: Precision = "auto",
    vividness: float | None = None,
    *,
    graphs: bool = True,
) -> Colorizer:
    """Load a model that colours, for a job.

    Args:
        model: the reference, resolved.
        precision: of its products.
        vividness: None takes the model's own.
        graphs: record small batches as CUDA graphs, where the family can be recorded.

    Raises:
        ModelReferenceError: it cannot be loaded.
        ConfigError: a setting that the family does not have.
    """
    check_vividness(model, vividness)
    family = FAMILIES[model.card.family]
    return Colorizer(
        open_runner(model, precision, graphs=graphs and family.recordable),
        multiple=max(BUCKET_PX, family.size_multiple),
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
