"""The recipe: everything that decides what a derivative looks like, and its digest."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from archive_colorizer.pipeline.config import JobConfig

RECIPE_VERSION: Final = 2
"""Raised when the same settings begin to give other pixels: every picture is then done again."""

LATER: Final[Mapping[str, object]] = {
    "label": "", "sharpen": 0.0, "upscale": 1, "content_box": "auto", "negatives": "review",
    "publish_paths": False, "watermark": "off", "reversible": False, "homomorphic": False,
    "glare": "off", "lossless": False, "tiles": "deflate", "access_px": 0,
}  # fmt: skip
"""Settings that were added later: at these values the recipe leaves them out."""


def recipe(config: JobConfig, *weights_sha256: str) -> dict[str, Any]:
    """Everything that decides what a derivative looks like, and nothing else.

    Args:
        config: of the job.
        weights_sha256: of the model, and of the one that restores or enlarges after it where there
            is one.
    """
    named = ("model", "restore", "upscaler")
    after = "upscale_sha256" if config.color.upscale > 1 else "restore_sha256"
    color = {key: value for key, value in asdict(config.color).items() if key not in named}
    output = asdict(config.deliver)
    del output["name_by"]  # a name is no part of a picture
    if output["mark"] == "off":
        del output["mark"], output["mark_text"]
    for section in (color, output):
        for key in LATER.keys() & section.keys():
            if section[key] == LATER[key]:
                del section[key]
    return {
        "recipe_version": RECIPE_VERSION,
        "weights_sha256": weights_sha256[0],
        "color": color,
        "output": output,
    } | ({after: weights_sha256[1]} if weights_sha256[1:] else {})


def recipe_text(config: JobConfig, *weights_sha256: str) -> str:
    """Write the recipe as canonical JSON."""
    return json.dumps(recipe(config, *weights_sha256), sort_keys=True, separators=(",", ":"))


def recipe_digest(config: JobConfig, *weights_sha256: str) -> str:
    """Compute the SHA-256, hex, of the recipe's text."""
    return hashlib.sha256(recipe_text(config, *weights_sha256).encode()).hexdigest()
