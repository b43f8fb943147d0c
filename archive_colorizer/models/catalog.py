"""What each family does to a picture: light enough for a driver that loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Task(StrEnum):
    """What a model does to a picture."""

    COLORIZE = "colorize"
    TRANSLATE = "translate"
    UPSCALE = "upscale"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of models as a driver needs to know it: data only."""

    task: Task
    size_multiple: int = 32
    """Sides of a picture must be multiples of this, in pixels."""
    hints: bool = False
    """It is told points of known colour; the others would leave them out."""
    vividness: bool = False
    """Its colours can be lifted at prediction; the others have one colour for a pixel."""
    two_way: bool = False
    """It translates back, too, unless its settings say `one_way`."""


FAMILIES: Final[Mapping[str, Family]] = {
    "autoencoder": Family(task=Task.COLORIZE),
    "autoencoder_translate": Family(task=Task.TRANSLATE),
    "biggan_inversion": Family(task=Task.COLORIZE, size_multiple=1),
    "chroma_lite": Family(task=Task.COLORIZE, hints=True, vividness=True),
    "chroma_unet": Family(task=Task.COLORIZE, hints=True, vividness=True),
    "cwgan_gp": Family(task=Task.COLORIZE),
    "cyclegan": Family(task=Task.TRANSLATE, size_multiple=4, two_way=True),
    "ddcolor": Family(task=Task.COLORIZE, size_multiple=1),
    "eccv16": Family(task=Task.COLORIZE, size_multiple=8),
    "pix2pix": Family(task=Task.COLORIZE),
    "pix2pix_translate": Family(task=Task.TRANSLATE),
    "rdn": Family(task=Task.UPSCALE, size_multiple=1),
    "rrdb": Family(task=Task.UPSCALE, size_multiple=1),
    "siggraph17": Family(task=Task.COLORIZE, size_multiple=8, hints=True),
    "unet_perceptual": Family(task=Task.COLORIZE),
}
"""The same keys as MODELS."""
TASK_OF: Final[Mapping[str, Task]] = {name: one.task for name, one in FAMILIES.items()}
TAKES_HINTS: Final = frozenset(name for name, one in FAMILIES.items() if one.hints)
HAS_VIVIDNESS: Final = frozenset(name for name, one in FAMILIES.items() if one.vividness)
UNKNOWN: Final = -1
"""Stands for the mean of all classes."""


def has_classes(settings: Mapping[str, Any]) -> bool:
    """Whether a family with these settings is told what a picture shows."""
    return bool(settings.get("n_classes"))


def translates_back(family: str, settings: Mapping[str, Any]) -> bool:
    """Whether a model of this family, with the settings of its card, has a way back."""
    return FAMILIES[family].two_way and not settings.get("one_way", False)


def class_number(settings: Mapping[str, Any], label: str) -> int:
    """The number of a class.

    Args:
        settings: of the model, as its card has them.
        label: a number, a name (in any case), or nothing.

    Raises:
        ValueError: the model has no such class.
    """
    text, names = label.strip(), [str(name).lower() for name in settings.get("classes", ())]
    if not text:
        return UNKNOWN
    if text.lower() in names:
        return names.index(text.lower())
    count = int(settings["n_classes"])
    if text.isascii() and text.isdigit() and int(text) < count:
        return int(text)
    known = f" or one of {', '.join(names)}" if names else ""
    raise ValueError(f"{label!r} is not a class of this model (0 to {count - 1}{known})")
