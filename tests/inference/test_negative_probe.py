"""The classifier tells negatives from positives, on photographs that it was not trained on."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from archive_colorizer.demo import colour_photographs
from archive_colorizer.inference.negative_probe import (
    MODEL,
    NegativeProbe,
    open_negative_probe,
)
from archive_colorizer.inference.runner import Runner
from archive_colorizer.models.negative_classifier import NegativeClassifierConfig
from archive_colorizer.registry.resolve import load, resolve

GRAYS = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for _, rgb in colour_photographs()]


@pytest.fixture(scope="module")
def ask() -> NegativeProbe:
    return open_negative_probe()


def test_inverted_photographs_are_negatives_and_the_others_are_not(ask: NegativeProbe) -> None:
    positive, negative = ask(GRAYS), ask([255 - gray for gray in GRAYS])
    assert not any(ask.is_negative(score) for score in positive)
    assert sum(ask.is_negative(score) for score in negative) >= 4  # of 6: some four in five
    closer = [a > b for a, b in zip(negative, positive, strict=True)]
    assert sum(closer) >= len(GRAYS) - 1  # the cat's stripes look alike either way


def test_a_score_does_not_depend_on_the_batch(ask: NegativeProbe) -> None:
    assert ask([]) == []
    alone = [ask([gray])[0] for gray in GRAYS]
    assert np.allclose(alone, ask(GRAYS), atol=1e-4)


def test_only_what_may_be_a_negative_is_looked_at_twice() -> None:
    module = load(resolve(MODEL))
    probe = NegativeProbe(Runner(module, "float32"))
    looks: list[int] = []
    module.register_forward_hook(lambda _, inputs, __: looks.append(len(inputs[0])))
    probe(GRAYS)
    once = looks[:]
    looks.clear()
    probe([255 - gray for gray in GRAYS])
    assert once[0] == len(GRAYS)
    assert sum(once[1:]) < len(GRAYS) / 2
    assert looks[0] == len(GRAYS)
    assert looks[1] == looks[2] >= len(GRAYS) - 1  # the picture, and its inverse


def test_the_second_look_is_fair_to_both_sides() -> None:
    """Looked at twice, a picture and its inverse have scores that add up to 1."""
    module = load(resolve(MODEL))
    module.config = replace(module.config, unsure_from=-1e9)
    probe = NegativeProbe(Runner(module, "float32"))
    positive, negative = probe(GRAYS), probe([255 - gray for gray in GRAYS])
    assert np.allclose(np.add(positive, negative), 1, atol=1e-3)


@pytest.mark.parametrize("value", [0, 127, 255])
def test_a_plain_picture_is_no_negative(ask: NegativeProbe, value: int) -> None:
    (score,) = ask([np.full((40, 50), value, np.uint8)])
    assert not ask.is_negative(score)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"first_px": 0}, "first_px=0: must be a multiple of 32"),
        ({"second_px": 100}, "second_px=100: must be a multiple of 32"),
        ({"negative_from": 2}, "negative_from=2: must be 0 to 1"),
    ],
)
def test_settings_that_the_encoder_cannot_have_are_refused(
    given: dict[str, int], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        NegativeClassifierConfig(**given)
