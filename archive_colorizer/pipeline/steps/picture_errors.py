"""Where a fault of a picture gets its name: one place turns foreign errors into our own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

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
    """Turn what goes wrong in reading a master into a PhotoError that names it.

    Raises:
        PhotoError: the subclass that fits; its message starts with the source URI.
    """
    try:
        yield
    except PhotoError as error:
        raise type(error)(_line(ref, error)) from error
    except PictureFault as error:
        raise FAULTS[error.kind](_line(ref, error)) from error
    except FileNotFoundError as error:
        raise MissingPhotoError(_line(ref, "listed, but not there any more")) from error
    except MemoryError as error:
        raise MemoryPhotoError(_line(ref, "memory ran out")) from error
    except OSError as error:
        raise UnreadablePhotoError(_line(ref, error.strerror or error)) from error


@contextmanager
def writing(ref: PhotoRef) -> Iterator[None]:
    """Turn what goes wrong in writing a derivative into a PhotoError that names it.

    Raises:
        WritePhotoError: it cannot be written.
        PhotoError: the format cannot hold this picture.
    """
    try:
        yield
    except PictureFault as error:
        raise FAULTS[error.kind](_line(ref, error)) from error
    except OSError as error:
        reason = error.strerror or error
        raise WritePhotoError(f"{ref.output_key}: cannot write: {reason}") from error


def _line(ref: PhotoRef, what: object) -> str:
    text = " ".join(str(what).split())
    return text if text.startswith(ref.source_uri) else f"{ref.source_uri}: {text}"
