"""Code of the imperceptible mark: 32 bits as signs, and the secret places and phases by a key.

Each byte of the message (the job, and its checksum) is one word of the first-order Reed-Muller code
RM(1,7), 128 signs: orthogonal signalling, decoded from soft values by one Hadamard transform (Green
1966). The signs and a known pilot are spread over the frequencies of a band, as in Cox, Kilian,
Leighton & Shamoon (1997), with phases that the key alone knows. Whatever the picture, a wrong key
sees random phases, so that what it reads is normally distributed with a known variance.
"""

import binascii
import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

LOW, HIGH = 8, 44
"""Band of the mark, cycles per long side. Below it photographs have most of their own chroma; above
it a smaller picture or a JPEG loses it first."""
PILOT_HIGH: Final = 26
"""Highest frequency of the pilot: it can be looked for on a coarse grid."""
PILOT_SHARE: Final = 0.6
"""Of the pilot's band; the other frequencies carry signs."""
WORD: Final = 128
MESSAGE_BYTES: Final = 6
"""Four of the job, two of the checksum (CRC-16/CCITT)."""
SIGNS: Final = WORD * MESSAGE_BYTES
DEFAULT_KEY: Final = b"archive-colorizer"
"""Published on purpose: with it anybody can ask a picture. A house may have its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a key decides. F is the number of frequencies of the band, in half of the plane."""

    phases_2f: NDArray[np.complex64]
    """Unit numbers, for Cb and Cr."""
    signs_2f: NDArray[np.int16]
    """Which of the SIGNS a frequency carries; -1 is the pilot."""


@lru_cache(maxsize=4)
def band(size: int, high: int = HIGH) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """List the frequencies of the band, in an order that does not depend on `size`.

    Args:
        size: samples per side of the grid; over 2 * `high`.
        high: the highest frequency wanted, at most HIGH.

    Returns:
        Row and column, each (F,), into the half plane of a real FFT of (size, size).
    """
    y, x = (axis.ravel() for axis in np.mgrid[-HIGH : HIGH + 1, 0 : HIGH + 1])
    radius = np.hypot(y, x)
    inside = (radius >= LOW) & (radius <= high) & ((x > 0) | (y > 0))
    return y[inside] % size, x[inside]


@lru_cache(maxsize=1)
def radii() -> NDArray[np.float64]:
    """Frequencies of the band as radii, cycles per long side, (F,)."""
    rows, columns = band(4 * HIGH)
    signed = np.where(rows > 2 * HIGH, rows - 4 * HIGH, rows)
    return np.asarray(np.hypot(signed, columns))


@lru_cache(maxsize=8)
def make_plan(key: bytes) -> Plan:
    """Draw phases and places. SHAKE-256 draws: it is the same on every machine and version."""
    count = len(radii())
    drawn = hashlib.shake_256(b"archive-colorizer watermark 1\0" + key).digest(16 * count)
    turns, order = np.frombuffer(drawn, "<u4").reshape(2, 2 * count).astype(np.float64)
    phases = np.exp(2j * np.pi * turns / 2**32).astype(np.complex64)
    in_pilot_band = np.flatnonzero(np.tile(radii(), 2) <= PILOT_HIGH)
    shuffled = in_pilot_band[np.argsort(order[in_pilot_band], kind="stable")]
    pilot = shuffled[: round(PILOT_SHARE * len(shuffled))]
    signs = np.full(2 * count, -1, np.int16)
    carriers = np.setdiff1d(np.arange(2 * count), pilot)
    carriers = carriers[np.argsort(order[carriers], kind="stable")]
    signs[carriers] = np.arange(len(carriers)) % SIGNS
    return Plan(phases.reshape(2, count), signs.reshape(2, count))


def encode(job: int) -> NDArray[np.float32]:
    """Write a job as signs.

    Args:
        job: 0 to 2**32 - 1.

    Returns:
        (SIGNS,) of +1 and -1.
    """
    message = job.to_bytes(4, "big")
    message += binascii.crc_hqx(message, 0xFFFF).to_bytes(2, "big")
    words = [_hadamard()[byte & 127] * (1 if byte < 128 else -1) for byte in message]
    return np.concatenate(words)


def decode(soft: NDArray[Any]) -> int | None:
    """Read a job from soft signs, (SIGNS,); None where the checksum says that it is none."""
    found = soft.reshape(MESSAGE_BYTES, WORD) @ _hadamard()
    best = np.abs(found).argmax(axis=1)
    below = found[np.arange(MESSAGE_BYTES), best] < 0
    message = bytes((best + 128 * below).astype(np.uint8))
    fits = binascii.crc_hqx(message[:4], 0xFFFF) == int.from_bytes(message[4:], "big")
    return int.from_bytes(message[:4], "big") if fits else None


@lru_cache(maxsize=1)
def _hadamard() -> NDArray[np.float32]:
    """Sylvester's matrix, (WORD, WORD) of +1 and -1."""
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < WORD:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix
