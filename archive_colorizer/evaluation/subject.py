"""The rows of a comparison: models as they are delivered, and baselines. B batch, H, W.

Pictures go in and come out as uint8, as a job's do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from archive_colorizer.errors import ConfigError, ModelReferenceError, PhotoError
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.imaging.degrade import chance_of, degraded_gray
from archive_colorizer.inference.batching import GreyPicture
from archive_colorizer.inference.colorizer import Colorizer
from archive_colorizer.inference.runner import Runner, open_runner
from archive_colorizer.inference.tensors import to_bytes, to_gray_tensor, to_tensor
from archive_colorizer.inference.translator import Translator
from archive_colorizer.models.catalog import FAMILIES, Task
from archive_colorizer.models.colour import lab_to_rgb, rgb_to_lab
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage.settings import DEFAULT_S3, S3Settings

BASELINE: Final = "grey (baseline)"
UNCHANGED: Final = "source unchanged (baseline)"


class Painted(NamedTuple):
    """A subject's result for one picture."""

    rgb_hw3: NDArray[np.uint8]
    doubt: float | None = None
    """Mean doubt, as the manifest records it; None where there is none."""


Paint = Callable[[NDArray[np.uint8]], list[Painted | PhotoError]]
"""(B, H, W, 3) sources -> for each its result, or the error that it had."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One row of the table, before it has figures."""

    name: str
    paint: Paint
    family: str = ""
    weights_sha256: str = ""
    parameters: int = 0


def baseline() -> Subject:
    """The picture left grey: what every colorizer must be compared with."""

    def paint(source_bhw3: NDArray[np.uint8]) -> list[Painted | PhotoError]:
        gray_bhw = grey_of(source_bhw3)
        return [Painted(np.repeat(gray[..., None], 3, axis=2)) for gray in gray_bhw]

    return Subject(BASELINE, paint)


def unchanged() -> Subject:
    """The source as it is: what a translator must be compared with."""
    return Subject(UNCHANGED, lambda source: [Painted(one) for one in source])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The knobs and the wear with which a colorizer is judged."""

    temperature: float | None = None
    vividness: float | None = None
    hint_points: int = 0
    worn: bool = False

    def words(self) -> str:
        """The end of a row's name that says it."""
        said = (
            "" if self.vividness is None else f", vividness {self.vividness:g}",
            f", {self.hint_points} hints" if self.hint_points else "",
            ", worn" if self.worn else "",
        )
        return "".join(said)


def open_subject(
    ref: str, asked: Asked, device: torch.device, seed: int, s3: S3Settings = DEFAULT_S3
) -> Subject:
    """Load a model for judging: exact float32, the random state set before every batch.

    Raises:
        ModelReferenceError: it cannot be loaded, or neither colours nor translates.
        ConfigError: it is asked for what its family does not have.
    """
    model = resolve(ref, s3=s3)
    runner = open_runner(model, "exact", device=device, seed=seed)
    name, family = model.card.family, FAMILIES[model.card.family]
    if family.task is not Task.COLORIZE and asked.words():
        raise ConfigError(f"{ref}: vividness, hints and wear are for models that colour")
    if asked.hint_points and not family.hints:
        raise ConfigError(f"{ref}: {name} takes no hints")
    if asked.vividness is not None and not family.vividness:
        raise ConfigError(f"{ref}: {name} has no vividness")
    subject = _subject(f"{ref}{asked.words()}", runner, family.task, asked, family.size_multiple)
    return replace(subject, family=name, weights_sha256=model.weights_sha256)


def subject_of(
    name: str, module: nn.Module, task: Task, asked: Asked = Asked(), seed: int | None = 0
) -> Subject:
    """A module in memory as a subject, so that a training run can judge what it has.

    Args:
        name: of the row.
        module: in evaluation mode; it stays where it is.
        task: colouring or translating.
        asked: the knobs and the wear.
        seed: sets the random state before every batch; None leaves it alone.

    Raises:
        ModelReferenceError: the task is neither colouring nor translating.
    """
    return _subject(name, Runner(module, "exact", seed), task, asked, 1)


