"""Faults of a picture, as one exception with a kind."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import cv2

Result = TypeVar("Result")
KINDS: Final = frozenset(
    {"unreadable", "truncated", "too_large", "unsupported", "bad_icc", "out_of_memory"}
)
_ADDRESS: Final = re.compile(r"<[^<>]* at 0x[0-9A-Fa-f]+>|(?: object)? at 0x[0-9A-Fa-f]{5,}")
_CUT: Final = (
    "premature",
    "truncated",
    "incomplete",
    "not enough",
    "unexpected end",
    "end of file",
    "eof",
    "too small",
    "need_more_input",
    "too few",
)
"""Words by which libraries say that a file ends too early."""


class PictureFault(Exception):  # noqa: N818 (a fault of the picture, not an error of the program)
    """The picture cannot be used. `kind` is one of KINDS; the message says why, in one line."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Turn whatever a decoding library raises on bad bytes into a fault.

    Raises:
        PictureFault: of the kind that the library's words mean.
        OSError: the store's, not the picture's.
    """
    try:
        yield
    except PictureFault:
        raise
    except MemoryError as error:
        raise PictureFault("out_of_memory", f"{what}: memory ran out") from error
    except OSError as error:
        if error.errno is not None:  # the store's fault, not the picture's
            raise
        raise PictureFault(_kind(error), f"{what}: {one_line(error)}") from error
    except cv2.error as error:
        kind = "out_of_memory" if error.code == cv2.Error.StsNoMem else "unreadable"
        raise PictureFault(kind, f"{what}: {one_line(error)}") from error
    except Exception as error:  # libraries have classes of their own, and change them
        raise PictureFault(_kind(error), f"{what}: {one_line(error)}") from error


def attempt(work: Callable[[], Result]) -> Result | None:
    """What a call to a library gives; None where it raises on these bytes."""
    try:
        with decoding("attempt"):
            return work()
    except PictureFault:
        return None


def one_line(words: object) -> str:
    """What a library says, in at most 200 characters of one line, without addresses in memory."""
    text = _ADDRESS.sub("", str(words))
    return " ".join(text.split())[:200] or type(words).__name__


def _kind(error: Exception) -> str:
    text = str(error).lower()
    if isinstance(error, NotImplementedError):
        return "unsupported"
    return "truncated" if any(word in text for word in _CUT) else "unreadable"
