"""The plan of a training run: what its driver hands to every worker.

The configuration is completed by the model that the run starts from and by the names in the data;
RUN/run.json records it, so that a run goes on with the same settings only.
"""

import json
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import pyarrow.compute as pc
import pyarrow.parquet as pq

from archive_colorizer.data.config import MAX_SHORT_PX
from archive_colorizer.data.labels import name_class
from archive_colorizer.data.library import Gathered
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.models.catalog import UNPAIRED
from archive_colorizer.registry.connection import default_uri
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.registry.tracking import MlflowTracker
from archive_colorizer.storage import absolute, open_parts, parse_location
from archive_colorizer.storage.atomic import write_atomic
from archive_colorizer.storage.workspace import Workspace
from archive_colorizer.training.checkpoint import CHECKPOINT
from archive_colorizer.training.config import TrainConfig, has_setting
from archive_colorizer.training.feed import Feed
from archive_colorizer.training.group import Group
from archive_colorizer.training.recipe import Batch
from archive_colorizer.version import __version__, git_commit
from archive_colorizer.weights.card import joint_rights

LOG: Final = logging.getLogger("archive_colorizer")
RECORD: Final = "run.json"
BUDGET_KEYS: Final = ("loop.steps", "loop.epochs", "loop.minutes", "loop.checkpoint_minutes",
                      "workers")  # fmt: skip
"""Settings that a resumed run may have otherwise."""
LEAST_SHORT_PX: Final = 256
"""Pictures are not stored smaller than this unless `data.short_px` says so."""
MakeBatches = Callable[[Feed, int], Iterator[Batch]]
"""(feed, first step) -> this worker's batches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """A run's settings, pictures and places; pickles."""

    config: TrainConfig
    folder: str
    """Of the run: a path, or an s3:// prefix."""
    name: str
    """Of the model."""
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


def inherit_settings(config: TrainConfig) -> TrainConfig:
    """Lay the settings over those of the model that the run starts from.

    The data rights become no better than those of all weights that it starts from.

    Raises:
        ConfigError: the model is of another family.
        ModelReferenceError: there is no such model.
    """
    rights = [config.run.data_rights]
    if getattr(config.settings, "generator", ""):  # a public file has no card
        rights.append("unknown")
    model = config.model
    if config.run.init:
        card = resolve(config.run.init, s3=config.run.s3).card
        if card.family not in (config.spec.family, config.spec.translator):
            raise ConfigError(
                f"--init {config.run.init}: is a {card.family}, not a {config.recipe}"
            )
        rights.append(card.data_rights)
        model = {**card.config, **model}
        if hasattr(config.settings, "encoder"):
            config = replace(config, settings=replace(config.settings, encoder="random"))
    joint = joint_rights(*rights)
    if joint != config.run.data_rights:
        LOG.info("data rights of the weights: %s, as of those that they begin from", joint)
    return replace(config, model=model, run=replace(config.run, data_rights=joint))


def name_outputs(config: TrainConfig) -> TrainConfig:
    """Give the model the names of its kinds of pictures or of its classes, in their order.

    Raises:
        ConfigError: the recipe has no classes.
    """
    data = config.data
    if config.recipe in UNPAIRED and data.domains:
        return replace(config, model={"domains": data.domains, **config.model})
    if data.classes and not has_setting(config.recipe, "recipe.classes"):
        raise ConfigError(f"{config.recipe} has no classes")
    if not data.classes:
        return config
    names = tuple(name_class(word) for word in data.classes)
    named = {} if "=" in data.classes[0] else {"classes": names}
    return replace(
        config,
        settings=replace(config.settings, classes=data.classes),
        model={**(named and named | {"n_classes": len(data.classes)}), **config.model},
    )


def settle_size(config: TrainConfig, folder: Workspace) -> TrainConfig:
    """Choose the short side that pictures are stored at, where `data.short_px` is left out.

    The smallest crop (`feed.zoom` of the short side) then has as many pixels as the network sees. A
    run that goes on keeps what it began with.
    """
    if config.data.short_px is not None:
        return config
    folder.fetch(RECORD)
    short_px, record = None, folder.here / RECORD
    if config.run.resume and record.exists():
        before = json.loads(record.read_text(encoding="utf-8"))["parameters"]
        short_px = before.get("data.short_px")
    if short_px is None:
        needed = math.ceil(network_px(config) / config.feed.zoom)
        short_px = min(MAX_SHORT_PX, max(LEAST_SHORT_PX, needed))
    return replace(config, data=replace(config.data, short_px=short_px))


