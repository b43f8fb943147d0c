"""Settings as keyword arguments: by their names in docs/reference/settings.md, without sections."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Final

from archive_colorizer.errors import ConfigError, suggest
from archive_colorizer.pipeline.config import SECTIONS, JobConfig, overlay

Names = Mapping[str, Iterable[str]]
"""Section -> keys."""


def _list_names() -> dict[str, tuple[str, ...]]:
    config = JobConfig(source="", output="")
    return {
        section: tuple(item.name for item in fields(getattr(config, attribute)))
        for section, attribute in SECTIONS.items()
    }


OF_A_JOB: Final = _list_names()
"""Every setting of a job; no name stands in two sections."""


def lay_keywords(
    config: JobConfig, given: Mapping[str, object], where: str, names: Names = OF_A_JOB
) -> JobConfig:
    """Lay keyword arguments over a configuration.

    Args:
        config: the base.
        given: settings by name; a path may be an `os.PathLike`.
        where: the function's name, for messages.
        names: the settings that are allowed.

    Raises:
        ConfigError: an unknown name, or a value that the setting does not take.
    """
    section_of = {key: section for section, keys in names.items() for key in keys}
    sections: dict[str, dict[str, object]] = {}
    for name, value in given.items():
        if name not in section_of:
            raise ConfigError(f"{where}: unknown setting {name!r}{suggest(name, section_of)}")
        plain = os.fspath(value) if isinstance(value, os.PathLike) else value
        sections.setdefault(section_of[name], {})[name] = plain
    return overlay(config, sections, where)
