"""The recipe: everything that decides what a derivative looks like, and its digest."""

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any, Final

from archive_colorizer.pipeline.config import ColorConfig, JobConfig, OutputConfig
from archive_colorizer.pipeline.pins import LATER

RECIPE_VERSION: Final = 2
"""Raised when the same settings begin to give other pixels: every picture is then done again."""


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
    if not color["homomorphic"]:
        color = {key: value for key, value in color.items() if not key.startswith("homomorphic_")}
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


def read_settings(text: str) -> dict[str, dict[str, Any]]:
    """Read back the settings of `color` and `output` that a recipe stands for.

    What it leaves out has the value of LATER, which may not be today's default.

    Raises:
        ValueError: it is no recipe.
        KeyError: it has not both sections.
    """
    said = json.loads(text)
    sections = {}
    for name, kind in (("color", ColorConfig), ("output", OutputConfig)):
        known = {item.name for item in fields(kind)}
        left_out = {key: value for key, value in LATER.items() if key in known}
        sections[name] = left_out | said[name]
    return sections
