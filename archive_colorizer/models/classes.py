"""Class labels of models that have them: a number, or a name. Loads no torch."""

from collections.abc import Mapping
from typing import Any, Final

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
