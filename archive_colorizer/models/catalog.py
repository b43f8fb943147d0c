"""The model families, one row each: light enough for a driver that loads no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class Task(StrEnum):
    """The work that a model does on a picture."""

    COLORIZE = "colorize"
    TRANSLATE = "translate"
    UPSCALE = "upscale"
    RESTORE = "restore"
    RECOGNISE = "recognise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A model family's row: all that is known of it without loading its network."""

    task: Task
    network: str
    """File in `models/`; its `build` makes a module from the config that it is annotated with."""
    size_multiple: int = 32
    """Sides of the pictures that it is given are multiples of this, in pixels."""
    hints: bool = False
    """The network uses points of known colour; the others would leave them out."""
    vividness: bool = False
    """Its colours can be lifted at prediction; the others have one colour for a pixel."""
    unpaired: bool = False
    """It learns from two sets of pictures without partners."""
    sized: bool = False
    """Its settings say the `resolution` that it is trained at; a job's proxy should have it."""
    recordable: bool = False
    """Its prediction without hints never waits for the device: a CUDA graph can hold it."""
    two_way: bool = False
    """It translates back, too, unless its settings say `one_way`."""


FAMILIES: Final[Mapping[str, Family]] = {
    "autoencoder": Family(task=Task.COLORIZE, network="autoencoder"),
    "autoencoder_translate": Family(task=Task.TRANSLATE, network="autoencoder"),
    "biggan_inversion": Family(task=Task.COLORIZE, network="biggan_inversion", size_multiple=1),
    "chroma_lite": Family(
        task=Task.COLORIZE, network="chroma_lite", hints=True, vividness=True, recordable=True
    ),
    "chroma_unet": Family(
        task=Task.COLORIZE, network="chroma_unet", hints=True, vividness=True, recordable=True
    ),
    "cwgan_gp": Family(task=Task.COLORIZE, network="cwgan_gp"),
    "cyclegan": Family(
        task=Task.TRANSLATE, network="cyclegan", size_multiple=4, unpaired=True, two_way=True
    ),
    "ddcolor": Family(task=Task.COLORIZE, network="ddcolor", size_multiple=1),
    "eccv16": Family(task=Task.COLORIZE, network="eccv16", size_multiple=8),
    "keras_unet": Family(task=Task.COLORIZE, network="keras_unet"),
    "keras_unet_translate": Family(task=Task.TRANSLATE, network="keras_unet"),
    "negative_classifier": Family(task=Task.RECOGNISE, network="negative_classifier"),
    "pix2pix": Family(task=Task.COLORIZE, network="pix2pix", sized=True),
    "pix2pix_translate": Family(task=Task.TRANSLATE, network="pix2pix", sized=True),
    "rdn": Family(task=Task.UPSCALE, network="rdn", size_multiple=1),
    "rrdb": Family(task=Task.UPSCALE, network="rrdb", size_multiple=1),
    "siggraph17": Family(task=Task.COLORIZE, network="siggraph17", size_multiple=8, hints=True),
    "unet_perceptual": Family(task=Task.COLORIZE, network="unet_perceptual"),
}
"""Every family by its key, the one that cards name."""

TASK_OF: Final[Mapping[str, Task]] = {name: row.task for name, row in FAMILIES.items()}
TAKES_HINTS: Final = frozenset(name for name, row in FAMILIES.items() if row.hints)
HAS_VIVIDNESS: Final = frozenset(name for name, row in FAMILIES.items() if row.vividness)
UNPAIRED: Final = frozenset(name for name, row in FAMILIES.items() if row.unpaired)

VIEWS: Final[Mapping[frozenset[str], str]] = {
    frozenset(("day", "night")): "drag",
    frozenset(("spring", "autumn")): "hover",
    frozenset(("summer", "winter")): "scroll",
}
"""Two kinds of pictures -> how before and after are shown unless a model's settings say otherwise:
drag scratches the result free, hover clears a blur, scroll uncovers it (reference system D)."""

UNKNOWN: Final = -1
"""Stands for the mean of all classes."""
AUTO: Final = "auto"
"""Stands for the class that a picture itself shows, of ImageNet's."""
IMAGENET_CLASSES: Final = 1000


def has_classes(settings: Mapping[str, Any]) -> bool:
    """Whether a family with these settings is told what a picture shows."""
    return bool(settings.get("n_classes"))


def asks_picture(settings: Mapping[str, Any], label: str) -> bool:
    """Whether a class is to be recognised: `auto`, unless the model has a class of this name."""
    names = [str(name).lower() for name in settings.get("classes", ())]
    return label.strip().lower() == AUTO and AUTO not in names


def translates_back(family: str, settings: Mapping[str, Any]) -> bool:
    """Whether a model of this family, with the settings of its card, has a way back."""
    return FAMILIES[family].two_way and not settings.get("one_way", False)


def default_view(settings: Mapping[str, Any]) -> str:
    """How a model's before and after are shown: drag, hover or scroll.

    Args:
        settings: of the model, as its card has them: `view` goes first, then what `domains` are
            called, in any order.
    """
    named = frozenset(str(name).lower() for name in settings.get("domains", ()))
    return str(settings.get("view") or VIEWS.get(named, "drag"))


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