def _subject(name: str, runner: Runner, task: Task, asked: Asked, multiple: int) -> Subject:
    parameters = runner.parameters
    if task is Task.COLORIZE:
        knobs = {"temperature": asked.temperature, "vividness": asked.vividness}
        colorizer = Colorizer(runner, multiple=multiple, knobs=knobs)
        return Subject(name, _colour_with(colorizer, asked), parameters=parameters)
    if task is Task.TRANSLATE:
        translator = Translator(runner, multiple=multiple)
        return Subject(name, _translate_with(translator), parameters=parameters)
    raise ModelReferenceError(f"{name}: a model that does {task} cannot be judged by colours")


def keep_luminance(gray_bhw: NDArray[np.uint8], ab_b2hw: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(B, H, W, 3): L of the grey picture with the model's ab, as sRGB clipped to the gamut."""
    gray_b3hw = to_gray_tensor(gray_bhw).expand(-1, 3, -1, -1)
    lab = torch.cat((rgb_to_lab(gray_b3hw)[:, :1], torch.from_numpy(ab_b2hw)), dim=1)
    return to_bytes(lab_to_rgb(lab))


def grey_of(source_bhw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(B, H, W): the neutral with the source's L, sRGB-encoded."""
    source = to_tensor(source_bhw3)
    lightness = rgb_to_lab(source)[:, :1]
    neutral = torch.cat((lightness, torch.zeros_like(source[:, :2])), dim=1)
    return to_bytes(lab_to_rgb(neutral).mean(dim=1, keepdim=True))[..., 0]


def worn(source_bhw3: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(B, H, W): each picture as a scan of an old photograph; its content decides the wear."""
    pictures = [np.asarray(one, np.float32) / np.float32(255) for one in source_bhw3]
    grays = [degraded_gray(picture, chance_of(picture)) for picture in pictures]
    return np.asarray(np.rint(np.stack(grays) * 255), np.uint8)


def true_points(source_bhw3: NDArray[np.uint8], count: int) -> NDArray[np.float32]:
    """(B, 3, H, W) hints: so many 3x3 points of the truth, where each picture's content draws."""
    ab_b2hw = rgb_to_lab(to_tensor(source_bhw3))[:, 1:].numpy() / np.float32(AB_SCALE)
    height, width = source_bhw3.shape[1:3]
    hints = np.zeros((len(source_bhw3), 3, height, width), np.float32)
    for planes, ab, picture in zip(hints, ab_b2hw, source_bhw3, strict=True):
        rng = chance_of(np.asarray(picture, np.float32) / np.float32(255))
        for top, left in zip(
            rng.integers(height - 2, size=count), rng.integers(width - 2, size=count), strict=True
        ):
            at = (slice(None), slice(top, top + 3), slice(left, left + 3))
            planes[:2][at] = ab[at].mean(axis=(1, 2), keepdims=True)
            planes[2:][at] = 1
    return hints


def _colour_with(colorizer: Colorizer, asked: Asked) -> Paint:
    def paint(source_bhw3: NDArray[np.uint8]) -> list[Painted | PhotoError]:
        gray_bhw = grey_of(source_bhw3)
        shown_bhw = worn(source_bhw3) if asked.worn else gray_bhw
        hints: Sequence[NDArray[np.float32] | None] = [None] * len(gray_bhw)
        if asked.hint_points:
            hints = list(true_points(source_bhw3, asked.hint_points))
        pictures = [
            GreyPicture(shown, hints_3hw=planes)
            for shown, planes in zip(shown_bhw, hints, strict=True)
        ]
        return [
            answer
            if isinstance(answer, PhotoError)
            else Painted(
                keep_luminance(gray[None], answer.ab_2hw[None])[0], float(answer.doubt_hw.mean())
            )
            for gray, answer in zip(gray_bhw, colorizer(pictures), strict=True)
        ]

    return paint


def _translate_with(translator: Translator) -> Paint:
    def paint(source_bhw3: NDArray[np.uint8]) -> list[Painted | PhotoError]:
        return [
            answer if isinstance(answer, PhotoError) else Painted(answer)
            for answer in translator(list(source_bhw3))
        ]

    return paint
