"""Prepare: a small grey proxy for the model, and whether the master wants colouring at all."""

import io
import time
from collections.abc import Sequence
from dataclasses import replace

from archive_colorizer.config import ColorConfig, RunConfig
from archive_colorizer.errors import PhotoError
from archive_colorizer.pipeline.faults import naming
from archive_colorizer.pipeline.read import Opened
from archive_colorizer.pipeline.step import Kind, each, failure, ms_since
from archive_colorizer.records import Outcome, Prepared, SourceFacts, Status
from archive_colorizer.storage import open_uri


class Prepare:
    """Opened -> Prepared, or a skipped Outcome for a master that really is in colour."""

    name = "prepare"
    kind: Kind = "cpu"

    def __init__(self, color: ColorConfig, run: RunConfig) -> None:
        self._color = color

    def setup(self) -> None:
        """Nothing to load."""

    def __call__(self, batch: Sequence[Opened]) -> list[object]:
        """Prepare each picture; a picture's fault becomes its outcome."""
        return each(self._one, batch)
