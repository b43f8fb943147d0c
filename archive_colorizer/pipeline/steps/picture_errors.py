"""Foreign errors turned into our own, with the name of the picture that they are about."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import cv2

from archive_colorizer.errors import (
    BadIccPhotoError,
    MemoryPhotoError,
    MissingPhotoError,
    PhotoError,
    TooLargePhotoError,
    TruncatedPhotoError,
    UnreadablePhotoError,
    UnsupportedPhotoError,
    WritePhotoError,
)
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.pipeline.records import PhotoRef
from archive_colorizer.pipeline.values import valid_text

FAULTS: Final[Mapping[str, type[PhotoError]]] = {
    "unreadable": UnreadablePhotoError,
    "truncated": TruncatedPhotoError,
    "too_large": TooLargePhotoError,
    "unsupported": UnsupportedPhotoError,
    "bad_icc": BadIccPhotoError,
    "out_of_memory": MemoryPhotoError,
}
"""Kind of a PictureFault -> our error."""


@contextmanager
def naming(ref: PhotoRef) -> Iterator[None]:
    """Turn what can go wrong in any work on a picture into a PhotoError that names it.

    Raises:
        MemoryPhotoError: memory ran out.
        PhotoError: the subclass that fits; its message starts with the source URI.
    """
    try:
        yield
    except PhotoError as error:
        raise named(ref, error) from error
    except PictureFault as error:
        raise FAULTS[error.kind](_line(ref, error)) from error
    except MemoryError as error:
        raise MemoryPhotoError(_line(ref, "memory ran out")) from error
    except cv2.error as error:
        if error.code != cv2.Error.StsNoMem:
            raise
        raise MemoryPhotoError(_line(ref, "memory ran out")) from error


@contextmanager
def reading(ref: PhotoRef) -> Iterator[None]:
    """Turn what goes wrong in reading a master into a PhotoError that names it.

    Raises:
        MissingPhotoError: it is not there.
        UnreadablePhotoError: it cannot be read.
        PhotoError: as `naming`.
    """
    with naming(ref):
        try:
            yield
        except FileNotFoundError as error:
            raise MissingPhotoError("listed, but not there any more") from error
        except OSError as error:
            raise UnreadablePhotoError(str(error.strerror or error)) from error


@contextmanager
def writing(ref: PhotoRef) -> Iterator[None]:
    """Turn what goes wrong in composing and writing a derivative into a PhotoError that names it.

    Raises:
        WritePhotoError: it cannot be written.
        PhotoError: as `naming`; also where the format cannot hold this picture.
    """
    with naming(ref):
        try:
            yield
        except OSError as error:
            reason = error.strerror or error
            raise WritePhotoError(f"{ref.output_key}: cannot write: {reason}") from error


def named(ref: PhotoRef, error: PhotoError) -> PhotoError:
    """The same error with a message that starts with the source URI."""
    return type(error)(_line(ref, error))


def _line(ref: PhotoRef, what: object) -> str:
    text = valid_text(" ".join(str(what).split()))
    known = tuple(filter(None, (ref.source_uri, ref.output_key)))
    return text if text.startswith(known) else f"{ref.source_uri}: {text}"
