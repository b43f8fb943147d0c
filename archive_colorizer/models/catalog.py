"""What each family does to a picture: light enough for a driver that loads no torch."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final


class Task(StrEnum):
    """What a model does to a picture."""

    COLORIZE = "colorize"
    TRANSLATE = "translate"
    UPSCALE = "upscale"
    RESTORE = "restore"


TASK_OF: Final[Mapping[str, Task]] = {
    "autoencoder": Task.COLORIZE,
    "autoencoder_translate": Task.TRANSLATE,
    "biggan_inversion": Task.COLORIZE,
    "chroma_lite": Task.COLORIZE,
    "chroma_unet": Task.COLORIZE,
    "cwgan_gp": Task.COLORIZE,
    "cyclegan": Task.TRANSLATE,
    "ddcolor": Task.COLORIZE,
    "eccv16": Task.COLORIZE,
    "pix2pix": Task.COLORIZE,
    "pix2pix_translate": Task.TRANSLATE,
    "rdn": Task.UPSCALE,
    "rrdb": Task.UPSCALE,
    "siggraph17": Task.COLORIZE,
    "unet_perceptual": Task.COLORIZE,
}
"""The same keys as MODELS."""
TAKES_HINTS: Final = frozenset({"chroma_lite", "chroma_unet", "siggraph17"})
"""Families that are told points of known colour; the others would leave them out."""
HAS_VIVIDNESS: Final = frozenset({"chroma_lite", "chroma_unet"})
"""Families whose colours can be lifted at prediction; the others have one colour for a pixel."""
UNKNOWN: Final = -1
"""Stands for the mean of all classes."""


def has_classes(settings: Mapping[str, Any]) -> bool:
    """Whether a family with these settings is told what a picture shows."""
    return bool(settings.get("n_classes"))


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
