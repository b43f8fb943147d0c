"""Words for people: every class, flag and kind has them, in both languages."""

from string import ascii_letters

import pytest

from archive_colorizer import errors
from archive_colorizer.pipeline import flags, reasons
from archive_colorizer.pipeline.html_report.words import WORDS
from archive_colorizer.pipeline.inputs import walk

CLASSES = {kind.error_class for kind in errors.PhotoError.__subclasses__()}
FLAGS = {
    value for name, value in vars(flags).items()
    if name.isupper() and isinstance(value, str)
}  # fmt: skip


def test_every_error_class_has_words() -> None:
    assert set(reasons.ERRORS) == CLASSES | {"excluded", "withdrawn", "already_colour"}


def test_every_flag_has_words() -> None:
    assert set(reasons.FLAGS) == FLAGS


def test_every_text_is_there_in_both_languages() -> None:
    texts = [*reasons.STATUSES.values(), *WORDS.values()]
    for reason in (*reasons.ERRORS.values(), *reasons.FLAGS.values(), reasons.DOUBT):
        texts += [reason.why, reason.todo]
    for text in texts:
        assert text.en.isascii()
        assert any(letter not in ascii_letters and letter.isalpha() for letter in text.ko) or (
            text.ko == text.en
        )


@pytest.mark.parametrize("kind", [walk.HIDDEN, walk.NO_ENDING, walk.FILTERED])
def test_every_kind_that_is_passed_over_has_its_own_words(kind: str) -> None:
    assert reasons.passed_over_reason(kind) in reasons._PASSED_OVER.values()


def test_endings_and_by_products_are_named() -> None:
    assert ".txt" in reasons.passed_over_reason(".txt").why.en
    assert "@eaDir" in reasons.passed_over_reason("@eaDir").why.en


def test_a_print_that_was_coloured_by_hand_is_called_so() -> None:
    assert reasons.reason_of("already_colour", "tinted") is reasons.HAND_COLOURED
    assert reasons.reason_of("already_colour", "colour") is not reasons.HAND_COLOURED


def test_what_a_later_version_wrote_has_words_too() -> None:
    assert reasons.reason_of("of_tomorrow") is reasons.UNKNOWN
