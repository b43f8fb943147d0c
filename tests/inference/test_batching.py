"""Batches of one padded shape."""

import numpy as np

from archive_colorizer.inference.batching import (
    batches,
    pad_to,
    padded_shape,
    stack_hints,
    stack_padded,
)


def test_pictures_of_one_padded_shape_are_a_batch_of_at_most_its_size() -> None:
    shapes = [(30, 40), (64, 64), (32, 64), (1, 33), (31, 50)]
    assert list(batches(shapes, 32, 2)) == [[0, 2], [3, 4], [1]]
    assert list(batches(shapes[:1], 1, 2)) == [[0]]
    assert list(batches([], 32, 2)) == []


def test_padding_mirrors_and_repeats_the_edge_of_what_is_too_small() -> None:
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert padded_shape(picture.shape, 4) == (4, 4)
    padded = pad_to(picture, 4, 6)
    assert padded[3].tolist()[:4] == picture[1].tolist()
    assert padded[0].tolist() == [0, 1, 2, 3, 2, 1]
    assert pad_to(picture[:1, :1], 3, 3).tolist() == [[0] * 3] * 3
    assert pad_to(np.zeros((3, 4, 3), np.uint8), 5, 6).shape == (5, 6, 3)


def test_pictures_of_one_padded_shape_are_stacked() -> None:
    pictures = [np.full(shape, 9, np.uint8) for shape in ((30, 40), (32, 64))]
    stack = stack_padded(pictures, 32)
    assert stack.shape == (2, 32, 64)


def test_hints_lie_where_their_picture_does() -> None:
    assert stack_hints([None, None], (8, 8)) is None
    planes = np.ones((3, 5, 6), np.float32)
    stack = stack_hints([None, planes], (8, 8))
    assert stack is not None
    assert stack[0].sum() == 0
    assert stack[1].sum() == planes.sum()
    assert stack[1, :, :5, :6].min() == 1
