"""Errors travel between processes as values."""

import pytest

from archive_colorizer import errors
from archive_colorizer.errors import (
    ArchiveColorizerError,
    UsageError,
    deserialise_error,
    serialise_error,
)

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, ArchiveColorizerError)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_comes_back_with_its_class_and_its_words(kind: type) -> None:
    made = deserialise_error(serialise_error(kind("s3://b/k: no \N{SNOWMAN} there")))
    assert (type(made), str(made)) == (kind, "s3://b/k: no \N{SNOWMAN} there")


def test_what_the_user_can_mend_is_one_line() -> None:
    assert str(deserialise_error(serialise_error(UsageError("one\ntwo")))) == "one two"


def test_a_class_that_is_not_known_here_is_still_an_error_of_this_program() -> None:
    class ElsewhereError(UsageError):
        """Known to this test only."""

    value = serialise_error(ElsewhereError("gone")).replace("ElsewhereError", "Unknown")
    assert type(deserialise_error(value)) is ArchiveColorizerError
