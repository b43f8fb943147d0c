"""One scene in every layout that masters have: what a decoder must make of each is known."""

import io
import itertools
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from PIL import Image

from archive_colorizer.imaging import colour

HEIGHT, WIDTH = 48, 64
TAGS_OF = {"none": 1, "ccitt": 2, "g3": 3, "g4": 4, "lzw": 5, "jpeg": 7, "deflate": 8,
           "packbits": 32773, "zstd": 50000, "webp": 50001}  # fmt: skip


def scene(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Grey 0..1 that cannot be confused when turned: light top right, dark bottom left."""
    y, x = np.mgrid[:height, :width]
    p = 70 + 90 * x / width + 6 * np.sin(y / 3)
    p[(y < height // 3) & (x > 2 * width // 3)] = 235
    p[(y > 2 * height // 3) & (x < width // 3)] = 25
    return p / 255


def turned(upright: np.ndarray, orientation: int) -> np.ndarray:
    """How a picture is stored that shows `upright` under an orientation (TIFF 6.0, tag 274)."""
    back = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.swapaxes(0, 1),
        6: lambda p: p.swapaxes(0, 1)[::-1],  # the stored top is the picture's right
        7: lambda p: p.swapaxes(0, 1)[::-1, ::-1],
        8: lambda p: p.swapaxes(0, 1)[:, ::-1],
    }
    return np.ascontiguousarray(back[orientation](upright))


@dataclass(frozen=True, slots=True)
class Cell:
    """One file and what is to be read from it."""

    name: str
    data: bytes
    wanted: np.ndarray
    """Upright luma, 0..1."""
    bits: int
    within: float
    """How far a pixel may be off, of 1: half a step of the depth, or what a lossy codec does."""
    photometric: str = ""


def quantized(values: np.ndarray, bits: int) -> np.ndarray:
    """Whole numbers of `bits` bits."""
    return np.round(values * ((1 << bits) - 1)).astype(np.uint8 if bits <= 8 else np.uint16)


def packed(values: np.ndarray, bits: int) -> bytes:
    """Samples packed from the highest bit, each row filled up to a byte. (H, N) whole numbers."""
    shifts = np.arange(bits - 1, -1, -1)
    ones = (values[..., None].astype(np.uint32) >> shifts & 1).astype(np.uint8)
    return np.packbits(ones.reshape(len(values), -1), axis=1).tobytes()


def tiff(
    segments: list[bytes], size: tuple[int, int], *tags: tuple[int, int, Any], end: str = "<",
    big: bool = False,
) -> bytes:  # fmt: skip
    """A TIFF, tag by tag: (code, 3 for SHORT or 4 for LONG, value or values)."""
    own = {code: (kind, value) for code, kind, value in tags if value is not None}
    own |= {256: (4, size[1]), 257: (4, size[0])}
    where, much = (324, 325) if 322 in own else (273, 279)
    own |= {where: (4, [0] * len(segments)), much: (4, [len(one) for one in segments])}
    word, count, inline = (end + "Q", end + "HHQ", 8) if big else (end + "I", end + "HHI", 4)
    head = struct.calcsize(word)
    at = 16 if big else 8
    after = at + (8 if big else 2) + (20 if big else 12) * len(own) + head
    sizes = {c: (len(v) if isinstance(v, list | tuple) else 1) * (2 if k == 3 else 4)
             for c, (k, v) in own.items()}  # fmt: skip
    data_at = after + sum(s + s % 2 for s in sizes.values() if s > inline)
    places = list(itertools.accumulate([data_at, *(len(one) for one in segments[:-1])]))
    own[where] = (4, places)
    blob, ifd = b"", b""
    for code, (kind, value) in sorted(own.items()):
        values = list(value) if isinstance(value, list | tuple) else [value]
        body = struct.pack(f"{end}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        ifd += struct.pack(count, code, kind, len(values))
        if len(body) <= inline:
            ifd += body.ljust(inline, b"\0")
        else:
            ifd += struct.pack(word, after + len(blob))
            blob += body + b"\0" * (len(body) % 2)
    mark = b"II" if end == "<" else b"MM"
    start = struct.pack(end + "HHHQ", 43, 8, 0, 16) if big else struct.pack(end + "HI", 42, 8)
    number = struct.pack(end + ("Q" if big else "H"), len(own))
    return mark + start + number + ifd + b"\0" * head + blob + b"".join(segments)


def compressed(data: bytes, rows: np.ndarray, how: str, fill: int) -> bytes:
    """A segment's bytes; `rows` are its one-bit samples where CCITT wants them."""
    if how in {"ccitt", "g3", "g4"}:
        data = faxed(rows, {"ccitt": "tiff_ccitt", "g3": "group3", "g4": "group4"}[how])
    elif how == "lzw":
        data = imagecodecs.lzw_encode(data)
    elif how == "deflate":
        data = zlib.compress(data)
    elif how == "packbits":
        data = imagecodecs.packbits_encode(data)
    elif how == "zstd":
        data = imagecodecs.zstd_encode(data)
    return imagecodecs.bitorder_encode(data) if fill == 2 else data


def faxed(rows: np.ndarray, how: str) -> bytes:
    """One-bit samples as libtiff encodes them."""
    sink = io.BytesIO()
    Image.fromarray(rows.astype(bool)).save(sink, "TIFF", compression=how)
    with tifffile.TiffFile(io.BytesIO(sink.getvalue())) as file:
        (at,), (size,) = file.pages[0].dataoffsets, file.pages[0].databytecounts
    return sink.getvalue()[at : at + size]


def cells() -> Iterator[Cell]:
    """Every cell; the order is the same in each run."""
    yield from grey_tiffs()
    yield from colour_tiffs()
    yield from palette_tiffs()
    yield from coded_tiffs()
    yield from other_formats()


def strips(stored: np.ndarray, rows: int) -> list[np.ndarray]:
    return [stored[top : top + rows] for top in range(0, len(stored), rows)]


def tiles(stored: np.ndarray, side: int = 16) -> list[np.ndarray]:
    """Tiles from left to right, then down; the last ones are filled up with zeros."""
    high, wide = (-(-n // side) * side for n in stored.shape[:2])
    room = np.zeros((high, wide, *stored.shape[2:]), stored.dtype)
    room[: stored.shape[0], : stored.shape[1]] = stored
    return [room[y : y + side, x : x + side]
            for y in range(0, high, side) for x in range(0, wide, side)]  # fmt: skip


def grey_tiffs() -> Iterator[Cell]:
    """Depth x photometric x orientation, each in one of the containers, turn by turn."""
    ways = itertools.cycle(
        itertools.product(("none", "lzw", "deflate", "packbits", "zstd"), ("strips", "tiles"),
                          (1, 2), ("<", ">"), (False, True))
    )  # fmt: skip
    depths = (1, 2, 4, 8, 10, 12, 14, 16)
    for bits, white_first, turn in itertools.product(depths, (False, True), range(1, 9)):
        for _ in range(2):
            how, shape, fill, end, big = next(ways)
            yield grey_tiff(bits, white_first, turn, how, shape, fill, end, big)
    for how, white_first, fill, turn in itertools.product(
        ("ccitt", "g3", "g4"), (False, True), (1, 2), (1, 3, 6, 8)
    ):
        yield grey_tiff(1, white_first, turn, how, "strips", fill, "<", False)


def grey_tiff(
    bits: int, white_first: bool, turn: int, how: str, shape: str, fill: int, end: str, big: bool
) -> Cell:
    fill = fill if bits not in {16} and how != "zstd" else 1
    values = quantized(scene(), bits)
    stored = turned(values, turn)
    kept = ((1 << bits) - 1 - stored) if white_first else stored
    parts = tiles(kept) if shape == "tiles" else strips(kept, 11)
    segments = []
    for part in parts:
        raw = part.astype(f"{end}u2").tobytes() if bits == 16 else packed(part, bits)
        segments.append(compressed(raw, part.astype(np.uint8), how, fill))
    layout = ((322, 4, 16), (323, 4, 16)) if shape == "tiles" else ((278, 4, 11),)
    data = tiff(
        segments, stored.shape, (258, 3, bits), (259, 3, TAGS_OF[how]),
        (262, 3, 0 if white_first else 1), (266, 3, fill), (274, 3, turn), (277, 3, 1), *layout,
        end=end, big=big,
    )  # fmt: skip
    first = "white" if white_first else "black"
    name = f"grey{bits}-{first}-o{turn}-{how}-{shape}-fill{fill}-{end}{'-big' if big else ''}"
    top = (1 << bits) - 1
    return Cell(name, data, values / top, bits, 0.6 / 255 if bits <= 8 else 1 / top,
                "white_is_zero" if white_first else "grey")  # fmt: skip


def colour_tiffs() -> Iterator[Cell]:
    """RGB, with and without alpha and infrared, in one plane or several."""
    kinds = ("rgb", "unassalpha", "assocalpha", "infrared")
    ways = itertools.cycle(("none", "lzw", "deflate", "zstd"))
    for bits, planar, kind, turn in itertools.product((8, 16), (1, 2), kinds, range(1, 9)):
        values = quantized(scene(), bits)
        top = (1 << bits) - 1
        stored = turned(values, turn)
        planes, wanted = [stored] * 3, values / top
        extra: tuple[str, ...] = ()
        if kind != "rgb":
            cover = np.zeros_like(values)
            cover[:, : WIDTH // 2] = top
            cover[: HEIGHT // 4] = top // 3
            share = cover / top
            below = turned(cover, turn)
            if kind == "infrared":
                extra = ("unspecified",)
            else:
                extra = (kind,)
                wanted = share * wanted + (1 - share)
            if kind == "assocalpha":
                planes = [np.round(stored * (below / top)).astype(stored.dtype)] * 3
            planes = [*planes, below]
        stack = np.stack(planes, 0 if planar == 2 else -1)
        sink = io.BytesIO()
        how = next(ways)
        tifffile.imwrite(
            sink, stack, photometric="rgb", planarconfig="separate" if planar == 2 else "contig",
            extrasamples=extra, compression=None if how == "none" else TAGS_OF[how], metadata=None,
            extratags=[(274, 3, 1, turn, True)],
            tile=(16, 32) if turn % 2 else None, predictor=how == "lzw",
            byteorder=">" if turn % 3 == 0 else "<",
        )  # fmt: skip
        name = f"{kind}{bits}-planar{planar}-o{turn}-{how}"
        yield Cell(name, sink.getvalue(), wanted, bits, 1.6 / 255 if bits == 8 else 3 / top, "rgb")


def palette_tiffs() -> Iterator[Cell]:
    """4 and 8 bits; the palette runs backwards, so that an index is no brightness."""
    for bits, turn, how in itertools.product((4, 8), range(1, 9), ("none", "lzw", "packbits")):
        top = (1 << bits) - 1
        values = quantized(scene(), bits)
        stored = top - turned(values, turn)
        shades = [round((top - n) * 65535 / top) for n in range(top + 1)]
        segments = [compressed(packed(one, bits), one, how, 1) for one in strips(stored, 20)]
        data = tiff(
            segments, stored.shape, (258, 3, bits), (259, 3, TAGS_OF[how]), (262, 3, 3),
            (274, 3, turn), (277, 3, 1), (278, 4, 20), (320, 3, shades * 3),
        )  # fmt: skip
        yield Cell(f"palette{bits}-o{turn}-{how}", data, values / top, bits, 0.6 / 255, "palette")


def coded_tiffs() -> Iterator[Cell]:
    """Picture codecs inside of TIFF, and YCbCr with and without subsampled chroma."""
    for turn in range(1, 9):
        values = quantized(scene(), 8)
        stored = turned(values, turn)
        rgb = np.dstack([stored] * 3)
        extra = [(274, 3, 1, turn, True)]
        made = {
            "jpeg-grey": (stored, {"photometric": "minisblack", "compression": "jpeg"}, "grey"),
            "jpeg-ycbcr": (rgb, {"photometric": "rgb", "compression": "jpeg"}, "ycbcr"),
            "jpeg-rgb": (
                rgb,
                {
                    "photometric": "rgb",
                    "compression": "jpeg",
                    "compressionargs": {"outcolorspace": "rgb"},
                },
                "rgb",
            ),
            "webp": (rgb, {"photometric": "rgb", "compression": "webp"}, "rgb"),
        }
        for name, (pixels, options, photometric) in made.items():
            sink = io.BytesIO()
            tifffile.imwrite(sink, pixels, metadata=None, extratags=extra, **options)
            yield Cell(f"{name}-o{turn}", sink.getvalue(), values / 255, 8, 0.08, photometric)
        for across, down in ((1, 1), (2, 1), (2, 2), (4, 2)):
            for how in ("none", "lzw"):
                yield ycbcr_tiff(values, turn, across, down, how)


def ycbcr_tiff(values: np.ndarray, turn: int, across: int, down: int, how: str) -> Cell:
    stored = turned(values, turn)
    segments = []
    for part in strips(stored, 16):
        high, wide = (-(-n // s) for n, s in zip(part.shape, (down, across), strict=True))
        room = np.zeros((high * down, wide * across), np.uint8)
        room[: part.shape[0], : part.shape[1]] = part
        luma = room.reshape(high, down, wide, across).swapaxes(1, 2).reshape(high, wide, -1)
        units = np.concatenate([luma, np.full((high, wide, 2), 128, np.uint8)], axis=2)
        segments.append(compressed(units.tobytes(), part, how, 1))
    data = tiff(
        segments, stored.shape, (258, 3, (8, 8, 8)), (259, 3, TAGS_OF[how]), (262, 3, 6),
        (274, 3, turn), (277, 3, 3), (278, 4, 16), (530, 3, (across, down)),
    )  # fmt: skip
    name = f"ycbcr{across}{down}-o{turn}-{how}"
    return Cell(name, data, values / 255, 8, 1.1 / 255, "ycbcr")


def other_formats() -> Iterator[Cell]:
    """JPEG of every kind, PNG of every depth, JPEG 2000, JPEG XL, WebP, GIF, BMP."""
    values = quantized(scene(), 8)
    grey = values / 255
    for turn, name in itertools.product(range(1, 9), ("JPEG", "PNG", "WEBP")):
        exif = Image.Exif()
        exif[0x0112] = turn
        for mode in ("L", "RGB"):
            sink = io.BytesIO()
            stored = Image.fromarray(turned(values, turn)).convert(mode)
            stored.save(sink, name, exif=exif, quality=98)
            within = 1.1 / 255 if name == "PNG" else 0.08
            yield Cell(f"{name}-{mode}-o{turn}", sink.getvalue(), grey, 8, within)
    yield from jpegs(values)
    yield from pngs()
    yield from new_formats()
    for name in ("GIF", "BMP"):
        sink = io.BytesIO()
        Image.fromarray(values).save(sink, name)
        yield Cell(name, sink.getvalue(), grey, 8, 0.6 / 255)


def jpegs(values: np.ndarray) -> Iterator[Cell]:
    grey, rgb = values / 255, np.dstack([values] * 3)
    for options in ({"progressive": True}, {"optimize": True}, {"subsampling": 0},
                    {"restart_marker_rows": 1}, {"keep_rgb": True}):  # fmt: skip
        sink = io.BytesIO()
        Image.fromarray(rgb).save(sink, "JPEG", quality=98, **options)
        yield Cell(f"JPEG-{next(iter(options))}", sink.getvalue(), grey, 8, 0.08)
    for name, pixels in (("grey", values), ("rgb", rgb)):
        lossless = imagecodecs.jpeg8_encode(pixels, lossless=True)
        yield Cell(f"JPEG-lossless-{name}", lossless, grey, 8, 1.1 / 255)
    for bits in (10, 12, 16):
        deep = quantized(scene(), bits)
        lossless = imagecodecs.jpeg8_encode(deep, lossless=True, bitspersample=bits)
        wanted = deep / ((1 << bits) - 1)
        yield Cell(f"JPEG-lossless-{bits}", lossless, wanted, bits, 1 / (1 << bits))
    deep = quantized(scene(), 12)
    coded = imagecodecs.jpeg8_encode(deep, level=98, bitspersample=12)
    yield Cell("JPEG-12", coded, deep / 4095, 12, 0.08)


def png(pixels: bytes, bits: int, colour_type: int, *more: bytes) -> bytes:
    """A PNG from packed rows without filters."""
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour_type, 0, 0, 0)
    rows = np.frombuffer(pixels, np.uint8).reshape(HEIGHT, -1)
    body = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())
    chunks = [chunk(b"IHDR", head), *more, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pngs() -> Iterator[Cell]:
    for bits in (1, 2, 4, 8, 16):
        top = (1 << bits) - 1
        values = quantized(scene(), bits)
        raw = values.astype(">u2").tobytes() if bits == 16 else packed(values, bits)
        yield Cell(f"PNG-grey{bits}", png(raw, bits, 0), values / top, bits, 0.6 / 255, "grey")
        if bits <= 8:
            shades = b"".join(bytes([round((top - n) * 255 / top)] * 3) for n in range(top + 1))
            data = png(packed(top - values, bits), bits, 3, chunk(b"PLTE", shades))
            yield Cell(f"PNG-palette{bits}", data, values / top, bits, 0.6 / 255, "palette")
        if bits >= 8:
            cover = np.full_like(values, top)
            cover[: HEIGHT // 2] = top // 4
            for count, colour_type in ((1, 4), (3, 6)):
                pixels = np.dstack([values] * count + [cover])
                share = cover / top
                wanted = share * values / top + 1 - share
                data = imagecodecs.png_encode(pixels)
                assert data[25] == colour_type
                yield Cell(f"PNG-alpha{bits}-{count}", data, wanted, bits, 1.6 / 255)


def new_formats() -> Iterator[Cell]:
    for bits, count in itertools.product((8, 10, 12, 16), (1, 3)):
        values = quantized(scene(), bits)
        pixels = values if count == 1 else np.dstack([values] * count)
        wanted = values / ((1 << bits) - 1)
        within = 1.6 / ((1 << bits) - 1)
        for form in ("jp2", "j2k"):
            data = imagecodecs.jpeg2k_encode(
                pixels, codecformat=form, reversible=True, bitspersample=bits
            )
            yield Cell(f"JPEG2000-{form}-{bits}-{count}", bytes(data), wanted, bits, within)
        data = imagecodecs.jpegxl_encode(pixels, lossless=True, bitspersample=bits,
                                         usecontainer=bits == 8)  # fmt: skip
        if bits > 8:  # imagecodecs says that these are linear light
            wanted = colour.encode_srgb(wanted)
        yield Cell(f"JXL-{bits}-{count}", bytes(data), wanted, bits, max(within, 1 / 255))
