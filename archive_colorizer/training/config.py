"""The settings of `train`: sections laid over a recipe's own settings, checked at birth.

A configuration file is TOML: `family`, which may also stand on the command line, and the sections
`[data]`, `[feed]`, `[loop]`, `[model]`, `[recipe]` and `[run]`; over it lies the parameter table,
over that the command line.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Final

from archive_colorizer.data.config import DataConfig
from archive_colorizer.errors import ConfigError, suggest
from archive_colorizer.models.table import MODELS
from archive_colorizer.settings.overlay import lay_over, read_values
from archive_colorizer.training.settings import FeedConfig, LoopConfig, TrainRunConfig
from archive_colorizer.training.table import RECIPES, RecipeSpec

BUDGET: Final = ("steps", "epochs", "minutes")
SECTIONS: Final = ("data", "feed", "loop", "model", "recipe", "run")
FAMILY: Final = "family"
"""Key of a file, beside its sections, that names the recipe."""
Layer = tuple[str, Mapping[str, Any]]
"""Where it is from (for messages), and its sections."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """One run of training."""

    recipe: str
    """Key in RECIPES."""
    output: str
    data: DataConfig
    feed: FeedConfig
    loop: LoopConfig
    settings: Any
    """The recipe's own config."""
    model: Mapping[str, Any] = field(default_factory=dict)
    """Settings that lie over the family's."""
    run: TrainRunConfig = field(default_factory=TrainRunConfig)

    @property
    def spec(self) -> RecipeSpec:
        """The recipe's entry in the table."""
        return RECIPES[self.recipe]

    def family(self, *, translates: bool) -> str:
        """Key in MODELS."""
        return self.spec.translator if translates else self.spec.family

    def model_config(self, *, translates: bool) -> Any:  # noqa: ANN401 (each family has its own)
        """The family's config.

        Raises:
            ConfigError: a setting that it does not have, or that it refuses.
        """
        base = MODELS[self.family(translates=translates)].config()
        if translates:
            base = replace(base, **self.spec.translator_model)
        try:
            return lay_over(base, self.model, self.recipe, "model")
        except ValueError as error:
            raise ConfigError(f"{self.recipe}: [model]: {error}") from error

    def to_toml(self) -> str:
        """The settings as a file for --config; where and how it ran is left out, but for `init`."""
        parts = self._sections()
        parts["run"] = {"init": self.run.init, "workers": self.run.workers}
        del parts["data"]["data"]
        parts["loop"] = {k: v for k, v in parts["loop"].items() if v or k not in BUDGET}
        # For text, numbers, true, false and lists JSON is TOML.
        return f"{FAMILY} = {json.dumps(self.recipe)}\n\n" + "\n".join(
            f"[{name}]\n"
            + "".join(f"{k} = {json.dumps(v)}\n" for k, v in part.items() if v is not None)
            for name, part in parts.items()
        )

    def _sections(self) -> dict[str, dict[str, Any]]:
        return {
            "data": asdict(self.data),
            "feed": asdict(self.feed),
            "loop": asdict(self.loop),
            "model": dict(self.model),
            "recipe": asdict(self.settings),
        }

    def parameters(self) -> dict[str, Any]:
        """Everything that decides what is learned, flat, by section.key, as run.json has it."""
        parts = self._sections()
        flat = {
            f"{name}.{key}": value for name, part in parts.items() for key, value in part.items()
        }
        flat["data.form"] = flat.pop("data.layout")  # its name in the records of earlier runs
        return {"recipe": self.recipe, "init": self.run.init, "workers": self.run.workers} | flat


def compose(recipe: str, output: str, layers: Sequence[Layer]) -> TrainConfig:
    """Compose a run's configuration: the recipe's settings, then each layer over those before it.

    Args:
        recipe: key in RECIPES; empty takes the `family` that a layer names.
        output: the run's folder.
        layers: for example the file, the parameter table, the command line; `data.data` must be
            in one of them.

    Raises:
        ConfigError: an unknown recipe, section or key, or a value that is not allowed.
    """
    recipe = find_family(recipe, layers)
    if recipe not in RECIPES:
        raise ConfigError(f"unknown recipe {recipe!r}{suggest(recipe, RECIPES)}")
    spec = RECIPES[recipe]
    parts: dict[str, Any] = {
        "data": DataConfig(**{"data": "", **spec.data}),
        "feed": FeedConfig(**spec.feed),
        "loop": LoopConfig(epochs=20, **spec.loop),
        "recipe": spec.config(),
        "run": TrainRunConfig(),
    }
    model: dict[str, Any] = {}
    for where, layer in layers:
        for name, values in layer.items():
            if name == FAMILY:
                continue
            if name not in SECTIONS or not isinstance(values, Mapping):
                raise ConfigError(f"{where}: unknown section {name!r}{suggest(name, SECTIONS)}")
            if name == "model":
                read_values(MODELS[spec.family].config, values, where, name)
                model |= values
            else:
                given = _replace_budget(values, where) if name == "loop" else values
                parts[name] = lay_over(parts[name], given, where, name)
    config = TrainConfig(
        recipe=recipe, output=output, data=parts["data"], feed=parts["feed"], loop=parts["loop"],
        settings=parts["recipe"], model=model, run=parts["run"],
    )  # fmt: skip
    _check(config)
    return config


def find_family(named: str, layers: Sequence[Layer]) -> str:
    """Find the recipe that a run is of: the one named, or the `family` of a layer.

    Args:
        named: on the command line; may be empty.
        layers: as `compose` takes them.

    Raises:
        ConfigError: nobody names one, or two are named.
    """
    for where, layer in layers:
        said = layer.get(FAMILY, named)
        if not isinstance(said, str) or (named and said != named):
            before = f": it is {named!r} on the command line" if named else ": must be text"
            raise ConfigError(f"{where}: {FAMILY}={said!r}{before}")
        named = said
    if not named:
        raise ConfigError(
            f'no model family is named: train FAMILY DATA, or {FAMILY} = "..." in the --config file'
        )
    return named


def has_setting(recipe: str, place: str) -> bool:
    """Whether section.key is a setting of a recipe's runs; an unknown recipe has all."""
    name, _, key = place.partition(".")
    if recipe not in RECIPES or name not in ("model", "recipe"):
        return True
    spec = RECIPES[recipe]
    kind = spec.config if name == "recipe" else MODELS[spec.family].config
    return key in {item.name for item in fields(kind)}


def _check(config: TrainConfig) -> None:
    config.model_config(translates=False)
    if config.feed.batch_size % config.run.workers:
        raise ConfigError(
            f"{config.run.workers} workers cannot share a batch of {config.feed.batch_size} evenly"
        )
    if config.run.engine == "local" and config.run.workers > 1:
        raise ConfigError("--engine local is one process: it has one worker")


def _replace_budget(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Give a layer's steps, epochs or minutes the place of those below it."""
    given = dict(values)
    budget = [name for name in BUDGET if name in given]
    if any(given[name] for name in budget):
        given = dict.fromkeys(BUDGET, 0) | given
    elif budget:
        raise ConfigError(f"{where}: loop.{budget[0]}={given[budget[0]]}: must be over 0")
    if type(given.get("epochs")) is int:
        given["epochs"] = float(given["epochs"])
    return given
