"""What is judged: a model as it is delivered, or the grey baseline. B batch, H height, W width."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 (the field's own name for it)
from torch import Tensor, nn

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.imaging.colour import AB_SCALE
from archive_colorizer.imaging.degrade import chance_of, degraded_gray
from archive_colorizer.models.catalog import HAS_VIVIDNESS, TAKES_HINTS
from archive_colorizer.models.colour import lab_to_rgb, rgb_to_lab
from archive_colorizer.models.spec import Task
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.weights.reference import ResolvedModel

BASELINE: Final = "grey (baseline)"
UNCHANGED: Final = "source unchanged (baseline)"


class Painted(NamedTuple):
    """What a subject makes of a batch."""

    rgb_b3hw: Tensor
    """sRGB in [0, 1], float32."""
    doubt_b: Tensor | None
    """Mean doubt of each picture, as the manifest records it; None where there is none."""


Paint = Callable[[Tensor], Painted]
"""(B, 3, H, W) source in [0, 1] -> Painted."""


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
    return Subject(BASELINE, lambda source: Painted(grey_of(source).expand(-1, 3, -1, -1), None))


def unchanged() -> Subject:
    """The source as it is: what a translator must be compared with."""
    return Subject(UNCHANGED, lambda source: Painted(source, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a colorizer is asked."""

    temperature: float | None = None
    vividness: float | None = None
    hint_points: int = 0
    worn: bool = False

    def words(self) -> str:
        """What a row's name says of it."""
        said = (
            "" if self.vividness is None else f", vividness {self.vividness:g}",
            f", {self.hint_points} hints" if self.hint_points else "",
            ", worn" if self.worn else "",
        )
        return "".join(said)


def open_subject(ref: str, device: torch.device, asked: Asked) -> Subject:
    """Load a model for judging, in evaluation mode.

    Raises:
        ModelReferenceError: it cannot be loaded, or neither colours nor translates.
    """
    model = resolve(ref)
    module = load(model).to(device).eval()
    task, family = MODELS[model.card.family].task, model.card.family
    if task is not Task.COLORIZE and asked.words():
        raise ConfigError(f"{ref}: vividness, hints and wear are for models that colour")
    if asked.hint_points and family not in TAKES_HINTS:
        raise ConfigError(f"{ref}: {family} takes no hints")
    if asked.vividness is not None and family not in HAS_VIVIDNESS:
        raise ConfigError(f"{ref}: {family} has no vividness")
    subject = subject_of(f"{ref}{asked.words()}", module, task, asked)
    return replace(_with_multiple(subject, model), family=family,
                   weights_sha256=model.weights_sha256)  # fmt: skip


def subject_of(name: str, module: nn.Module, task: Task, asked: Asked = Asked()) -> Subject:
    """A module in memory as a subject, so that a training run can judge what it has.

    Raises:
        ModelReferenceError: the task is neither colouring nor translating.
    """
    parameters = sum(value.numel() for value in module.parameters())
    if task is Task.COLORIZE:
        return Subject(name, _colorizer(module, asked), parameters=parameters)
    if task is Task.TRANSLATE:
        return Subject(name, _translator(module), parameters=parameters)
    raise ModelReferenceError(f"{name}: a model that does {task} cannot be judged by colours")


def keep_luminance(gray_b1hw: Tensor, ab_b2hw: Tensor) -> Tensor:
    """L of the grey picture with the model's ab, as sRGB clipped to the gamut, (B, 3, H, W)."""
    lightness = rgb_to_lab(gray_b1hw.expand(-1, 3, -1, -1))[:, :1]
    return lab_to_rgb(torch.cat((lightness, ab_b2hw), dim=1))


def grey_of(source_b3hw: Tensor) -> Tensor:
    """(B, 1, H, W): the neutral with the source's L, sRGB-encoded, 8 bits fine as a scan is."""
    lightness = rgb_to_lab(source_b3hw)[:, :1]
    neutral = torch.cat((lightness, torch.zeros_like(source_b3hw[:, :2])), dim=1)
    return (lab_to_rgb(neutral).mean(dim=1, keepdim=True) * 255).round() / 255


def _colorizer(module: nn.Module, asked: Asked) -> Paint:
    def paint(source_b3hw: Tensor) -> Painted:
        gray_b1hw = grey_of(source_b3hw)
        prediction = module.predict(  # type: ignore[operator]
            worn(source_b3hw) if asked.worn else gray_b1hw,
            temperature=asked.temperature,
            vividness=asked.vividness,
            hints_b3hw=true_points(source_b3hw, asked.hint_points) if asked.hint_points else None,
        )
        doubt_b = prediction.doubt_b1hw.float().mean(dim=(1, 2, 3))
        return Painted(keep_luminance(gray_b1hw, prediction.ab_b2hw.float()), doubt_b)

    return paint


def worn(source_b3hw: Tensor) -> Tensor:
    """(B, 1, H, W): each picture as an old photograph, by chance that its content decides."""
    pictures = [one.permute(1, 2, 0).cpu().numpy() for one in source_b3hw]
    grays = [degraded_gray(picture, chance_of(picture)) for picture in pictures]
    return torch.from_numpy(np.stack(grays)[:, None]).to(source_b3hw)


def true_points(source_b3hw: Tensor, count: int) -> Tensor:
    """Hints of so many 3x3 points of the truth, at places that each picture's content draws."""
    ab_b2hw = rgb_to_lab(source_b3hw)[:, 1:] / AB_SCALE
    hints = torch.zeros_like(source_b3hw)
    height, width = source_b3hw.shape[2:]
    for planes, ab, picture in zip(hints, ab_b2hw, source_b3hw, strict=True):
        rng = chance_of(picture.permute(1, 2, 0).cpu().numpy())
        for top, left in zip(
            rng.integers(height - 2, size=count), rng.integers(width - 2, size=count), strict=True
        ):
            at = (slice(None), slice(top, top + 3), slice(left, left + 3))
            planes[:2][at] = ab[at].mean(dim=(1, 2), keepdim=True)
            planes[2:][at] = 1
    return hints


def _translator(module: nn.Module) -> Paint:
    def paint(source_b3hw: Tensor) -> Painted:
        return Painted(module.translate(source_b3hw).float().clamp(0, 1), None)  # type: ignore[operator]

    return paint


def _with_multiple(subject: Subject, model: ResolvedModel) -> Subject:
    multiple = MODELS[model.card.family].size_multiple

    def paint(source_b3hw: Tensor) -> Painted:
        height, width = source_b3hw.shape[2:]
        padding = (0, -width % multiple, 0, -height % multiple)
        if not any(padding):
            return subject.paint(source_b3hw)
        painted = subject.paint(F.pad(source_b3hw, padding, mode="replicate"))
        return painted._replace(rgb_b3hw=painted.rgb_b3hw[:, :, :height, :width])

    return replace(subject, paint=paint)
