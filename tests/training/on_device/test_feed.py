"""Batches drawn on the device are those that the host would draw."""

import numpy as np
import pytest
import torch
from landscapes import MakeLibrary

from archive_colorizer.data.library import Library
from archive_colorizer.demo import colour_photographs
from archive_colorizer.training.feed import Feed, FeedConfig
from archive_colorizer.training.on_device.chroma import ChromaDeviceSampler
from archive_colorizer.training.on_device.feed import DeviceFeed, size_of
from archive_colorizer.training.on_device.photographs import load_photographs
from archive_colorizer.training.recipe import Batch
from archive_colorizer.training.recipes.chroma import ChromaSampler
from archive_colorizer.training.recipes.chroma_targets import colour_of

CONFIG = FeedConfig(crop_px=64, zoom=0.5, aspect=0.2, batch_size=50, degrade_share=0.5)
HINTS = 0.4


@pytest.fixture
def library(make_library: MakeLibrary) -> Library:
    """Photographs of the dependencies, at 160 pixels as training data are."""
    import cv2

    small = []
    for _, rgb in colour_photographs():
        scale = 160 / min(rgb.shape[:2])
        small.append(cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return make_library(small)


def measured(batch: Batch) -> dict[str, torch.Tensor]:
    """Of each sample: luma, its spread and its sharpness, chroma, and how much is hinted."""
    gray = batch["gray_b1hw"]
    return {
        "luma": gray.flatten(1).mean(dim=1),
        "contrast": gray.flatten(1).std(dim=1),
        "sharpness": (gray[..., 1:] - gray[..., :-1]).abs().flatten(1).mean(dim=1),
        "chroma": colour_of(batch["cell_bhw"]).norm(dim=-1).flatten(1).mean(dim=1),
        "hinted": batch["hints_b3hw"][:, 2].flatten(1).sum(dim=1),
    }


def figures(feed: Feed | DeviceFeed, samples: int) -> dict[str, np.ndarray]:
    """Mean, and 5, 50 and 95 % points."""
    parts = [measured(feed.batch(step)) for step in range(samples // CONFIG.batch_size)]
    joined = {name: torch.cat([part[name] for part in parts]).numpy() for name in parts[0]}
    return {
        name: np.array([values.mean(), *np.percentile(values, (5, 50, 95))])
        for name, values in joined.items()
    }


def compare(library: Library, samples: int, tolerance: float) -> None:
    host = figures(Feed(library, ChromaSampler(CONFIG, HINTS), CONFIG.batch_size, 0), samples)
    photographs = load_photographs(library, "cpu", workers=2)
    device = figures(
        DeviceFeed(photographs, ChromaDeviceSampler(CONFIG, HINTS), CONFIG, 0), samples
    )
    for name, expected in host.items():
        scale = np.maximum(np.abs(expected), 0.25 * np.abs(expected).max())
        off = np.abs(device[name] - expected) / scale
        if name == "hinted":  # whole pixels: a percentile of theirs jumps from one count to another
            off = off[:1]
        assert off.max() < tolerance, (name, expected, device[name])


def test_samples_are_like_the_hosts(library: Library) -> None:
    compare(library, 2_000, 0.12)


@pytest.mark.slow
def test_20_000_samples_are_like_the_hosts_within_2_percent(library: Library) -> None:
    compare(library, 20_000, 0.03)


def feed(library: Library, config: FeedConfig = CONFIG, seed: int = 0, rank: int = 0) -> DeviceFeed:
    photographs = load_photographs(library, "cpu", workers=1)
    return DeviceFeed(photographs, ChromaDeviceSampler(config, HINTS), config, seed, rank, 2)


def test_a_batch_depends_on_seed_step_and_worker_alone(library: Library) -> None:
    first, again = feed(library).batch(3), next(iter(feed(library).batches(3)))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert len(first["gray_b1hw"]) == 25
    for other in (feed(library, seed=1).batch(3), feed(library).batch(4),
                  feed(library, rank=1).batch(3)):  # fmt: skip
        assert not torch.equal(first["gray_b1hw"], other["gray_b1hw"])


def test_sizes_take_turns_at_as_many_pixels(library: Library) -> None:
    config = FeedConfig(crop_px=64, sizes_px=(32, 64, 96), batch_size=36)
    sizes = [size_of(config, step) for step in range(4)]
    assert sizes == [(32, 144), (64, 36), (96, 16), (32, 144)]
    assert feed(library, config).batch(2)["gray_b1hw"].shape == (8, 1, 96, 96)


def test_hints_say_the_true_colour_of_their_place(library: Library) -> None:
    config = FeedConfig(crop_px=64, zoom=1.0, batch_size=16)
    photographs = load_photographs(library, "cpu", workers=1)
    batch = DeviceFeed(photographs, ChromaDeviceSampler(config, 1.0), config, 0).batch(0)
    planes = batch["hints_b3hw"]
    assert set(planes[:, 2].unique().tolist()) == {0.0, 1.0}
    assert bool((planes[:, 2].flatten(1).sum(dim=1) >= 1).all())
    near = colour_of(batch["cell_bhw"]).repeat_interleave(4, 1).repeat_interleave(4, 2)
    off = (planes[:, :2].permute(0, 2, 3, 1) * 110 - near).norm(dim=-1)[planes[:, 2] == 1]
    assert off.median() < 4
