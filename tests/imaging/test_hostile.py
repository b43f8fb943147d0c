"""Files that mean harm: whatever is in them, reading ends in a picture or in a named fault."""

import io
import warnings

import laden
import layouts
import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from archive_colorizer.imaging.decode import read_luma, read_reduced
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import carried_exif

LIMIT_MP = 4.0


def encoded(kind: str) -> bytes:
    gray = np.random.default_rng(0).integers(0, 256, (40, 56)).astype(np.uint8)
    with io.BytesIO() as file:
        if kind == "tiff16":
            tifffile.imwrite(file, gray.astype(np.uint16) * 257, compression="zlib")
        elif kind == "tiff":
            tifffile.imwrite(file, gray)
        else:
            Image.fromarray(gray).save(file, kind)
        return file.getvalue()


SEEDS = {f"laden {kind}": laden.encoded(kind) for kind in laden.KINDS} | {
    kind: encoded(kind) for kind in ("jpeg", "png", "tiff", "tiff16", "webp", "bmp", "gif")
}


def opened(data: bytes) -> None:
    """The way of a master: header, proxy, full size, metadata."""
    with warnings.catch_warnings(action="ignore"):
        try:
            header = read_header(io.BytesIO(data), max_megapixels=LIMIT_MP)
            reduced = read_reduced(io.BytesIO(data), header, 64)
            whole = read_luma(io.BytesIO(data), header)
            carried_exif(header)
        except PictureFault:
            return
    assert reduced.pixels.size
    assert whole.pixels.shape[0] * whole.pixels.shape[1] <= LIMIT_MP * 1e6


@pytest.mark.parametrize("kind", SEEDS)
@settings(max_examples=300, deadline=None)
@given(cut=st.integers(0, 10_000), flips=st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12))  # fmt: skip
def test_changed_and_cut_files(kind: str, cut: int, flips: list[tuple[int, int]]) -> None:
    data = bytearray(SEEDS[kind])
    for place, value in flips:
        data[place % len(data)] = value
    opened(bytes(data[: len(data) - cut % len(data)]) if cut % 3 == 0 else bytes(data))


@pytest.mark.parametrize("kind", laden.KINDS)
@settings(max_examples=300, deadline=None)
@given(flips=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=12))
def test_changed_headers_metadata_and_profiles(kind: str, flips: list[tuple[int, int]]) -> None:
    data = bytearray(laden.encoded(kind))
    for place, value in flips:
        data[place % laden.head(bytes(data))] = value
    opened(bytes(data))


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(SEEDS)), st.binary(max_size=400))
def test_a_familiar_beginning_and_noise(kind: str, noise: bytes) -> None:
    opened(SEEDS[kind][:24] + noise)


def test_wrong_lzw_codes_are_a_fault_and_end_no_process() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        codes = rng.integers(0, 256, int(rng.integers(2, 300)), np.uint8).tobytes()
        data = layouts.tiff([b"\x80" + codes], (40, 56), (258, 3, 8), (259, 3, 5), (262, 3, 1),
                            (277, 3, 1), (278, 4, 40))  # fmt: skip
        opened(data)


def test_a_small_file_that_says_it_is_huge() -> None:
    data = bytearray(SEEDS["bmp"])
    data[18:22] = data[22:26] = (60_000).to_bytes(4, "little")
    with pytest.raises(PictureFault) as caught:
        read_header(io.BytesIO(bytes(data)), max_megapixels=LIMIT_MP)
    assert caught.value.kind == "too_large"
