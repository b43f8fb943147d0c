"""What every master says of itself is in every derivative, and what other programs read of it."""

import io
import struct
import textwrap
from pathlib import Path
from typing import Any

import described
import numpy as np
import pytest
import tifffile
from exiftool import EXIFTOOL, WHY, ask
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from archive_colorizer.imaging import exif, iptc, tiff_writing
from archive_colorizer.imaging.blocks import Blocks, read_blocks
from archive_colorizer.imaging.compose import WholePicture
from archive_colorizer.imaging.encode import Settings, encode
from archive_colorizer.imaging.formats import Format
from archive_colorizer.imaging.header import Header
from archive_colorizer.imaging.metadata import ESTIMATE, carry, find_labels

FORMATS: tuple[Format, ...] = ("jpeg", "png", "tiff")
ROW_ID = "a" * 64
RGB = np.random.default_rng(0).integers(0, 255, (40, 56, 3), np.uint8)


def derivative(
    data: bytes, form: Format, dpi: tuple[float, float] | None = None
) -> tuple[bytes, bool]:
    """A derivative of a master, and whether metadata were lost."""
    header = Header(
        format="any", width=56, height=40, bits_per_sample=8, samples=1, photometric="grey",
        blocks=read_blocks(io.BytesIO(data)),
    )  # fmt: skip
    tags, lost = carry(header, form, {"rowId": ROW_ID, "version": "1"}, ESTIMATE, dpi)
    sink = io.BytesIO()
    encode(WholePicture(RGB), sink, Settings(format=form), tags)
    return sink.getvalue(), lost


def entry(block: exif.Exif, *path: int) -> bytes:
    """Bytes of a value, in little-endian order."""
    place: Any = block.root
    for code in path:
        place = place[code]
    data: bytes = place.data
    return data if block.order == "<" or place.kind in (1, 2, 7) else data[::-1]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", described.KINDS)
def test_everything_is_carried_from_every_format_into_every_format(kind: str, form: Format) -> None:
    data, lost = derivative(described.master(kind), form, (600.0, 600.0))
    assert not lost
    carried = read_whole(data)
    block = exif.read_block(carried.exif)
    assert entry(block, 270).rstrip(b"\0").decode() == described.CAPTION
    assert entry(block, 315).rstrip(b"\0").decode() == described.ARTIST
    assert entry(block, 306)[:19] == b"2009:03:02 10:11:12"
    if kind != "bigtiff":  # the test's writer has no directories below there
        assert entry(block, exif.EXIF_IFD, 0x9003)[:19] == b"1931:06:14 00:00:00"
        assert entry(block, exif.EXIF_IFD, 0x8827) == struct.pack("<H", 100)
        assert entry(block, exif.EXIF_IFD, exif.MAKER_NOTE) == b"maker's own" * 4
        assert entry(block, exif.GPS_IFD, 1)[:1] == b"N"
    for words in ("F-1931-0042", "NoC-CR/1.0/", "Palace", "Müller-Øst", "reuse by permission",
                  "The throne hall", "City Archive", "Scanner 9"):  # fmt: skip
        assert words.encode() in carried.xmp, words
    if kind not in ("png", "png late", "webp", "jpeg xl"):
        assert carried.iptc == described.IIM
    assert find_labels(io.BytesIO(data))["rowId"] == ROW_ID
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        assert image.getexif().get(274, 1) == 1
        assert [round(value) for value in image.info["dpi"]] == [600, 600]


def read_whole(data: bytes) -> Blocks:
    """Blocks of a derivative; of a TIFF its own directory may say all that EXIF does."""
    blocks = read_blocks(io.BytesIO(data))
    assert not blocks.lost
    return blocks


@pytest.mark.parametrize("form", FORMATS)
def test_without_a_resolution_of_the_master_none_is_stated(form: Format) -> None:
    data, _ = derivative(described.master("jpeg"), form)
    with Image.open(io.BytesIO(data)) as image:
        assert "dpi" not in image.info or image.info.get("resolution_unit") == 1 or (
            image.info.get("jfif_unit") == 0 and not {282, 283} & set(image.getexif())
        )  # fmt: skip
    block = exif.read_block(read_whole(data).exif)
    assert not set(exif.RESOLUTION) & set(block.root)


@pytest.mark.parametrize("form", FORMATS)
def test_a_master_that_says_nothing_gives_a_derivative_with_our_words_alone(form: Format) -> None:
    data, lost = derivative(described.jpeg(), form)
    carried = read_whole(data)
    assert (lost, carried.exif, carried.iptc) == (False, b"", b"")
    assert ESTIMATE.encode() in carried.xmp
    assert b"photoshop:Instructions" not in carried.xmp


