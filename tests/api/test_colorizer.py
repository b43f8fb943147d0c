"""`Colorizer`: the pixels of a job, for one picture in this process."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import archive_colorizer as ac
from archive_colorizer.errors import (
    ConfigError,
    MissingPhotoError,
    ModelReferenceError,
    TooLargePhotoError,
)

Load = Callable[..., ac.Colorizer]


def drawn(height: int = 120, width: int = 160, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    gray = 90 + 60 * np.sin(x / 17 + seed) + 40 * (y <= height // 2) + rng.normal(0, 2, x.shape)
    return np.clip(gray, 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def load(tiny_model: str) -> Load:
    @cache
    def make(**settings: Any) -> ac.Colorizer:
        return ac.Colorizer.load(tiny_model, proxy_px=64, **settings)

    return make


def do_job(source: Path, output: Path, model: str, **settings: Any) -> Path:
    plain = {"format": "png", "watermark": "off", "engine": "local"}
    given = {"model": model, "proxy_px": 64} | plain | settings
    report = ac.colorize(source, output, **given)
    assert (report.ok, report.failed) == (1, 0)
    (made,) = output.glob("*.colorized.png")
    return made


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_a_path_gives_the_pixels_of_the_job(
    suffix: str, tmp_path: Path, load: Load, tiny_model: str
) -> None:
    source = tmp_path / f"one.{suffix}"
    Image.fromarray(drawn()).save(source)
    made = do_job(source, tmp_path / "out", tiny_model)
    result = load()(source)
    assert result.picture.mode == "RGB"
    assert np.array_equal(np.asarray(result.picture), read(made))
    (row,) = ac.Manifest.open(tmp_path / "out").to_arrow().to_pylist()
    assert row["doubt_mean"] == pytest.approx(float(result.doubt.mean()))


@pytest.mark.slow
def test_so_does_the_shipped_model_with_hints_and_vividness(tmp_path: Path) -> None:
    source, points = tmp_path / "one.png", [(40, 30, "#3366cc"), (120, 90, "#aa3311")]
    Image.fromarray(drawn(300, 400)).save(source)
    lines = [f"one.png,{x},{y},{colour}" for x, y, colour in points]
    (tmp_path / "hints.csv").write_text("\n".join(["path,x,y,colour", *lines]))
    made = do_job(
        source, tmp_path / "out", "builtin:default", proxy_px=256, vividness=0.9,
        hints=tmp_path / "hints.csv",
    )  # fmt: skip
    colorizer = ac.Colorizer.load()
    result = colorizer(source, hints=points, vividness=0.9)
    assert np.array_equal(result.to_array(), read(made))
    plain = colorizer(source)
    assert not np.array_equal(plain.chroma, result.chroma)
    assert np.array_equal(plain.chroma, colorizer(source).chroma)  # the knob was for one call


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("colours", [False, True])
def test_an_array_gives_the_pixels_of_its_file(
    deep: bool, colours: bool, tmp_path: Path, load: Load, tiny_model: str
) -> None:
    pixels: np.ndarray = np.dstack([drawn(seed=seed) for seed in range(3)]) if colours else drawn()
    if deep:
        pixels = pixels.astype(np.uint16) * 257 + 3
    tifffile.imwrite(tmp_path / "one.tif", pixels, photometric="rgb" if colours else "minisblack")
    made = do_job(tmp_path / "one.tif", tmp_path / "out", tiny_model, on_colour="recolor", bits=8)
    result = load(on_colour="recolor")(pixels)
    assert np.array_equal(result.to_array(), read(made))
    sixteen = result.to_array(bits=16)
    assert (sixteen.dtype, sixteen.shape) == (np.uint16, (120, 160, 3))


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_a_pil_picture_gives_the_pixels_of_the_array(mode: str, load: Load) -> None:
    if mode == "I;16":
        picture, same = Image.fromarray(drawn().astype(np.uint16) * 257), drawn()
    else:
        picture = Image.fromarray(drawn()).convert(mode)
        same = np.asarray(picture.convert("L"))
    found = load()(picture).to_array().astype(int)
    assert np.abs(found - load()(same).to_array()).max() <= (1 if mode == "I;16" else 0)


def test_a_pil_picture_is_turned_upright(tmp_path: Path, load: Load) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(drawn()).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as picture:
        assert load()(picture).picture.size == (120, 160)
        found = load()(picture).to_array()
    assert np.array_equal(found, load()(tmp_path / "turned.png").to_array())


def test_what_the_result_has(load: Load, tiny_model: str) -> None:
    result = load()(drawn(240, 320))
    assert result.chroma.dtype == np.float32
    assert result.chroma.shape == (64, 86, 2)
    assert result.doubt.shape == (64, 86)
    assert 0 <= result.doubt.min() <= result.doubt.max() <= 1
    assert result.picture.size == (320, 240)
    assert result.content_box is None
    assert result.model == f"{tiny_model} (tiny 1)"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"vividnes": 0.5}, "unknown setting 'vividnes': did you mean 'vividness'?"),
        ({"engine": "local"}, "unknown setting 'engine'"),
        ({"upscale": 3}, "upscale"),
        ({"upscaler": "x"}, "enlarges nothing without --upscale"),
    ],
)
def test_a_setting_that_is_none(settings: dict[str, Any], said: str, load: Load) -> None:
    with pytest.raises(ConfigError, match=r"Colorizer\.load|upscaler") as caught:
        load(**settings)
    assert said in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_model_that_is_none_or_does_not_colour() -> None:
    with pytest.raises(ModelReferenceError, match="nowhere"):
        ac.Colorizer.load("nowhere")
    with pytest.raises(ConfigError, match="translates"):
        ac.Colorizer.load("builtin:day-to-night")


def test_pictures_that_cannot_be_coloured(load: Load, tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (6, 8, 3), np.uint8).repeat(20, 0).repeat(20, 1)
    with pytest.raises(ac.PhotoError, match=r"^array: in colour already"):
        load()(rgb)
    assert load(on_colour="recolor")(rgb).picture.size == (160, 120)
    with pytest.raises(TooLargePhotoError):
        load(max_megapixels=0.001)(drawn())
    with pytest.raises(MissingPhotoError, match=r"nowhere\.jpg: no such picture"):
        load()(tmp_path / "nowhere.jpg")
    (tmp_path / "text.jpg").write_text("none")
    with pytest.raises(ac.PhotoError, match=r"text\.jpg"):
        load()(tmp_path / "text.jpg")


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8),
        np.zeros(4, np.uint8), Image.new("F", (4, 4)), 7,
    ],
)  # fmt: skip
def test_what_is_no_picture(image: Any, load: Load) -> None:
    with pytest.raises(ValueError, match=r"array|must be a path"):
        load()(image)


def test_a_vividness_out_of_range(load: Load) -> None:
    with pytest.raises(ConfigError, match="vividness"):
        load()(drawn(), vividness=1.5)


def test_hints_that_do_not_fit(load: Load) -> None:
    with pytest.raises(ConfigError, match="hints: not a point"):
        load()(drawn(), hints=[(1, 2, "blue")])
    with pytest.raises(ac.PhotoError, match="outside of 160x120"):
        load()(drawn(), hints=[(500, 2, "#0000ff")])
    grey = load()(drawn())
    assert not np.array_equal(grey.chroma, load()(drawn(), hints=[(9, 9, "#0000ff")]).chroma)
