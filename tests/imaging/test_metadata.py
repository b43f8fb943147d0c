"""How our own files are recognised, by the row id in their XMP; and what of the EXIF is carried."""

import io
import struct
from typing import Any

import described
import laden
import numpy as np
import pytest
from PIL import ExifTags, Image

from archive_colorizer.imaging.blocks import Blocks
from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.imaging.encode import Settings, encode
from archive_colorizer.imaging.formats import Format
from archive_colorizer.imaging.header import Header, read_header
from archive_colorizer.imaging.metadata import (
    CHUNK_BYTES,
    Carried,
    Tags,
    build_xmp,
    carried_exif,
    find_row_id,
)


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


def header_of(exif: bytes | None) -> Header:
    return Header(format="JPEG", width=4, height=3, bits_per_sample=8, samples=1,
                  photometric="grey", blocks=Blocks(exif=exif or b""))  # fmt: skip


def read_back(carried: Carried) -> Image.Exif:
    exif = Image.Exif()
    exif.load(carried.exif)
    return exif


def test_what_is_sound_is_carried_whole_and_upright() -> None:
    carried = carried_exif(header_of(laden.exif().tobytes()))
    assert not carried.lost
    exif = read_back(carried)
    assert (exif[0x010F], exif[0x010E], exif[0x0112]) == ("Scanner", "market square", 1)
    assert exif.get_ifd(ExifTags.IFD.Exif)[0x9003] == "1931:05:04 03:02:01"
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"


def test_nothing_is_carried_of_nothing() -> None:
    assert carried_exif(header_of(None)) == Carried(b"", lost=False)
    assert carried_exif(header_of(b"")) == Carried(b"", lost=False)


@pytest.mark.parametrize("code", [0x0128, 0x0103, 0x8298])
def test_a_number_that_does_not_fit_its_field_is_left_out_alone(code: int) -> None:
    with Image.open(io.BytesIO(laden.with_entry(code, 4, 4_000_000_000))) as image:
        carried = carried_exif(header_of(image.info["exif"]))
    exif = read_back(carried)
    assert (exif[271], exif[0x0112]) == ("Scanner", 1)
    assert carried.lost
    assert code not in exif


def test_in_an_ifd_too_only_what_does_not_fit_is_left_out() -> None:
    exif = laden.exif()
    block = bytearray(exif.tobytes())
    at = block.index(struct.pack(">HHI", 0x8827, 3, 1))  # ISO speed: now a LONG that is no SHORT
    block[at : at + 12] = struct.pack(">HHII", 0x8827, 4, 1, 4_000_000_000)
    carried = carried_exif(header_of(bytes(block)))
    found = read_back(carried)
    below = found.get_ifd(ExifTags.IFD.Exif)
    assert carried.lost == (0x8827 not in below)
    assert below[0x9003] == "1931:05:04 03:02:01"
    assert found.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"


@pytest.mark.parametrize(
    "block",
    [
        b"no exif", b"Exif\0\0", b"II*\0", b"MM\0*\0\0\0\x08", b"\xff" * 99,
        b"II*\0\x08\0\0\0\1\0\x0f\1\2\0\xff\xff\xff\xff\x08\0\0\0",  # text of 4 GB
        b"MM\0*\0\0\0\x08\0\1\x87\x69\0\4\0\0\0\1\0\0\0\x08\0\0\0\0",  # a directory in itself
    ],
)  # fmt: skip
def test_exif_that_is_none_is_lost(block: bytes) -> None:
    assert carried_exif(header_of(block)) == Carried(b"", lost=True)


@pytest.mark.parametrize(
    ("exif", "dpi"),
    [
        ({282: 600.0, 283: 300.0, 296: 2}, (600.0, 300.0)),
        ({282: 236.0, 283: 236.0, 296: 3}, (599.44, 599.44)),
        ({282: 600.0, 283: 300.0, 296: 1}, (None, None)),
        ({271: "Scanner"}, (None, None)),
        ({282: 600.0, 283: 300.0}, (600.0, 300.0)),
    ],
)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_resolution_is_what_a_master_states(
    form: str, exif: dict[int, Any], dpi: tuple[float | None, float | None]
) -> None:
    made, sink = Image.Exif(), io.BytesIO()
    made.update(exif)
    Image.fromarray(described.gray()).convert("RGB").save(sink, form, exif=made.tobytes())
    header = read_header(sink)
    assert (header.dpi_x, header.dpi_y) == dpi


def test_the_jfif_of_a_jpeg_counts_before_its_exif() -> None:
    made = Image.Exif()
    made.update({282: 72.0, 283: 72.0, 296: 2})
    header = read_header(io.BytesIO(described.jpeg(exif_block=made.tobytes(), dpi=(600, 600))))
    assert (header.dpi_x, header.dpi_y) == (600, 600)
