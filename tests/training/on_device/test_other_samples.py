"""Pairs, unpaired sets and enlarging: batches drawn on the device are those the host would draw."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from landscapes import MakeLibrary

from archive_colorizer.data.library import Library, encode, write_items
from archive_colorizer.demo import colour_photographs
from archive_colorizer.training.feed import Feed, FeedConfig, PairSampler
from archive_colorizer.training.low_high_sampler import EnlargeSampler
from archive_colorizer.training.on_device.enlarging import EnlargeDeviceSampler
from archive_colorizer.training.on_device.feed import DeviceFeed, DeviceSampler
from archive_colorizer.training.on_device.jpeg import through_gray_jpeg, through_jpeg
from archive_colorizer.training.on_device.pairs import PairDeviceSampler, UnpairedDeviceSampler
from archive_colorizer.training.on_device.photographs import load_photographs
from archive_colorizer.training.recipe import Batch, Sampler
from archive_colorizer.training.recipes.cyclegan import UnpairedSampler

CONFIG = FeedConfig(crop_px=64, zoom=0.5, aspect=0.2, batch_size=50, saturation=0.3,
                    degrade_share=0.5)  # fmt: skip
PLAIN = FeedConfig(crop_px=64, zoom=1.0, batch_size=8, flip=False)
POINTS = (5, 50, 95)


def photographs() -> list[np.ndarray]:
    """Those of the dependencies, at 160 pixels as training data are."""
    small = []
    for _, rgb in colour_photographs():
        scale = 160 / min(rgb.shape[:2])
        small.append(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return small


@pytest.fixture
def pairs(make_library: MakeLibrary) -> Library:
    """Photographs, and their negatives as sources."""
    return make_library(photographs(), [255 - rgb for rgb in photographs()])


@pytest.fixture
def unpaired(tmp_path: Path) -> Library:
    """Photographs of two kinds, the second ones dark."""
    path = tmp_path / "unpaired.arrow"
    rows = [
        {"name": str(i), "domain": "ab"[i % 2], "source": None,
         "target": encode(rgb // (1 + 3 * (i % 2)), lossless=True)}
        for i, rgb in enumerate(photographs())
    ]  # fmt: skip
    write_items(path, rows)
    return Library(str(path))


def on_device(library: Library, sampler: DeviceSampler, config: FeedConfig) -> DeviceFeed:
    loaded = load_photographs(library, "cpu", workers=2, least_px=sampler.least_px)
    return DeviceFeed(loaded, sampler, config, 0)


def measured(batch: Batch) -> dict[str, torch.Tensor]:
    """Of each sample and plane: mean, spread, sharpness, and how far channels are apart."""
    found = {}
    for name, values in batch.items():
        picture = values / 2 + 0.5 if name in ("first_b3hw", "second_b3hw") else values
        flat = picture.flatten(1)
        found |= {
            f"{name} mean": flat.mean(1), f"{name} spread": flat.std(1),
            f"{name} sharpness": (picture[..., 1:] - picture[..., :-1]).abs().flatten(1).mean(1),
            f"{name} colour": picture.std(1, correction=0).flatten(1).mean(1),
        }  # fmt: skip
    return found


def figures(feed: Feed | DeviceFeed, samples: int) -> dict[str, np.ndarray]:
    """Mean, and 5, 50 and 95 % points."""
    parts = [measured(feed.batch(step)) for step in range(samples // CONFIG.batch_size)]
    joined = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    return {
        name: np.array([values.mean(), *np.percentile(values, POINTS)])
        for name, values in joined.items()
    }


def compare(
    library: Library, host: Sampler, device: DeviceSampler, samples: int, tolerance: float
) -> None:
    drawn = figures(on_device(library, device, CONFIG), samples)
    for name, expected in figures(Feed(library, host, CONFIG.batch_size, 0), samples).items():
        scale = np.maximum(np.abs(expected), 0.25 * np.abs(expected).max()) + 1e-3
        off = np.abs(drawn[name] - expected) / scale
        assert off.max() < tolerance, (name, expected, drawn[name])


KINDS: dict[str, Callable[[], tuple[Sampler, DeviceSampler]]] = {
    "grey": lambda: (PairSampler(CONFIG), PairDeviceSampler(CONFIG)),
    "pairs": lambda: (PairSampler(CONFIG, gray=False), PairDeviceSampler(CONFIG, gray=False)),
    "unpaired": lambda: (UnpairedSampler(CONFIG, ("a", "b")),
                         UnpairedDeviceSampler(CONFIG, ("a", "b"))),
    "twice": lambda: (EnlargeSampler(CONFIG, 2, 50), EnlargeDeviceSampler(CONFIG, 2, 50)),
    "restored": lambda: (EnlargeSampler(CONFIG, 1, 30), EnlargeDeviceSampler(CONFIG, 1, 30)),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("samples", "tolerance"),
    [pytest.param(1_000, 0.18), pytest.param(5_000, 0.08, marks=pytest.mark.slow)],
)
def test_samples_are_like_the_hosts(
    request: pytest.FixtureRequest, kind: str, samples: int, tolerance: float,
    make_library: MakeLibrary,
) -> None:  # fmt: skip
    library = {
        "pairs": lambda: request.getfixturevalue("pairs"),
        "unpaired": lambda: request.getfixturevalue("unpaired"),
    }.get(kind, lambda: make_library(photographs()))()
    compare(library, *KINDS[kind](), samples, tolerance)


def test_pairs_are_cut_alike(pairs: Library) -> None:
    plain = FeedConfig(crop_px=64, zoom=0.5, aspect=0.2, batch_size=50)
    batch = on_device(pairs, PairDeviceSampler(plain, gray=False), plain).batch(0)
    assert torch.allclose(batch["source_bchw"], 1 - batch["target_b3hw"], atol=1e-5)


def test_only_sources_that_were_made_are_worn(make_library: MakeLibrary) -> None:
    worn = FeedConfig(crop_px=64, zoom=1.0, batch_size=40, degrade_share=1.0, flip=False)
    rgb = photographs()[0]
    own = on_device(make_library([rgb], [rgb]), PairDeviceSampler(worn), worn).batch(0)
    weights = torch.tensor([0.299, 0.587, 0.114])
    luma = torch.einsum("c,bchw->bhw", weights, own["target_b3hw"])[:, None]
    assert torch.allclose(own["source_bchw"], luma, atol=1e-5)
    made = on_device(make_library([rgb]), PairDeviceSampler(worn), worn).batch(0)
    luma = torch.einsum("c,bchw->bhw", weights, made["target_b3hw"])[:, None]
    assert float((made["source_bchw"] - luma).abs().mean()) > 0.01


def test_each_kind_comes_from_its_own_set(unpaired: Library) -> None:
    batch = on_device(unpaired, UnpairedDeviceSampler(CONFIG, ("a", "b")), CONFIG).batch(0)
    assert float(batch["second_b3hw"].max()) < -0.2  # a quarter of white, on -1 to 1, saturated
    assert float(batch["first_b3hw"].max()) > 0.5


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_a_crop_of_the_whole_picture_is_the_hosts(make_library: MakeLibrary, scale: int) -> None:
    library = make_library([rgb[:64, :64] for rgb in photographs()[:1]])
    host = Feed(library, EnlargeSampler(PLAIN, scale, 0), 8, 0).batch(0)
    drawn = on_device(library, EnlargeDeviceSampler(PLAIN, scale, 0), PLAIN).batch(0)
    assert torch.equal(host["high_b3hw"], drawn["high_b3hw"])
    off = (host["low_b3hw"] - drawn["low_b3hw"]).abs() * 255
    assert float(off.max()) < 1.5  # Pillow rounds between the two directions
    assert float(off.mean()) < 0.2


def test_pictures_smaller_than_a_crop_are_continued(make_library: MakeLibrary) -> None:
    library = make_library([photographs()[0][:40, :50]])
    host = Feed(library, EnlargeSampler(PLAIN, 2, 0), 8, 0).batch(0)
    drawn = on_device(library, EnlargeDeviceSampler(PLAIN, 2, 0), PLAIN).batch(0)
    assert torch.equal(host["high_b3hw"], drawn["high_b3hw"])


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 95])
def test_jpeg_is_what_libjpeg_makes(quality: int) -> None:
    rgb = photographs()[0][:90, :150]
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    cases: list[tuple[Any, Any, Any]] = [
        (rgb[:88, :144].mean(2).astype(np.uint8), cv2.IMREAD_GRAYSCALE, through_gray_jpeg),
        (rgb, cv2.IMREAD_COLOR, through_jpeg),
    ]
    for pixels, flag, through in cases:
        told = pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., ::-1])
        back = cv2.imdecode(cv2.imencode(".jpg", told, settings)[1], flag)
        expected = back if back.ndim == 2 else back[..., ::-1]
        stored = torch.from_numpy(pixels.copy()).float() / 255
        stored = stored[None] if pixels.ndim == 2 else stored.permute(2, 0, 1)[None]
        made = (through(stored, torch.tensor([quality]))[0] * 255).numpy()
        made = made if pixels.ndim == 2 else made.transpose(1, 2, 0)
        lost = np.abs(expected.astype(float) - pixels).mean()
        assert np.abs(made - expected).mean() < 0.3 * lost, quality
