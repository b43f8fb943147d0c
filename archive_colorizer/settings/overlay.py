"""Values from a file or a command line, laid over a frozen config and checked against its types."""

import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from archive_colorizer.errors import ConfigError

Section = TypeVar("Section")


def _accepts(annotation: object, value: object) -> bool:
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return any(
            type(value) is type(item) and value == item for item in typing.get_args(annotation)
        )
    if origin in (types.UnionType, typing.Union):
        return any(_accepts(item, value) for item in typing.get_args(annotation))
    if origin is tuple:
        kind = typing.get_args(annotation)[0]
        return isinstance(value, list | tuple) and all(_accepts(kind, item) for item in value)
    if annotation is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return (annotation is types.NoneType and value is None) or (
        isinstance(annotation, type) and isinstance(value, annotation)
    )


def _wanted(annotation: object) -> str:
    args = typing.get_args(annotation)
    if typing.get_origin(annotation) is Literal:
        return "one of " + ", ".join(str(arg) for arg in args)
    if typing.get_origin(annotation) is tuple:
        return f"a list of {_wanted(args[0])}"
    return str(getattr(annotation, "__name__", annotation))


def section(base: Section, values: Mapping[str, object], where: str) -> Section:
    """`base` (a frozen config dataclass) with `values` laid over it.

    Raises:
        ConfigError: an unknown key, a value of the wrong type or out of range; `where` says in
            which file or section.
    """
    hints = typing.get_type_hints(type(base))
    known: dict[str, Field[Any]] = {item.name: item for item in fields(base)}  # type: ignore[arg-type]
    changes: dict[str, object] = {}
    for key, value in values.items():
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r} (known: {', '.join(known)})")
        if not _accepts(hints[key], value):
            raise ConfigError(f"{where}: {key}={value!r} must be {_wanted(hints[key])}")
        changes[key] = tuple(value) if isinstance(value, list) else value
    return replace(base, **changes)  # type: ignore[type-var]


def read_file(path: str) -> dict[str, object]:
    """The sections of a TOML configuration file.

    Raises:
        ConfigError: the file is missing or not TOML.
    """
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot read the configuration: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
