"""One tree of exceptions: which are a picture's fault, and which end the job.

ArchiveColorizerError          everything this package raises on purpose
├── UsageError                 the user's to mend: one line, exit code 2
│   ├── ConfigError            a setting is unknown, out of range, or contradicts another
│   ├── LocationError          SOURCE or OUTPUT is missing, empty, overlapping or not writable
│   │   └── NoPicturesError    SOURCE is there, and holds no pictures
│   ├── ModelReferenceError    a model reference names nothing that can be loaded
│   └── LockedError            another live run holds OUTPUT
├── BrokenProgramError         the program fails everywhere: one line, exit code 1
└── PhotoError                 one picture's fault: becomes its manifest row, never ends a job
    ├── MissingPhotoError      missing: listed, but not there when it was opened
    ├── UnreadablePhotoError   unreadable: no permission, empty, or not a picture
    ├── TruncatedPhotoError    truncated: the file ends before its pixels do
    ├── TooLargePhotoError     too_large: the header names more pixels than the limit
    ├── UnsupportedPhotoError  unsupported: a valid picture of a kind we do not handle
    ├── BadIccPhotoError       bad_icc: the profile is broken and the picture needs it
    ├── FixityPhotoError       fixity_mismatch: the bytes are not the ones on the fixity list
    ├── MemoryPhotoError       out_of_memory: memory ran out on it, in a batch and alone
    ├── ModelPhotoError        model_error: the model raised, or gave something not finite
    ├── WritePhotoError        write_error: the derivative could not be written
    ├── SignPhotoError         sign_error: the derivative could not be signed
    ├── ListingPhotoError      listing_error: listed, but its entry cannot be made sense of
    └── ProgramPhotoError      program_error: the program has a fault, which shows on this picture

An error that ends the work of another process travels to the one that began it as a value:
`serialise_error` there, `deserialise_error` here.
"""

import difflib
import json
from collections.abc import Iterable
from typing import ClassVar


class ArchiveColorizerError(Exception):
    """Base of everything this package raises on purpose."""


class UsageError(ArchiveColorizerError):
    """Something the user gave is wrong: the program prints one line and exits with 2."""


class ConfigError(UsageError):
    """A setting is unknown, out of range, or contradicts another."""


class LocationError(UsageError):
    """SOURCE or OUTPUT is missing, empty, overlapping or not writable."""


class NoPicturesError(LocationError):
    """SOURCE is there, and holds no pictures."""


class ModelReferenceError(UsageError):
    """A model reference names nothing that can be loaded."""


class LockedError(UsageError):
    """Another live run holds OUTPUT."""


class BrokenProgramError(ArchiveColorizerError):
    """The program fails on picture after picture, or cannot start: the job ends with one line.

    The rows until then stay, and the same command goes on later. Notes of it are for the log.
    """


class PhotoError(ArchiveColorizerError):
    """One picture's fault. `error_class` is what the manifest records."""

    error_class: ClassVar[str] = "unreadable"


class MissingPhotoError(PhotoError):
    """The picture was listed, but is not there."""

    error_class = "missing"


class UnreadablePhotoError(PhotoError):
    """No permission, an empty file, or bytes that are not a picture."""

    error_class = "unreadable"


class TruncatedPhotoError(PhotoError):
    """The file ends before its pixels do."""

    error_class = "truncated"


class TooLargePhotoError(PhotoError):
    """The header names more pixels than the limit; nothing was decoded."""

    error_class = "too_large"


class UnsupportedPhotoError(PhotoError):
    """A valid picture of a kind that is not handled."""

    error_class = "unsupported"


class BadIccPhotoError(PhotoError):
    """The ICC profile is broken, and without it the pixels cannot be understood."""

    error_class = "bad_icc"


class FixityPhotoError(PhotoError):
    """The bytes are not those that the fixity list names."""

    error_class = "fixity_mismatch"


class MemoryPhotoError(PhotoError):
    """Memory ran out on this picture."""

    error_class = "out_of_memory"


class ModelPhotoError(PhotoError):
    """The model raised, or gave values that are not finite."""

    error_class = "model_error"


class WritePhotoError(PhotoError):
    """The derivative could not be written."""

    error_class = "write_error"


class SignPhotoError(PhotoError):
    """The derivative could not be signed; nothing of it was published."""

    error_class = "sign_error"


class ListingPhotoError(PhotoError):
    """The picture is there, but its entry in the listing cannot be made sense of."""

    error_class = "listing_error"
    WORDS: ClassVar = "cannot be listed: "
    """Stand before what is wrong with the entry."""


class ProgramPhotoError(PhotoError):
    """The program raised what nobody foresaw: a fault of its own, which shows on this picture."""

    error_class = "program_error"


def serialise_error(error: ArchiveColorizerError) -> str:
    """Put an error into a text that another process can raise again: class, message and notes.

    The message of a UsageError or BrokenProgramError becomes one line, as the program prints it.
    """
    text = str(error)
    if isinstance(error, UsageError | BrokenProgramError):
        text = " ".join(text.splitlines())
    notes = getattr(error, "__notes__", [])
    return json.dumps({"class": type(error).__name__, "text": text, "notes": notes})


def deserialise_error(value: str) -> ArchiveColorizerError:
    """Make the error again that `serialise_error` put into a text.

    A class that this process does not know becomes ArchiveColorizerError.
    """
    known, waiting = {}, [ArchiveColorizerError]
    while waiting:
        kind = waiting.pop()
        known[kind.__name__] = kind
        waiting += kind.__subclasses__()
    found = json.loads(value)
    error = known.get(found["class"], ArchiveColorizerError)(found["text"])
    for note in found["notes"]:
        error.add_note(note)
    return error


def suggest(word: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown word: what was meant, else everything known."""
    names = list(known)
    if near := difflib.get_close_matches(word, names, n=1):
        return f": did you mean {near[0]!r}?"
    return f" (known: {', '.join(names)})"
