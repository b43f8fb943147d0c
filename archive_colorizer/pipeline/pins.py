"""Pins: the settings and weights that OUTPUT remembers, so that no later run replaces them unasked.

They stand in job.json under `own`; what an OUTPUT of 0.2.0 has is read from its last run.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.pipeline.config import SECTIONS, JobConfig

PINNED: Final = ("color", "output")
"""Sections whose settings decide what a derivative looks like."""
MODELS: Final = ("model", "restore", "upscaler")
"""Settings of `color` that name a model: what counts of them is the weights."""

LATER: Final[Mapping[str, object]] = {
    "label": "", "sharpen": 0.0, "upscale": 1, "content_box": "auto", "negatives": "review",
    "publish_paths": False, "watermark": "off", "reversible": False, "homomorphic": False,
    "homomorphic_low": 0.5, "homomorphic_high": 1.3, "homomorphic_cutoff": 0.03, "glare": "off",
    "lossless": False, "tiles": "deflate", "access_px": 0, "projection": "flat",
}  # fmt: skip
"""Settings that were added later: what an OUTPUT has that does not name them. At these values the
recipe leaves them out."""


@dataclass(frozen=True, slots=True)
class PinnedModel:
    """A model as OUTPUT remembers it."""

    setting: str
    """Value of the setting that named it."""
    ref: str
    name: str
    version: str
    weights_sha256: str


@dataclass(frozen=True, slots=True)
class Pins:
    """What OUTPUT remembers."""

    settings: Mapping[str, Mapping[str, Any]]
    """Section -> key -> value."""
    models: Mapping[str, PinnedModel]
    """Setting (`model`, `restore`, `upscaler`) -> model."""
    recipes: tuple[str, ...] = field(default=())
    """Digests of the recipes that have been OUTPUT's own, the present one last."""

    def to_json(self) -> dict[str, Any]:
        """Give what job.json keeps."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that was given with another value than OUTPUT's."""

    setting: str
    old: object
    new: object

    def __str__(self) -> str:
        """Say it in a few words."""
        return f"{self.setting} is {self.old} in OUTPUT, {self.new} was given"


def read_pins(job: Mapping[str, Any], where: str) -> Pins | None:
    """Read the pins of an OUTPUT from its job.json; None where there is none yet.

    Raises:
        LocationError: it holds something else; `where` is named.
    """
    if not job:
        return None
    try:
        own = job["own"] if "own" in job else _read_earlier(job)
        models = {name: PinnedModel(**model) for name, model in own["models"].items()}
        return Pins(own["settings"], models, tuple(own["recipes"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise LocationError(f"{where}: is not the job.json of this program: {error}") from error


def _read_earlier(job: Mapping[str, Any]) -> dict[str, Any]:
    """Read what 0.2.0 left: the configuration and the models of its last run."""
    color = job["config"]["color"]
    models = {"model": job["model"]}
    for name, setting in (("upscaler", "upscaler"), ("restorer", "restore")):
        if job.get(name):
            models[setting] = job[name]
    return {
        "settings": {"color": color, "output": job["config"]["deliver"]},
        "models": {
            setting: {
                "setting": color[setting],
                **{key: model[key] for key in ("ref", "name", "version", "weights_sha256")},
            }
            for setting, model in models.items()
        },
        "recipes": [job["recipe_sha256"]],
    }


def make_pins(
    config: JobConfig, models: Mapping[str, PinnedModel], recipes: tuple[str, ...]
) -> Pins:
    """Make the pins of a run's own settings and models."""
    settings = {name: asdict(getattr(config, SECTIONS[name])) for name in PINNED}
    return Pins(settings, models, recipes)


def settle(config: JobConfig, pins: Pins | None) -> tuple[JobConfig, tuple[Change, ...]]:
    """Take OUTPUT's settings where none were given.

    Returns:
        The configuration of the run, and what was given otherwise than OUTPUT has it. Models are
        not among the changes: what counts of them is their weights.

    Raises:
        ConfigError: settings that were given contradict OUTPUT's own.
    """
    if pins is None:
        return config, ()
    changes: list[Change] = []
    merged: dict[str, Any] = {}
    for section in PINNED:
        attribute = SECTIONS[section]
        values = getattr(config, attribute)
        mine: dict[str, Any] = {}
        for item in fields(values):
            otherwise = LATER.get(item.name, getattr(type(values)(), item.name))
            old = pins.settings[section].get(item.name, otherwise)
            if not config.is_given(section, item.name):
                mine[item.name] = old
            elif item.name not in MODELS and getattr(values, item.name) != old:
                changes.append(Change(f"{section}.{item.name}", old, getattr(values, item.name)))
        try:
            merged[attribute] = replace(values, **mine)
        except ConfigError as error:
            raise ConfigError(f"{error} (with the settings that OUTPUT has)") from error
    return replace(config, **merged), tuple(changes)