def network_px(config: TrainConfig) -> int:
    """The edge of the largest crop that the network sees."""
    return max(config.feed.sizes_px or (config.feed.crop_px,))


def name_small(config: TrainConfig, gathered: Gathered) -> str:
    """Say in one line how many pictures are smaller than what the network sees; empty for none."""
    with open_parts(parse_location(gathered.verdicts), config.run.s3) as file:
        table = pq.read_table(file, columns=["width", "height", "kept"])
    short = pc.min_element_wise(table["width"], table["height"]).filter(table["kept"])
    small = short.filter(pc.less(short, network_px(config)))
    if not len(small):
        return ""
    return (
        f"{len(small):,} of {len(short):,} pictures are smaller than the {network_px(config):,} "
        f"pixels that the network sees (feed.crop_px, RESOL), the smallest "
        f"{pc.min(small).as_py():,}: they are enlarged"
    )


def open_folder(config: TrainConfig) -> Workspace:
    """Make the run's folder, or find the one to go on in; whoever opens it closes it.

    Raises:
        LocationError: it holds a run that is not to go on, or cannot be written.
    """
    folder = Workspace(absolute(config.output), config.run.s3)
    try:
        if folder.exists(CHECKPOINT) and not config.run.resume:
            raise LocationError(
                f"{config.output}: holds a run already: go on with --resume, or name another folder"
            )
        folder.check_writable()
    except LocationError:
        folder.close()
        raise
    return folder


def make_plan(config: TrainConfig, folder: Workspace, gathered: Gathered) -> TrainPlan:
    """Write RUN/run.json, or read that of the run that goes on, and begin its MLflow run.

    Raises:
        ConfigError: the run that goes on had other settings.
        LocationError: MLflow's store or the folder's cannot be reached.
    """
    parameters = json.loads(json.dumps(config.parameters()))
    parameters["data.split_sha256"] = gathered.split_sha256
    commit = git_commit()
    record: dict[str, Any] = {"mlflow_uri": "", "mlflow_run_id": ""}
    folder.fetch(RECORD)
    path = folder.here / RECORD
    name = config.run.name or folder.title
    if config.run.resume and path.exists():
        record = json.loads(path.read_text(encoding="utf-8"))
        _check_same(record["parameters"], parameters, config.output)
    uri = (record["mlflow_uri"] or default_uri()) if config.run.mlflow else ""
    if uri and not record["mlflow_run_id"]:
        tags = {"git_commit": commit, "version": __version__, "recipe": config.recipe}
        tracker = MlflowTracker(uri, config.run.experiment, name, parameters, tags)
        tracker.data(config.data.data, gathered.split_sha256, gathered.report)
        record["mlflow_run_id"] = tracker.run_id
    record |= {"parameters": parameters, "commit": commit, "version": __version__,
               "mlflow_uri": uri}  # fmt: skip
    write_atomic(path, json.dumps(record, indent=2, sort_keys=True) + "\n")
    folder.publish(only=RECORD)
    return TrainPlan(
        config=config, folder=folder.location, name=name, gathered=gathered, mlflow_uri=uri,
        mlflow_run_id=record["mlflow_run_id"] if uri else "", commit=commit,
    )  # fmt: skip


def _check_same(before: dict[str, Any], now: dict[str, Any], where: str) -> None:
    """Refuse to go on with other settings, but for how long the run may take.

    Settings that the earlier version of this program did not have are left aside.
    """
    changed = [
        key for key in sorted(before) if key not in BUDGET_KEYS and before[key] != now.get(key)
    ]
    if changed:
        key = changed[0]
        raise ConfigError(
            f"{where}: cannot go on with other settings: {key} was {before.get(key)!r}, "
            f"is {now.get(key)!r}"
        )