def test_a_derivative_over_4_gb_has_everything_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiff_writing, "BIGTIFF_BYTES", 0)
    data, lost = derivative(described.master("jpeg"), "tiff", (600.0, 600.0))
    assert (data[:4], lost) == (b"II+\0", False)
    carried = read_whole(data)
    block = exif.read_block(carried.exif)
    assert entry(block, exif.EXIF_IFD, 0x9003)[:19] == b"1931:06:14 00:00:00"
    assert entry(block, exif.GPS_IFD, 1)[:1] == b"N"
    assert carried.iptc == described.IIM
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        assert np.array_equal(tiff.asarray(), RGB)
        assert tiff.pages[0].tags[34665].value["DateTimeOriginal"] == "1931:06:14 00:00:00"


def test_exif_in_several_segments_is_one() -> None:
    made = described.exif()
    made[exif.EXIF_IFD] = {0x9286: b"ASCII\0\0\0" + b"c" * 90_000}
    block = made.tobytes()
    segments = (
        described.segment(0xE1, block[:60_000]),
        described.segment(0xE1, exif.MARK + block[60_000:]),
    )
    data, lost = derivative(described.jpeg(*segments), "png")
    assert not lost
    assert len(entry(exif.read_block(read_whole(data).exif), exif.EXIF_IFD, 0x9286)) == 90_008


def png(*texts: tuple[str, str], **more: Any) -> bytes:
    info, sink = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, text in texts:
        info.add_itxt(name, text, zip=True) if text.isascii() else info.add_itxt(name, text)
    Image.fromarray(described.gray()).save(sink, "PNG", pnginfo=info, **more)
    return sink.getvalue()


def test_texts_of_a_png_stand_where_exif_has_none() -> None:
    texts = (("Author", "Øst"), ("Title", "Palace"), ("Description", "hall"), ("Other", "x"))
    data, _ = derivative(png(*texts), "tiff")
    root = exif.read_block(read_whole(data).exif).root
    assert {code: root[code].data for code in root} == {  # type: ignore[union-attr]
        269: b"Palace\0", 270: b"hall\0", 315: "Øst\0".encode()
    }  # fmt: skip
    data, _ = derivative(png(*texts, exif=described.exif()), "jpeg")
    block = exif.read_block(read_whole(data).exif)
    assert entry(block, 270).rstrip(b"\0").decode() == described.CAPTION
    assert entry(block, 269) == b"Palace\0"


def test_what_imagemagick_puts_into_a_png_is_read() -> None:
    info, sink = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, block in (("iptc", described.resource(described.IIM)[14:]), ("xmp", described.XMP)):
        digits = "\n".join(textwrap.wrap(block.hex(), 72))
        info.add_text(f"Raw profile type {name}", f"\n{name}\n{len(block):8}\n{digits}\n", zip=True)
    Image.fromarray(described.gray()).save(sink, "PNG", pnginfo=info)
    blocks = read_blocks(io.BytesIO(sink.getvalue()))
    assert (blocks.iptc, blocks.xmp, blocks.lost) == (described.IIM, described.XMP, False)


def test_text_that_unpacks_to_gigabytes_is_lost_alone() -> None:
    data = png(("XML:com.adobe.xmp", "s" * 50_000_000), exif=described.exif())
    assert len(data) < 200_000
    blocks = read_blocks(io.BytesIO(data))
    assert (blocks.xmp, blocks.lost) == (b"", True)
    assert blocks.exif


@pytest.mark.parametrize("form", FORMATS)
def test_an_orientation_of_another_picture_in_the_xmp_turns_nothing(form: Format) -> None:
    inner = (
        b'<dc:source rdf:parseType="Resource"><tiff:Orientation>6</tiff:Orientation></dc:source>'
    )
    packet = described.XMP.replace(b"</rdf:Description>", inner + b"</rdf:Description>")
    xmp = described.segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    data, lost = derivative(described.jpeg(xmp), form)
    assert not lost
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif().get(274) == 1


def test_a_derivative_of_a_derivative_has_only_its_own_labels() -> None:
    first, _ = derivative(described.master("jpeg"), "jpeg")
    assert first.count(b"arcol:rowId=") == 1
    second, lost = derivative(first.replace(ROW_ID.encode(), b"b" * 64), "png")
    assert not lost
    assert second.count(b"arcol:rowId") == 1
    assert find_labels(io.BytesIO(second))["rowId"] == ROW_ID


@pytest.mark.parametrize("code", [0x010E, 0x9286])
def test_a_caption_cannot_pass_for_our_label(code: int) -> None:
    made, text = described.exif(), f'arcol:rowId="{"c" * 64}"'
    if code == 0x010E:
        made[code] = text
    else:
        made[exif.EXIF_IFD] = {code: b"ASCII\0\0\0" + text.encode()}
    data, lost = derivative(described.jpeg(exif_block=made.tobytes()), "jpeg")
    assert lost
    assert find_labels(io.BytesIO(data))["rowId"] == ROW_ID


