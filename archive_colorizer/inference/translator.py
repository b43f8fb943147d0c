"""Translate pictures into others of their size: uint8 in, uint8 out. B batch, H height, W width."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError, PhotoError
from archive_colorizer.inference.batching import BUCKET_PX, batches, stack_padded
from archive_colorizer.inference.device import Precision
from archive_colorizer.inference.runner import Runner, not_finite, open_runner
from archive_colorizer.inference.tensors import to_bytes, to_tensor
from archive_colorizer.models.catalog import FAMILIES, translates_back
from archive_colorizer.weights.reference import ResolvedModel

Rgb = NDArray[np.uint8]


class Translator:
    """A network that makes another picture of one."""

    def __init__(self, runner: Runner, *, multiple: int = 1, back: bool | None = None) -> None:
        """Take a network with `translate`.

        Args:
            runner: has the network.
            multiple: sides of pictures are padded to multiples of this, in pixels.
            back: the direction, for families that translate both ways; None takes the network's.
        """
        self._runner, self._multiple = runner, multiple
        self._knobs = {} if back is None else {"back": back}
        self.device, self.precision = runner.device.type, runner.precision

    def __call__(self, pictures: Sequence[Rgb], batch_size: int = 1024) -> list[Rgb | PhotoError]:
        """Translate (H, W, 3) pictures of any sides; those of one padded shape go together.

        Returns:
            For each picture, in order, the other one, of its size, or the error that it had:
            MemoryPhotoError or ModelPhotoError, its message without the picture's name.
        """
        results: dict[int, Rgb | PhotoError] = {}
        for members in batches([rgb.shape for rgb in pictures], self._multiple, batch_size):
            made = self._runner.each([pictures[i] for i in members], self._forward)
            results.update(zip(members, made, strict=True))
        return [results[i] for i in range(len(pictures))]

    def _forward(self, batch: Sequence[Rgb]) -> list[Rgb | PhotoError]:
        source = to_tensor(stack_padded(batch, self._multiple), self._runner.device)
        made_b3hw = self._runner.module.translate(source, **self._knobs).float()
        results: list[Rgb | PhotoError] = []
        for picture, made in zip(batch, made_b3hw, strict=True):
            height, width = picture.shape[:2]
            inside = made[None, :, :height, :width]
            finite = bool(inside.isfinite().all())
            results.append(to_bytes(inside)[0] if finite else not_finite())
        return results


def open_translator(
    model: ResolvedModel, precision: Precision = "auto", *, back: bool = False
) -> Translator:
    """Load a model that translates, for a job.

    Args:
        model: the reference, resolved.
        precision: of its products.
        back: the other way than the model's own.

    Raises:
        ModelReferenceError: it cannot be loaded.
        ConfigError: it translates one way only.
    """
    family, settings = model.card.family, model.card.config
    if back and not translates_back(family, settings):
        raise ConfigError(f"back: {family} translates one way only")
    multiple = max(BUCKET_PX, FAMILIES[family].size_multiple)
    direction = not settings.get("back", False) if back else None
    return Translator(open_runner(model, precision), multiple=multiple, back=direction)
