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
    make_choice_parser,
    make_number_parser,
    make_parser,
    read_overrides,
)
from archive_colorizer.settings.schema import Setting, list_settings
from archive_colorizer.training.settings import FeedConfig, LoopConfig

COLORIZING: Final[Mapping[str, type[Any]]] = {"color": ColorConfig, "output": OutputConfig}
TRAINING: Final[Mapping[str, type[Any]]] = {
    "data": DataConfig, "feed": FeedConfig, "loop": LoopConfig,
}  # fmt: skip
OF_FAMILIES: Final[Mapping[str, tuple[Parse, str]]] = {
    "KSIZE": (make_number_parser(int, Setting(ge=2, le=9)), "model.kernel"),
    "WIDTH": (make_number_parser(int, Setting(ge=1, le=1024)), "model.width"),
    "GAN": (make_choice_parser("bce", "lsgan"), "recipe.gan"),
    "L1": (make_number_parser(float, Setting(ge=0)), "recipe.l1"),
}
"""Settings of model families and recipes, whose classes load torch and are therefore not asked."""


def list_places(sections: Mapping[str, type[Any]]) -> Iterator[tuple[str, str]]:
    """List PARAM_NAME and section.key of every setting with such a name."""
    for section, kind in sections.items():
        for key, setting in list_settings(kind).items():
            if setting.said.param:
                yield setting.said.param, f"{section}.{key}"


def list_parsers() -> dict[str, Parse]:
    """List how the cells of each PARAM_NAME are read."""
    found = {name: parse for name, (parse, _) in OF_FAMILIES.items()}
    for kind in (*TRAINING.values(), *COLORIZING.values()):
        found |= {
            setting.said.param: make_parser(setting)
            for setting in list_settings(kind).values()
            if setting.said.param
        }
    return found


def read_for_colorizing(path: str, category: str) -> dict[str, dict[str, Value]]:
    """Read a category's parameters as sections of a job's configuration.

    Raises:
        ConfigError: as `read_overrides`.
    """
    values = read_overrides(path, category, list_parsers())
    place = dict(list_places(COLORIZING))
    return group_sections((place[name], v) for name, v in values.items() if name in place)


def read_for_training(
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
    values = read_overrides(path, category, list_parsers())
    found = [*list_places(TRAINING), ("RESOL", "model.resolution")]
    found += [(name, place) for name, (_, place) in OF_FAMILIES.items()]
    return group_sections(
        (place, values[name]) for name, place in found if name in values and has(place)
    )
