"""A made archive as bad as can be: every layout that is read, most of it mutated or damaged."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from common import ROOT, gray_photograph
from PIL import Image

sys.path.insert(0, str(ROOT / "tests" / "support"))
from laden import KINDS, encoded
from layouts import cells

ENDING: Final = {
    b"\xff\xd8": ".jpg", b"\x89P": ".png", b"II": ".tif", b"MM": ".tif", b"%P": ".pdf",
    b"GI": ".gif", b"BM": ".bmp", b"RI": ".webp", b"\x00\x00\x00\x0cjP": ".jp2",
    b"\x00\x00\x00\x0cJX": ".jxl", b"\xff\x0a": ".jxl", b"\xff\x4f": ".j2k",
}  # fmt: skip
PHOTOGRAPHS: Final = 60
"""Larger seeds, 0.1 MP, beside the small ones of all layouts."""
FOLDERS: Final = ("", "box 1/", "Ä-reel/", "box 1/fol#2/", "상자/")
Mutation = Callable[[bytes, np.random.Generator], bytes]


def flipped(data: bytes, rng: np.random.Generator) -> bytes:
    """Up to 40 bytes anywhere have another value."""
    found = np.frombuffer(data, np.uint8).copy()
    count = int(rng.integers(1, 41))
    found[rng.integers(0, len(found), count)] = rng.integers(0, 256, count)
    return found.tobytes()


def flipped_in_the_head(data: bytes, rng: np.random.Generator) -> bytes:
    """Up to 4 of the first 400 bytes have another value."""
    found = np.frombuffer(data, np.uint8).copy()
    count = int(rng.integers(1, 5))
    found[rng.integers(0, min(400, len(found)), count)] = rng.integers(0, 256, count)
    return found.tobytes()


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    """The file ends early."""
    return data[: int(rng.integers(0, len(data)))]


def zeroed(data: bytes, rng: np.random.Generator) -> bytes:
    """A run of up to a quarter of the bytes is zero, as a lost sector is."""
    length, start = int(rng.integers(1, len(data) // 4)), int(rng.integers(0, len(data)))
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def shifted(data: bytes, rng: np.random.Generator) -> bytes:
    """A few bytes are missing in the middle."""
    start = int(rng.integers(0, len(data)))
    return data[:start] + data[start + int(rng.integers(1, 17)) :]


def doubled(data: bytes, rng: np.random.Generator) -> bytes:
    """A part stands twice, as after a transfer that was taken up wrongly."""
    start = int(rng.integers(0, len(data)))
    return data[:start] + data[max(0, start - int(rng.integers(1, 400))) :]


def noise(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning of the file, then noise."""
    kept = int(rng.integers(0, 64))
    return data[:kept] + rng.bytes(len(data) - min(kept, len(data)))


def empty(data: bytes, rng: np.random.Generator) -> bytes:
    """No byte at all."""
    del data, rng
    return b""


def sound(data: bytes, rng: np.random.Generator) -> bytes:
    """As it is."""
    del rng
    return data


MUTATIONS: Final[dict[Mutation, float]] = {
    sound: 0.25, flipped: 0.2, flipped_in_the_head: 0.2, cut: 0.1, zeroed: 0.08, shifted: 0.07,
    doubled: 0.05, noise: 0.04, empty: 0.01,
}  # fmt: skip
"""What is done to a file, and to which share of them."""


def seeds() -> list[bytes]:
    """One file of every layout of the decoder's test, with metadata of every kind, and of pages."""
    found = [cell.data for cell in cells()] + [encoded(kind) for kind in KINDS]
    for number in range(PHOTOGRAPHS):
        image = Image.fromarray(gray_photograph(0.1, number))
        sink = io.BytesIO()
        if number % 10 == 0:
            image.save(sink, "PDF", resolution=150.0, save_all=True, append_images=[image])
        elif number % 3 == 0:
            image.save(sink, "TIFF", compression="tiff_lzw", save_all=True, append_images=[image])
        else:
            image.save(sink, "JPEG", quality=60 + number % 36, progressive=number % 2 == 0)
        found.append(sink.getvalue())
    return found


def ending(data: bytes) -> str:
    """The ending that goes with a file's first bytes."""
    return next(name for begin, name in ENDING.items() if data.startswith(begin))


def write_damaged(folder: Path, count: int, seed: int = 0) -> dict[str, str]:
    """Write so many files into folders of odd names; gives what was done to each.

    Each file in twenty has another format's ending.
    """
    rng = np.random.default_rng(seed)
    originals = seeds()
    endings = [ending(data) for data in originals]
    done = {}
    mutations = rng.choice(len(MUTATIONS), count, p=list(MUTATIONS.values()))
    for number, chosen in enumerate(mutations):
        which = int(rng.integers(len(originals)))
        mutate = list(MUTATIONS)[chosen]
        name = endings[int(rng.integers(len(endings)))] if number % 20 == 0 else endings[which]
        path = f"{FOLDERS[number % len(FOLDERS)]}{number:06d}{name}"
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(mutate(originals[which], rng))
        done[path] = mutate.__name__
    return done
