"""Randomness by name: the order of work cannot change results."""

import hashlib

import numpy as np


def derive(seed: int, *labels: str | int) -> np.random.Generator:
    """A random generator that depends only on the seed and the labels."""
    digest = hashlib.sha256(repr((seed, *labels)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
