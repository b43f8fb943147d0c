"""Train a model from the first picture to the card: the file to read first.

`train` gathers the pictures, hands the work to an engine and reports; `work` is the part of each
worker, with Ray or without.

    RUN/run.json        the settings, and the MLflow run
    RUN/data/           the gathered pictures, and a verdict on each
    RUN/last.pt         the whole state, to go on from, with the best weights so far
    RUN/model/          the best weights, card and settings: a model reference

RUN is a folder, or a prefix of an object store: there each worker has a temporary folder of its
own, and the first one's files are brought to RUN, the checkpoint after what it refers to.
"""

import logging
from dataclasses import dataclass
from typing import Final

import torch

from archive_colorizer.data.library import Library, gather
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.extras import require
from archive_colorizer.models.catalog import UNPAIRED
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.connection import strip_secrets
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.registry.tracking import MlflowTracker, NoTracker, Tracker
from archive_colorizer.storage.workspace import Workspace
from archive_colorizer.training.card import SETTINGS, make_card
from archive_colorizer.training.checkpoint import CHECKPOINT
from archive_colorizer.training.config import TrainConfig
from archive_colorizer.training.feed import Feed, FeedConfig
from archive_colorizer.training.follower import Follower
from archive_colorizer.training.group import ALONE, Group
from archive_colorizer.training.journal import (
    JOURNALS,
    VALIDATION,
    Journal,
    best_validation,
    validations,
)
from archive_colorizer.training.loop import Loop
from archive_colorizer.training.on_device.choice import device_feed
from archive_colorizer.training.plan import (
    MakeBatches,
    TrainPlan,
    inherit_settings,
    make_plan,
    name_outputs,
    name_small,
    open_folder,
    settle_size,
)
from archive_colorizer.training.validation import Validator
from archive_colorizer.weights.local import save_model
from archive_colorizer.weights.reference import WEIGHTS_NAME

LOG: Final = logging.getLogger("archive_colorizer")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """The outcome of a run."""

    folder: str
    steps: int
    goal: str
    start: float
    """The goal's loss on held-out pictures before the first step."""
    end: float
    """The same with the weights that the run gives: the best that were validated."""
    best_step: int
    """Step of those weights."""
    figures: dict[str, float]
    """Their held-out figures."""
    init: str = ""
    """Model reference that the run started from."""
    store: str = ""
    """The MLflow store that has the record, too; empty for none."""

    @property
    def gained_nothing(self) -> bool:
        """Whether the run started from a model and no weights of it were better than that."""
        return bool(self.init) and not self.end < self.start

    def text(self) -> str:
        """Summarise the run in some lines."""
        lines = [
            f"{self.steps:,} steps; held-out {self.goal} {self.start:.4f} -> {self.end:.4f} "
            f"at step {self.best_step:,}, the best",
            ", ".join(f"{k} {v:.3f}" for k, v in self.figures.items() if "/" not in k),
            f"model: {self.folder}/model",
            f"losses: {self.folder}/losses.png, samples: {self.folder}/samples/",
        ]
        if self.store.startswith("sqlite:"):
            lines.append(f"record: mlflow ui --backend-store-uri {self.store}")
        elif self.store:
            lines.append(f"record: {self.store}")
        if self.gained_nothing:
            lines.append(f"no gain over --init {self.init}: no later weights did better")
        return "\n".join(lines)


def train(config: TrainConfig) -> TrainReport:
    """Train, and leave a model with its card in the run's folder.

    Raises:
        UsageError: data, settings, folder, model or MLflow are not as they should be.
    """
    require("train", "training")
    with open_folder(config) as folder:
        return _train(config, folder)


def _train(config: TrainConfig, folder: Workspace) -> TrainReport:
    config = settle_size(name_outputs(inherit_settings(config)), folder)
    LOG.info("gathering pictures of %s", config.data.data)
    gathered = gather(config.data, folder.name("data"), config.run.s3)
    LOG.info("%s", gathered.report)
    if small := name_small(config, gathered):
        LOG.warning("%s", small)
    if gathered.unpaired != (config.recipe in UNPAIRED):
        kind = "two unpaired sets" if gathered.unpaired else "no two unpaired sets (--domains A,B)"
        raise ConfigError(f"{config.recipe} cannot learn from {config.data.data}: it has {kind}")
    if gathered.colour_sources and not config.spec.translator:
        raise ConfigError(f"{config.recipe} colours: it cannot learn from sources in colour")
    config.model_config(translates=gathered.colour_sources)
    plan = make_plan(config, folder, gathered)
    with Follower(folder):
        if config.run.engine == "local":
            work(plan, lambda feed, step: feed.batches(step))
        else:
            from archive_colorizer.training.ray import train_on_ray  # Ray is slow to load

            train_on_ray(plan, work)
    return _make_report(plan, folder)