def test_exif_over_64_kb_loses_its_largest_entries_in_a_jpeg_and_nothing_elsewhere() -> None:
    made = described.exif()
    made[exif.EXIF_IFD] = {
        exif.MAKER_NOTE: b"n" * 70_000, 0x9286: b"ASCII\0\0\0" + b"c" * 30_000,
    }  # fmt: skip
    source = io.BytesIO()
    Image.fromarray(described.gray()).save(source, "PNG", exif=made)
    for form in FORMATS:
        data, lost = derivative(source.getvalue(), form)
        block = exif.read_block(read_whole(data).exif)
        assert lost == (form == "jpeg")
        kept = block.root[exif.EXIF_IFD]
        assert isinstance(kept, dict)
        assert (exif.MAKER_NOTE in kept) == (form != "jpeg")
        assert len(entry(block, exif.EXIF_IFD, 0x9286)) == 30_008
        assert entry(block, 315).rstrip(b"\0").decode() == described.ARTIST


def test_a_makers_note_stays_where_its_own_offsets_count_from() -> None:
    source = described.master("jpeg")
    block = read_blocks(io.BytesIO(source)).exif
    data, _ = derivative(source, "jpeg", (300.0, 300.0))
    note = b"maker's own" * 4
    assert read_blocks(io.BytesIO(data)).exif.index(note) == block.index(note)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_iptc_that_breaks_off_is_carried_as_far_as_it_goes(kind: str, form: Format) -> None:
    broken = described.IIM + b"\x1c\x02\x19\x40\x00short"
    data, lost = derivative(described.master(kind, iim=broken), form)
    assert lost
    assert read_whole(data).iptc == described.IIM


def test_iptc_over_64_kb_loses_its_largest_datasets_in_a_jpeg() -> None:
    large = [iptc.DataSet(2, 202, b"p" * 40_000), iptc.DataSet(2, 25, b"k" * 30_000)]
    block = described.IIM + b"".join(one.encode() for one in large)
    for form in FORMATS:
        data, lost = derivative(described.master("tiff", iim=block), form)
        assert lost == (form == "jpeg")
        kept = described.IIM + large[1].encode()
        assert read_whole(data).iptc == (kept if form == "jpeg" else block)


def exiftool(path: Path, *names: str) -> dict[str, Any]:
    """What exiftool reads."""
    (found,) = ask([path], "-G1", "-struct", *(f"-{name}" for name in names))
    return {name: value for name, value in found.items() if name != "SourceFile"}


@pytest.mark.slow
@pytest.mark.skipif(not EXIFTOOL, reason=WHY)
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("kind", described.KINDS)
def test_exiftool_reads_of_a_derivative_what_it_reads_of_its_master(
    kind: str, form: Format, tmp_path: Path
) -> None:
    source = described.master(kind)
    data, _ = derivative(source, form)
    (tmp_path / "master").write_bytes(source)
    (tmp_path / "derivative").write_bytes(data)
    names = (
        "IFD0:Artist", "IFD0:ImageDescription", "IFD0:ModifyDate", "ExifIFD:all", "GPS:all",
        "XMP-dc:all", "XMP-xmpRights:all", "XMP-photoshop:Credit", "XMP-edm:all", "IPTC:all",
    )  # fmt: skip
    before = exiftool(tmp_path / "master", *names)
    after = exiftool(tmp_path / "derivative", *names)
    assert len(before) > 8
    assert after == before
    assert before["IFD0:Artist"] == described.ARTIST
    assert before["IFD0:ImageDescription"] == described.CAPTION
    ours = exiftool(tmp_path / "derivative", "XMP-photoshop:Instructions", "Orientation", "Warning")
    assert ours.pop("XMP-photoshop:Instructions") == ESTIMATE
    assert set(ours.values()) <= {"Horizontal (normal)"}


@pytest.mark.slow
@pytest.mark.skipif(not EXIFTOOL, reason=WHY)
def test_exiftool_reads_extended_xmp(tmp_path: Path) -> None:
    long = b"<dc:source>" + b"s" * 150_000 + b"</dc:source></rdf:Description></rdf:RDF>"
    packet = described.XMP.replace(b"</rdf:Description></rdf:RDF>", long)
    data, lost = derivative(described.master("png", xmp=packet), "jpeg")
    assert not lost
    (tmp_path / "derivative").write_bytes(data)
    found = exiftool(tmp_path / "derivative", "XMP-dc:all")
    assert len(found["XMP-dc:Source"]) == 150_000
    assert found["XMP-dc:Identifier"] == "F-1931-0042"


@pytest.mark.parametrize("kind", described.KINDS)
@settings(max_examples=150, deadline=None)
@given(
    form=st.sampled_from(FORMATS),
    cut=st.integers(0, 5000),
    flips=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=12),
)
def test_whatever_a_master_says_there_is_a_derivative_with_our_labels(
    kind: str, form: Format, cut: int, flips: list[tuple[int, int]]
) -> None:
    data = bytearray(described.master(kind))
    for place, value in flips:
        data[place % len(data)] = value
    if cut % 3 == 0:
        del data[len(data) - cut % len(data) :]
    made, _ = derivative(bytes(data), form)
    assert find_labels(io.BytesIO(made))["rowId"] == ROW_ID
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == (56, 40)
        assert image.getexif().get(274, 1) == 1
    assert not read_blocks(io.BytesIO(made)).lost
