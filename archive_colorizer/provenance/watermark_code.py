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
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.colour import Float

LOW: Final = 8
HIGH: Final = 44
"""Band of the mark, cycles per long side. Below it photographs have most of their own chroma; above
it a smaller picture or a JPEG loses it first."""
PILOT_HIGH: Final = 26
"""Highest frequency of the pilot: it can be looked for on a coarse grid."""
PILOT_SHARE: Final = 0.35
"""Of the pilot's band; the other frequencies carry signs."""
TILT: Final = 1.0
"""Strength falls with the frequency to this power: a photograph's own chroma does, too, and what is
low outlives a JPEG."""
PLANES: Final = (1.0, 0.75)
"""Strength of Cb and Cr: the eye sees less detail in blue and yellow."""
WORD: Final = 128
MESSAGE_BYTES: Final = 6
"""Four of the job, two of the checksum (CRC-16/CCITT)."""
SIGNS: Final = WORD * MESSAGE_BYTES
DEFAULT_KEY: Final = b"archive-colorizer"
"""Published on purpose: with it anybody can ask a picture. A house may have its own."""


def read_key(path: str) -> bytes:
    """Read a house's key: the file's bytes, without white space around them.

    Args:
        path: of the file; empty stands for the published key.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    if not path:
        return DEFAULT_KEY
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise ConfigError(f"run.watermark_key={path}: cannot be read: {error.strerror}") from error
    if not key:
        raise ConfigError(f"run.watermark_key={path}: is empty")
    return key


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


@lru_cache(maxsize=512)
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


@lru_cache(maxsize=1)
def strengths() -> Float:
    """Strength of each frequency of the band, (F,); the lowest has 1."""
    return np.asarray((radii() / LOW) ** -TILT, np.float32)


def encode(job: int) -> Float:
    """Write a job as signs.

    Args:
        job: 0 to 2**32 - 1.

    Returns:
        (SIGNS,) of +1 and -1.
    """
    message = job.to_bytes(4, "big")
    message += _checksum(message)
    words = [_hadamard()[byte & 127] * (1 if byte < 128 else -1) for byte in message]
    return np.concatenate(words)


def decode(soft: NDArray[Any]) -> int | None:
    """Read a job from soft signs.

    Where the best words do not fit the checksum, each byte's second-best word is tried in its
    place (Chase 1972).

    Args:
        soft: (SIGNS,), positive for +1.

    Returns:
        The job; None where the checksum fits none of the seven messages.
    """
    found = soft.reshape(MESSAGE_BYTES, WORD) @ _hadamard()
    second, best = np.abs(found).argsort(axis=1)[:, -2:].T
    at = np.arange(MESSAGE_BYTES)
    below = 128 * (found < 0)
    words = (best + below[at, best]).astype(np.uint8)
    others = (second + below[at, second]).astype(np.uint8)
    for changed in (None, *at):
        message = bytes(np.where(at == changed, others, words))
        if _checksum(message[:4]) == message[4:]:
            return int.from_bytes(message[:4], "big")
    return None


def _checksum(message: bytes) -> bytes:
    return binascii.crc_hqx(message, 0xFFFF).to_bytes(2, "big")


@lru_cache(maxsize=1)
def _hadamard() -> Float:
    """Sylvester's matrix, (WORD, WORD) of +1 and -1."""
    matrix = np.ones((1, 1), np.float32)
    while len(matrix) < WORD:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix
