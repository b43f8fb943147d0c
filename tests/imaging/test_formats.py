"""Every row of the table of formats is read or written, and known by its first bytes."""

import io
import re
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.imaging.decoders.tiff import COMPRESSIONS
from archive_colorizer.imaging.encode import WRITERS, Settings, encode
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.formats import ENDINGS, KNOWN, READ, WRITTEN, Format, sniff
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import Tags
from archive_colorizer.pipeline.inputs.listing import PICTURES
from archive_colorizer.pipeline.inputs.naming import EXTENSIONS


@pytest.mark.parametrize("name", READ)
def test_a_picture_of_each_format_is_known_by_its_first_bytes(name: str) -> None:
    file = io.BytesIO()
    if name == "JXL":
        file.write(imagecodecs.jpegxl_encode(np.zeros((6, 8), np.uint8)))
    else:
        Image.new("L", (8, 6)).save(file, name)
    assert sniff(file.getvalue()[:16]) == name
    header = read_header(file)
    assert (header.format, header.mime) == (name, READ[name].mime)
    assert (header.width, header.height) == (8, 6)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_written_format_is_one_that_is_read(name: Format) -> None:
    file = io.BytesIO()
    picture = WholePicture(np.zeros((6, 8, 3), np.uint8))
    encode(picture, file, Settings(format=name), Tags())
    header = read_header(file)
    assert header.mime == WRITTEN[name].mime
    assert WRITTEN[name].ending in READ[header.format].endings


@pytest.mark.parametrize("start", [b"", b"RIFF1234AVI ", b"%!PS-1.7", b"B", b"II*"])
def test_other_bytes_are_of_no_format(start: bytes) -> None:
    assert sniff(start) is None


def test_writers_listing_and_names_have_the_rows_of_the_table() -> None:
    assert WRITERS.keys() == WRITTEN.keys()
    assert PICTURES == ENDINGS
    assert {name: one.ending for name, one in WRITTEN.items()} == EXTENSIONS


def test_the_page_of_formats_names_all_that_is_read_and_refused() -> None:
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
    section = page.partition("## What is read")[2].partition("\n## ")[0]
    for name, one in READ.items():
        assert f"| {name} | `{' '.join(one.endings)}` |" in section
    for name in {*COMPRESSIONS.values()}:
        assert name in section


@pytest.mark.parametrize(("at", "mark", "name"), KNOWN)
def test_a_known_kind_is_refused_by_its_name(at: int, mark: bytes, name: str) -> None:
    start = (b"II*\0\0\0\0\0" if at == 8 else bytes(at)) + mark + bytes(140)
    with pytest.raises(PictureFault, match=re.escape(name)) as caught:
        read_header(io.BytesIO(start))
    assert caught.value.kind == "unsupported"