def work(
    plan: TrainPlan, make_batches: MakeBatches, group: Group = ALONE, device: str = ""
) -> None:
    """Do one worker's part: build, train, and on the first worker write everything down.

    Args:
        plan: the run.
        make_batches: gives this worker's batches.
        group: its fellows.
        device: torch's name; empty chooses by the configuration.
    """
    with Workspace(plan.folder, plan.config.run.s3) as folder:
        folder.fetch(CHECKPOINT, *(() if group.rank else JOURNALS))
        _work(plan, make_batches, group, device, folder)


def _work(
    plan: TrainPlan, make_batches: MakeBatches, group: Group, device: str, folder: Workspace
) -> None:
    config = plan.config
    device = device or choose_device(config.run.device)
    translates = plan.gathered.colour_sources
    family = config.family(translates=translates)
    library, test = (
        Library(path, config.run.s3) for path in (plan.gathered.train, plan.gathered.test)
    )
    torch.manual_seed(config.loop.seed)
    module = MODELS[family].build(config.model_config(translates=translates))
    _check_size(module, config.feed)
    recipe = config.spec.build(module, config.settings, config.feed, library, translates=translates)
    if config.run.init:  # after the recipe, which may draw the first weights its own way
        _start_from(config, module, family)
    torch.manual_seed(config.loop.seed + group.rank)
    feed = Feed(library, recipe.sampler, config.feed.batch_size, config.loop.seed)
    drawn_there = device_feed(recipe, library, config, device, group)
    tracker = _open_tracker(plan) if group.rank == 0 else NoTracker()
    validator = Validator(test, config.feed, MODELS[family].task, config.loop.seed)
    loop = Loop(
        recipe,
        config.loop,
        folder,
        epoch_steps=max(1, len(library) // config.feed.batch_size),
        device=device,
        group=group,
        watcher=None if group.rank
        else Journal(folder, validator, tracker, config.run.sample_every,
                     begins_trained=bool(config.run.init)),
    )  # fmt: skip
    ended = False
    try:
        batches = drawn_there.batches if drawn_there else lambda step: make_batches(feed, step)
        loop.run(batches, resume=True)
        if group.rank == 0:
            _save_best(plan, loop, family, tracker)
        ended = True
    finally:
        tracker.finish(failed=not ended)


def _save_best(plan: TrainPlan, loop: Loop, family: str, tracker: Tracker) -> None:
    """Write RUN/model: the best averaged weights; the last of an old run that kept no best."""
    folder = loop.folder / "model"
    if loop.best:
        loop.ema.load_state_dict(loop.best.weights)
    card = make_card(plan, loop, family)
    save_model(folder, loop.ema, card)
    (folder / SETTINGS).write_text(plan.config.to_toml(), encoding="utf-8")
    tracker.model(folder, card)
    loop.run_folder.publish(last=(f"{folder.name}/{WEIGHTS_NAME}",))


def choose_device(wanted: str) -> str:
    """Choose `cpu` or `cuda`.

    Raises:
        ConfigError: cuda is asked for and not there.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: no GPU is there")
    there = torch.cuda.is_available()
    return "cuda" if wanted == "cuda" or (wanted == "auto" and there) else "cpu"


def _open_tracker(plan: TrainPlan) -> Tracker:
    if not plan.mlflow_uri:
        return NoTracker()
    run = plan.config.run
    return MlflowTracker(
        plan.mlflow_uri, run.experiment, run.name, {}, {}, run_id=plan.mlflow_run_id
    )


def _check_size(module: torch.nn.Module, feed: FeedConfig) -> None:
    multiple = int(getattr(module, "size_multiple", getattr(module, "scale", 1)))
    if feed.crop_px % multiple:
        raise ConfigError(
            f"feed.crop_px={feed.crop_px} (RESOL): must be a multiple of {multiple} for this model"
        )
    if any(px % multiple for px in feed.sizes_px):
        raise ConfigError(
            f"feed.sizes_px={feed.sizes_px}: must be multiples of {multiple} for this model"
        )


def _start_from(config: TrainConfig, module: torch.nn.Module, family: str) -> None:
    ref = config.run.init
    model = resolve(ref, s3=config.run.s3)
    if model.card.family != family:
        raise ConfigError(f"--init {ref}: is a {model.card.family}, the data make a {family}")
    try:
        module.load_state_dict(load(model).state_dict())
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise ConfigError(f"--init {ref}: does not fit the settings: {text}") from error


def _make_report(plan: TrainPlan, run_folder: Workspace) -> TrainReport:
    config = plan.config
    run_folder.fetch(VALIDATION)
    folder = run_folder.here
    seen = validations(folder)
    if not seen:
        raise LocationError(f"{config.output}: the run ended before its first validation")
    goal, best = seen[-1]["goal"], best_validation(folder)
    return TrainReport(
        folder=config.output.rstrip("/"), steps=seen[-1]["step"], goal=goal,
        start=seen[0]["figures"][goal], end=best["figures"][goal], best_step=best["step"],
        figures=best["figures"], init=config.run.init,
        store=strip_secrets(plan.mlflow_uri),
    )  # fmt: skip
