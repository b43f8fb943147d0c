"""Faults of a picture, as one exception with a kind."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

KINDS: Final = frozenset(
    {"unreadable", "truncated", "too_large", "unsupported", "bad_icc", "out_of_memory"}
)


class PictureFault(Exception):  # noqa: N818 (a fault of the picture, not an error of the program)
    """The picture cannot be used. `kind` is one of KINDS; the message says why, in one line."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


OF_BAD_BYTES: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)
"""Errors that decoding libraries raise when a file lies about itself (found by fuzzing)."""


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Turn the errors of a decoding library on bad bytes into a fault."""
    try:
        yield
    except PictureFault:
        raise
    except MemoryError as error:
        raise PictureFault("out_of_memory", f"{what}: memory ran out") from error
    except OSError as error:
        if error.errno is not None:  # the store's fault, not the picture's
            raise
        raise PictureFault("truncated", f"{what}: {_text(error)}") from error
    except OF_BAD_BYTES as error:
        raise PictureFault(_kind(error), f"{what}: {_text(error)}") from error


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _kind(error: Exception) -> str:
    text = str(error).lower()
    cut = ("premature", "truncated", "cut", "incomplete", "not enough", "eof", "end of")
    return "truncated" if any(word in text for word in cut) else "unreadable"
