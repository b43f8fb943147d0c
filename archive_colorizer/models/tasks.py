"""What each family does to a picture: light enough for a driver that loads no torch."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


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
TAKES_HINTS: Final = frozenset({"chroma_unet", "siggraph17"})
"""Families that are told points of known colour; the others would leave them out."""
