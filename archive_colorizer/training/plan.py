"""The plan of a training run: what its driver hands to every worker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from archive_colorizer.data.library import Gathered
from archive_colorizer.training.config import TrainConfig
from archive_colorizer.training.feed import Feed
from archive_colorizer.training.group import Group
from archive_colorizer.training.recipe import Batch

MakeBatches = Callable[[Feed, int], Iterator[Batch]]
"""(feed, first step) -> this worker's batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """A run's settings, pictures and places; pickles."""

    config: TrainConfig
    folder: str
    gathered: Gathered
    mlflow_uri: str
    mlflow_run_id: str
    commit: str


class Work(Protocol):
    """One worker's part of a run; an engine calls it on each worker, so it pickles."""

    def __call__(
        self, plan: TrainPlan, make_batches: MakeBatches, group: Group, device: str
    ) -> None:
        """Build, train, and on the first worker write everything down."""
