"""Whether a run's samples are drawn on the host or on the device."""

import logging
import os
from typing import Final

from archive_colorizer.data.library import Library
from archive_colorizer.errors import ConfigError
from archive_colorizer.training.config import TrainConfig
from archive_colorizer.training.group import Group
from archive_colorizer.training.on_device.feed import DeviceFeed, DeviceSampler
from archive_colorizer.training.on_device.photographs import load_photographs
from archive_colorizer.training.recipe import Recipe

LOG: Final = logging.getLogger("archive_colorizer")


def device_feed(
    recipe: Recipe, library: Library, config: TrainConfig, device: str, group: Group
) -> DeviceFeed | None:
    """The feed that draws on the device, where the settings want it; None: the host draws.

    Raises:
        ConfigError: it is asked for, and the recipe or the data cannot be drawn there.
    """
    sampler: DeviceSampler | None = getattr(recipe, "device_sampler", None)
    able = sampler is not None and (sampler.takes_partners or not library.has_partners)
    wanted = config.feed.place
    if wanted == "host" or (wanted == "auto" and not (able and device.startswith("cuda"))):
        if config.feed.sizes_px:
            raise ConfigError("feed.sizes_px: needs feed.place=device")
        return None
    if sampler is None or not able:
        why = "pairs" if sampler is not None else f"the recipe {config.recipe}"
        raise ConfigError(f"feed.place=device: {why} cannot be drawn there")
    workers = os.cpu_count() or 1
    LOG.info("decoding %s photographs for %s", f"{len(library):,}", device)
    photographs = load_photographs(library, device, workers=workers, least_px=sampler.least_px)
    return DeviceFeed(photographs, sampler, config.feed, config.loop.seed, group.rank, group.size)
