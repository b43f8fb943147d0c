"""The names of a parameter table, gathered from the settings that carry them.

One table serves training and prediction: each takes what is its own and leaves the rest.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from archive_colorizer.data.config import DataConfig
from archive_colorizer.pipeline.config import ColorConfig, OutputConfig
from archive_colorizer.settings.parameter_table import (
    Parse,
    Value,
    group_sections,
    parse_choice,
    parse_number,
    parse_setting,
    read_overrides,
)
from archive_colorizer.settings.schema import Setting, declared
from archive_colorizer.training.settings import FeedConfig, LoopConfig

COLORIZING: Final[Mapping[str, type[Any]]] = {"color": ColorConfig, "output": OutputConfig}
TRAINING: Final[Mapping[str, type[Any]]] = {
    "data": DataConfig, "feed": FeedConfig, "loop": LoopConfig,
}  # fmt: skip
OF_FAMILIES: Final[Mapping[str, tuple[Parse, str]]] = {
    "KSIZE": (parse_number(int, Setting(ge=2, le=9)), "model.kernel"),
    "WIDTH": (parse_number(int, Setting(ge=1, le=1024)), "model.width"),
    "GAN": (parse_choice("bce", "lsgan"), "recipe.gan"),
    "L1": (parse_number(float, Setting(ge=0)), "recipe.l1"),
}
"""Settings of model families and recipes, whose classes load torch and are therefore not asked."""


def places(sections: Mapping[str, type[Any]]) -> Iterator[tuple[str, str]]:
    """PARAM_NAME and section.key of every setting with such a name."""
    for section, kind in sections.items():
        for key, setting in declared(kind).items():
            if setting.said.param:
                yield setting.said.param, f"{section}.{key}"


def parses() -> dict[str, Parse]:
    """PARAM_NAME -> how its cells are read."""
    found = {name: parse for name, (parse, _) in OF_FAMILIES.items()}
    for kind in (*TRAINING.values(), *COLORIZING.values()):
        found |= {
            setting.said.param: parse_setting(setting)
            for setting in declared(kind).values()
            if setting.said.param
        }
    return found


def for_colorizing(path: str, category: str) -> dict[str, dict[str, Value]]:
    """Read a category's parameters as sections of a job's configuration.

    Raises:
        ConfigError: as `read_overrides`.
    """
    values = read_overrides(path, category, parses())
    place = dict(places(COLORIZING))
    return group_sections((place[name], v) for name, v in values.items() if name in place)


def for_training(
    path: str, category: str, has: Callable[[str], bool]
) -> dict[str, dict[str, Value]]:
    """Read a category's parameters as sections of a training run's configuration.

    Args:
        path: of the table.
        category: of the table.
        has: whether section.key is a setting of the recipe or its family; a parameter without one
            (KSIZE where the kernel is given) is left.

    Raises:
        ConfigError: as `read_overrides`.
    """
    values = read_overrides(path, category, parses())
    found = [*places(TRAINING), ("RESOL", "model.resolution")]
    found += [(name, place) for name, (_, place) in OF_FAMILIES.items()]
    return group_sections(
        (place, values[name]) for name, place in found if name in values and has(place)
    )
