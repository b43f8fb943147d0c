"""Classes of training pictures, as words of their names."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from archive_colorizer.errors import ConfigError

SYNSETS: Final[Mapping[str, str]] = {
    "n01440764": "tench",
    "n02102040": "english springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "french horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
"""ImageNet's folders that imagenette is made of -> what they show."""


def number_classes(classes: Sequence[str]) -> dict[str, int]:
    """Words and their class numbers.

    Args:
        classes: `word`, numbered in this order, or `word=N` for a model whose classes are given
            (ImageNet's, say). All of one kind.

    Raises:
        ConfigError: both kinds, a word twice, or a number that is none.
    """
    pairs = [entry.lower().partition("=") for entry in classes]
    given = [bool(mark) for _, mark, _ in pairs]
    try:
        found = {word: int(number) if mark else i for i, (word, mark, number) in enumerate(pairs)}
    except ValueError as error:
        raise ConfigError(f"data.classes={','.join(classes)}: not a number: {error}") from error
    mixed = any(given) and not all(given)
    if mixed or len(found) != len(pairs) or min(found.values(), default=0) < 0:
        raise ConfigError(
            f"data.classes={','.join(classes)}: must be different words, all with =N or none"
        )
    return found


def name_class(word: str) -> str:
    """The name of a class for people: of a folder of imagenette what it shows, else the word."""
    return SYNSETS.get(word.lower(), word)


def find_label(name: str, numbers: Mapping[str, int]) -> int | None:
    """The class of the first word in a name that has one.

    A word is letters between other characters, or, looked for first, letters and digits between
    others: ImageNet's folders are called n02084071. Imagenette's are found by what they show, too.
    """
    text = name.lower()
    words = [*re.split(r"[^a-z0-9]+", text), *re.split(r"[^a-z]+", text)]
    words += [SYNSETS[word] for word in words if word in SYNSETS]
    return next((numbers[word] for word in words if word in numbers), None)
