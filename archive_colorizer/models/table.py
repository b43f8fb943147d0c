"""Every model family by its key, with its network: built from the rows of `catalog`."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from archive_colorizer.models.catalog import FAMILIES, Family
from archive_colorizer.models.spec import ModelSpec


def load_spec(family: Family) -> ModelSpec:
    """Import a family's network; its config is the type that `build` is annotated with.

    Raises:
        ModuleNotFoundError: `models/` has no such file.
        AttributeError: the file has no `build`.
    """
    network: Any = import_module(f"archive_colorizer.models.{family.network}")
    config = network.build.__annotations__["config"]
    return ModelSpec(family.task, config, network.build, family.size_multiple)


MODELS: Final[Mapping[str, ModelSpec]] = {
    name: load_spec(family) for name, family in FAMILIES.items()
}
