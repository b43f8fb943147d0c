"""One decoding gives the small picture and the luma, as two would."""

import io
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from archive_colorizer.imaging.decode import read_luma, read_reduced, read_reduced_and_luma
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.profiles import enumerated_profile
from archive_colorizer.pipeline.config import ColorConfig, RunConfig
from archive_colorizer.pipeline.records import PhotoRef, Prepared
from archive_colorizer.pipeline.steps import prepare
from archive_colorizer.pipeline.steps.prepare import Prepare
from archive_colorizer.pipeline.steps.read import Read

GREY = np.random.default_rng(0).integers(0, 256, (300, 420), np.uint8)
RGB = np.random.default_rng(1).integers(0, 256, (300, 420, 3), np.uint8)


def masters() -> dict[str, bytes]:
    """One of each kind that is read by strips."""
    made = {}
    for name, pixels, options in (
        ("tiff", GREY, {"compression": "zlib", "rowsperstrip": 7}),
        ("tiff16", GREY.astype(np.uint16) * 257, {"compression": "lzw"}),
        ("tiffrgb", RGB, {"photometric": "rgb", "rowsperstrip": 64}),
        ("turned", GREY, {"extratags": [(274, 3, 1, 6, True)]}),
    ):
        sink = io.BytesIO()
        tifffile.imwrite(sink, pixels, **options)
        made[name] = sink.getvalue()
    for name, form, options in (
        ("png", "PNG", {}), ("gif", "GIF", {}), ("webp", "WEBP", {"lossless": True}),
    ):  # fmt: skip
        sink = io.BytesIO()
        Image.fromarray(GREY).save(sink, form, **options)
        made[name] = sink.getvalue()
    return made


@pytest.mark.parametrize("name", masters())
def test_one_decoding_gives_what_two_give(name: str) -> None:
    source = io.BytesIO(masters()[name])
    header = read_header(source)
    small, luma = read_reduced_and_luma(source, header, 64)
    alone, whole = read_reduced(source, header, 64), read_luma(source, header)
    assert luma is not None
    assert np.array_equal(luma, whole.pixels)
    assert luma.dtype == whole.pixels.dtype
    assert np.array_equal(small.pixels, alone.pixels)
    assert (small.icc_status, small.warnings) == (whole.icc_status, whole.warnings)


def test_a_jpeg_and_a_colour_profile_are_read_twice() -> None:
    primaries = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
    profile = enumerated_profile((0.3127, 0.3290), primaries, 1.8, grey=False)
    for form, pixels, options in (("JPEG", GREY, {}), ("PNG", RGB, {"icc_profile": profile})):
        source = io.BytesIO()
        Image.fromarray(pixels).save(source, form, **options)
        assert read_reduced_and_luma(source, read_header(source), 64)[1] is None


def test_a_picture_that_ends_early_is_told_at_once() -> None:
    source = io.BytesIO()
    tifffile.imwrite(source, GREY, rowsperstrip=10)
    header = read_header(source)
    with pytest.raises(PictureFault):
        read_reduced_and_luma(io.BytesIO(source.getvalue()[:50_000]), header, 64)


def test_luma_is_kept_while_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = []
    for number in range(3):
        path = tmp_path / f"{number}.tif"
        tifffile.imwrite(path, GREY)
        refs.append(PhotoRef(str(number), path.as_uri(), bytes(path), "", path.stat().st_size))
    opened = Read(RunConfig())(refs)
    monkeypatch.setattr(prepare, "KEPT_BYTES", 2 * GREY.nbytes + 1)

    def kept(*, delivers: bool, translates: bool = False) -> list[bool]:
        step = Prepare(ColorConfig(), RunConfig(), delivers=delivers, translates=translates)
        step.setup()
        done = step(opened)
        assert all(isinstance(one, Prepared) for one in done)
        return [one.luma_hw is not None for one in done]

    assert kept(delivers=True) == [True, True, False]
    assert kept(delivers=True) == [True, True, False]
    assert not any(kept(delivers=False))
    assert not any(kept(delivers=True, translates=True))
