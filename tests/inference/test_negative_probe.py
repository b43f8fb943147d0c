"""The encoder tells negatives from positives, on photographs that it was not fitted to."""

import cv2
import numpy as np

from archive_colorizer.demo import colour_photographs
from archive_colorizer.inference.negative_probe import (
    NegativeProbe,
    is_negative,
    open_negative_probe,
)

GRAYS = [cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for _, rgb in colour_photographs()]


def probe() -> NegativeProbe:
    return open_negative_probe()


def test_inverted_photographs_are_negatives_and_the_others_are_not() -> None:
    ask = probe()
    positive, negative = ask(GRAYS), ask([255 - gray for gray in GRAYS])
    assert not any(is_negative(score) for score in positive)
    assert sum(is_negative(score) for score in negative) >= 3  # of 6: about half are recognised
    assert min(negative) > 0.5 > max(positive)
    assert np.allclose(np.add(positive, negative), 1, atol=1e-3)


def test_a_score_does_not_depend_on_the_batch() -> None:
    ask = probe()
    assert ask([]) == []
    alone = [ask([gray])[0] for gray in GRAYS]
    assert np.allclose(alone, ask(GRAYS), atol=1e-4)
