"""How our own files are recognised, by the row id in their XMP."""

import io

import numpy as np
import pytest

from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.imaging.encode import Settings, encode
from archive_colorizer.imaging.formats import Format
from archive_colorizer.imaging.metadata import CHUNK_BYTES, Tags, build_xmp, find_row_id


@pytest.mark.parametrize("before", [0, CHUNK_BYTES - 40, CHUNK_BYTES, 2 * CHUNK_BYTES])
def test_a_row_id_is_found_wherever_the_reading_is_cut_and_no_further(before: int) -> None:
    packet = build_xmp({"rowId": "a" * 64})
    file = io.BytesIO(bytes(before) + packet + bytes(8 * CHUNK_BYTES))
    assert find_row_id(file) == "a" * 64
    assert file.tell() <= before + 2 * CHUNK_BYTES
    assert find_row_id(io.BytesIO(bytes(3 * CHUNK_BYTES))) is None


@pytest.mark.parametrize("form", ["jpeg", "png", "tiff"])
def test_of_our_own_files_only_the_head_is_read(form: Format) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1000, 3), np.uint8)
    file = io.BytesIO()
    tags = Tags(xmp=build_xmp({"rowId": "a" * 64}))
    encode(WholePicture(noise), file, Settings(format=form), tags)
    assert file.seek(0, io.SEEK_END) > 2 * CHUNK_BYTES
    assert find_row_id(file) == "a" * 64
    assert file.tell() == CHUNK_BYTES
