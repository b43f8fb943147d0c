"""The settings of `compare`: frozen, checked at birth."""

from typing import Annotated

from archive_colorizer.errors import ConfigError
from archive_colorizer.settings.kinds import EdgePx, Seed
from archive_colorizer.settings.schema import Setting, settings


@settings("comparison")
class ComparisonConfig:
    """Which results stand side by side, and how they are shown."""

    models: Annotated[tuple[str, ...], Setting(flag="--model", metavar="REF", repeat=True)] = ()
    """Model references that colour SOURCE. Left out, the places are OUTPUTs of `colorize`."""
    output: Annotated[str, Setting(metavar="FOLDER")] = "comparison"
    """Folder for compare.html, compare.png and compare.csv, or blind.html and so on; made when
    missing."""
    blind: bool = False
    """Hide which result is whose, in an order drawn for each picture; blind.key.csv says it."""
    seed: Seed = 0
    """Draws the hidden orders."""
    sheet_rows: Annotated[int, Setting(ge=1, le=1000)] = 12
    """Pictures on the sheet, compare.png: those that differ most."""
    page_pictures: Annotated[int, Setting(ge=1, le=10_000)] = 500
    """Pictures on the page: those that differ most. The table has all."""
    picture_px: EdgePx = 480
    """Long side of the pictures that are shown and measured."""

    def __post_init__(self) -> None:
        if len(self.models) == 1:
            raise ConfigError(f"models: {self.models[0]} alone: at least two are compared")
        if len(set(self.models)) < len(self.models):
            raise ConfigError("models: one is named twice")
