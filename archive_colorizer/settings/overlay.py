"""Values from a file or a command line, laid over a frozen config."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from archive_colorizer.errors import ConfigError, suggest
from archive_colorizer.settings.schema import check_value, is_checked, list_settings

Config = TypeVar("Config")


def lay_over(base: Config, values: Mapping[str, object], where: str, section: str) -> Config:
    """Lay values over a config, a frozen dataclass.

    Args:
        base: the config.
        values: key -> value; a list is taken for a tuple.
        where: a file's path, or `command line`, for messages.
        section: the config's name in a file.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of range.
    """
    changes = read_values(type(base), values, where, section)
    try:
        return replace(base, **changes)  # type: ignore[type-var]
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def read_values(
    kind: type[Any], values: Mapping[str, object], where: str, section: str
) -> dict[str, object]:
    """Read a section for a config class: former names are replaced, lists become tuples.

    Raises:
        ConfigError: an unknown key, or a value of the wrong type for a plain dataclass.
    """
    known = list_settings(kind)
    current = {one.said.former: key for key, one in known.items() if one.said.former}
    found: dict[str, object] = {}
    for given, value in values.items():
        key = current.get(given, given)
        if key not in known:
            raise ConfigError(f"{where}: [{section}]: unknown key {given!r}{suggest(given, known)}")
        found[key] = tuple(value) if isinstance(value, list) else value
        if not is_checked(kind):
            check_value(kind, key, found[key], f"{where}: {section}.")
    return found


def read_file(path: str) -> dict[str, object]:
    """Read the sections of a TOML configuration file.

    Raises:
        ConfigError: the file is missing or not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
