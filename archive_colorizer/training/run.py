"""Train a model from the first picture to the card: the file to read first.

`train` gathers the pictures, hands the work to an engine and reports; `work` is what each worker
does, with Ray or without.

    RUN/run.json        the settings, and the MLflow run
    RUN/data/           the gathered pictures, and a verdict on each
    RUN/last.pt         the whole state, to go on from
    RUN/model/          weights, card and settings: a model reference
"""

import json
import logging
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch

from archive_colorizer import __version__
from archive_colorizer.data.library import Gathered, Library, gather
from archive_colorizer.errors import ConfigError, LocationError
from archive_colorizer.models.catalog import UNPAIRED
from archive_colorizer.models.table import MODELS
from archive_colorizer.registry.connection import default_uri
from archive_colorizer.registry.resolve import load, resolve
from archive_colorizer.registry.tracking import MlflowTracker, NoTracker, Tracker
from archive_colorizer.training.config import TrainConfig, has_setting
from archive_colorizer.training.feed import Feed, FeedConfig
from archive_colorizer.training.follower import Follower
from archive_colorizer.training.group import ALONE, Group
from archive_colorizer.training.journal import Journal, last_figures, validations
from archive_colorizer.training.loop import CHECKPOINT, Loop
from archive_colorizer.training.on_device.choice import device_feed
from archive_colorizer.training.plan import MakeBatches, TrainPlan
from archive_colorizer.training.validation import Validator
from archive_colorizer.version import git_commit
from archive_colorizer.weights.card import ModelCard, joint_rights
from archive_colorizer.weights.local import save_model

LOG: Final = logging.getLogger("archive_colorizer")
RECORD: Final = "run.json"
SETTINGS: Final = "train.toml"
BUDGET_KEYS: Final = ("loop.steps", "loop.epochs", "loop.minutes", "loop.checkpoint_minutes",
                      "workers")  # fmt: skip
"""What a resumed run may have otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """What came of a run."""

    folder: str
    steps: int
    goal: str
    start: float
    """The goal's loss on held-out pictures before the first step."""
    end: float
    figures: dict[str, float]

    def text(self) -> str:
        """A summary for people."""
        lines = [
            f"{self.steps:,} steps; held-out {self.goal} {self.start:.4f} -> {self.end:.4f}",
            ", ".join(f"{k} {v:.3f}" for k, v in self.figures.items() if "/" not in k),
            f"model: {self.folder}/model",
            f"losses: {self.folder}/losses.png, samples: {self.folder}/samples/",
        ]
        return "\n".join(lines)


def train(config: TrainConfig) -> TrainReport:
    """Train, and leave a model with its card in the run's folder.

    Raises:
        UsageError: data, settings, folder, model or MLflow are not as they should be.
    """
    folder = _folder(config)
    config = _with_names(_inheriting(config))
    LOG.info("gathering pictures of %s", config.data.data)
    gathered = gather(config.data, folder / "data")
    LOG.info("%s", gathered.report)
    if gathered.unpaired != (config.recipe in UNPAIRED):
        kind = "two unpaired sets" if gathered.unpaired else "no two unpaired sets (--domains A,B)"
        raise ConfigError(f"{config.recipe} cannot learn from {config.data.data}: it has {kind}")
    if gathered.colour_sources and not config.spec.translator:
        raise ConfigError(f"{config.recipe} colours: it cannot learn from sources in colour")
    config.model_config(translates=gathered.colour_sources)
    plan = _plan(config, folder, gathered)
    with Follower(folder):
        if config.run.engine == "local":
            work(plan, lambda feed, step: feed.batches(step))
        else:
            from archive_colorizer.training.ray import train_on_ray  # Ray is slow to load

            train_on_ray(plan, work)
    return _report(config, folder)


def work(
    plan: TrainPlan, make_batches: MakeBatches, group: Group = ALONE, device: str = ""
) -> None:
    """One worker's part: build, train, and on the first worker write everything down.

    Args:
        plan: the run.
        make_batches: gives this worker's batches.
        group: its fellows.
        device: torch's name; empty chooses by the configuration.
    """
    config, folder = plan.config, Path(plan.folder)
    device = device or choose_device(config.run.device)
    translates = plan.gathered.colour_sources
    family = config.family(translates=translates)
    library, test = Library(plan.gathered.train), Library(plan.gathered.test)
    torch.manual_seed(config.loop.seed)
    module = MODELS[family].build(config.model_config(translates=translates))
    _check_size(module, config.feed)
    recipe = config.spec.build(module, config.settings, config.feed, library, translates=translates)
    if config.run.init:  # after the recipe, which may draw the first weights its own way
        _start_from(config.run.init, module, family)
    torch.manual_seed(config.loop.seed + group.rank)
    feed = Feed(library, recipe.sampler, config.feed.batch_size, config.loop.seed)
    drawn_there = device_feed(recipe, library, config, device, group)
    tracker = _tracker(plan) if group.rank == 0 else NoTracker()
    validator = Validator(test, config.feed, MODELS[family].task, config.loop.seed)
    loop = Loop(
        recipe,
        config.loop,
        folder,
        epoch_steps=max(1, len(library) // config.feed.batch_size),
        device=device,
        group=group,
        watcher=None if group.rank
        else Journal(folder, validator, tracker, config.run.sample_every),
    )  # fmt: skip
    ended = False
    try:
        batches = drawn_there.batches if drawn_there else lambda step: make_batches(feed, step)
        loop.run(batches, resume=True)
        if group.rank == 0:
            card = _card(plan, loop, family)
            save_model(folder / "model", loop.ema, card)
            (folder / "model" / SETTINGS).write_text(config.to_toml(), encoding="utf-8")
            for path in sorted((folder / "model").iterdir()):
                tracker.file(path, "model")
        ended = True
    finally:
        tracker.finish(failed=not ended)


def choose_device(wanted: str) -> str:
    """`cpu` or `cuda`.

    Raises:
        ConfigError: cuda is asked for and not there.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("--device cuda: no GPU is there")
    there = torch.cuda.is_available()
    return "cuda" if wanted == "cuda" or (wanted == "auto" and there) else "cpu"


def _inheriting(config: TrainConfig) -> TrainConfig:
    """With the settings of the model that it starts from, under those that are given, and with no
    better rights than all of its weights have.
    """
    rights = [config.run.data_rights]
    if getattr(config.settings, "generator", ""):  # a public file has no card
        rights.append("unknown")
    model = config.model
    if config.run.init:
        card = resolve(config.run.init).card
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


def _with_names(config: TrainConfig) -> TrainConfig:
    """The model knows the names of its kinds of pictures or of its classes, in their order."""
    data = config.data
    if config.recipe in UNPAIRED and data.domains:
        return replace(config, model={"domains": data.domains, **config.model})
    if data.classes and not has_setting(config.recipe, "recipe.classes"):
        raise ConfigError(f"{config.recipe} has no classes")
    if not data.classes:
        return config
    named = {} if "=" in data.classes[0] else {"classes": data.classes}
    return replace(
        config,
        settings=replace(config.settings, classes=data.classes),
        model={**(named and named | {"n_classes": len(data.classes)}), **config.model},
    )


def _folder(config: TrainConfig) -> Path:
    """The run's folder, new or to go on in."""
    folder = Path(config.output).resolve()
    if (folder / CHECKPOINT).exists() and not config.run.resume:
        raise LocationError(
            f"{config.output}: holds a run already: go on with --resume, or name another folder"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".probe.tmp").touch()
        (folder / ".probe.tmp").unlink()
    except OSError as error:
        raise LocationError(f"{config.output}: cannot write there: {error.strerror}") from error
    return folder


def _plan(config: TrainConfig, folder: Path, gathered: Gathered) -> TrainPlan:
    """The record of the run, new or of the run that goes on."""
    parameters = json.loads(json.dumps(config.parameters()))
    parameters["data.split_sha256"] = gathered.split_sha256
    commit = git_commit()
    record: dict[str, Any] = {"mlflow_uri": "", "mlflow_run_id": ""}
    path = folder / RECORD
    if config.run.resume and path.exists():
        record = json.loads(path.read_text(encoding="utf-8"))
        _same(record["parameters"], parameters, config.output)
    uri = (record["mlflow_uri"] or default_uri()) if config.run.mlflow else ""
    if uri and not record["mlflow_run_id"]:
        tags = {"git_commit": commit, "version": __version__, "recipe": config.recipe}
        tracker = MlflowTracker(
            uri, config.run.experiment, config.run.name or folder.name, parameters, tags
        )
        record["mlflow_run_id"] = tracker.run_id
    record |= {"parameters": parameters, "commit": commit, "version": __version__,
               "mlflow_uri": uri}  # fmt: skip
    path.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return TrainPlan(
        config=config, folder=str(folder), gathered=gathered, mlflow_uri=uri,
        mlflow_run_id=record["mlflow_run_id"] if uri else "", commit=commit,
    )  # fmt: skip


def _same(before: dict[str, Any], now: dict[str, Any], where: str) -> None:
    """A resumed run must be the same one, but for how long it may take.

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


def _tracker(plan: TrainPlan) -> Tracker:
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


def _start_from(ref: str, module: torch.nn.Module, family: str) -> None:
    model = resolve(ref)
    if model.card.family != family:
        raise ConfigError(f"--init {ref}: is a {model.card.family}, the data make a {family}")
    try:
        module.load_state_dict(load(model).state_dict())
    except RuntimeError as error:
        text = " ".join(str(error).split())[:200]
        raise ConfigError(f"--init {ref}: does not fit the settings: {text}") from error


def _card(plan: TrainPlan, loop: Loop, family: str) -> ModelCard:
    config, folder = plan.config, Path(plan.folder)
    samples = loop.step * config.feed.batch_size
    first = resolve(config.run.init).card if config.run.init else None
    start = f", from {config.run.init}" if first else ""
    before = f" Before, {first.name} {first.version}: {first.trained_on}" if first else ""
    looks = validations(folder)
    begin, end = looks[0], looks[-1]
    goal = loop.recipe.goal
    return ModelCard(
        name=config.run.name or folder.name,
        version=time.strftime("%Y.%m.%d", time.gmtime()),
        family=family,
        config=asdict(config.model_config(translates=plan.gathered.colour_sources)),
        summary=f"Trained by archive-colorizer {__version__} with the recipe {config.recipe}.",
        trained_on=(
            f"{plan.gathered.report.splitlines()[0]}; split SHA-256 {plan.gathered.split_sha256}."
            f"{before}"
        ),
        data_rights=config.run.data_rights,
        review_doubt=first.review_doubt if first else 1.0,
        training=(
            f"{loop.step:,} steps, {samples:,} samples in {loop.spent_s / 60:.1f} minutes on "
            f"{config.run.workers} worker(s), {loop.device} ({platform.machine()}, "
            f"{torch.get_num_threads()} threads){start}; git {plan.commit[:12] or 'unknown'}. "
            f"Held-out {goal}: {begin['figures'][goal]:.4f} before, "
            f"{end['figures'][goal]:.4f} after."
        ),
        command=(
            f"archive-colorizer train {config.recipe} {config.data.data} --output RUN "
            f"--config {SETTINGS}  # beside this card"
        ),
        figures={name: round(value, 4) for name, value in last_figures(folder).items()},
        protocol=(
            f"Held-out pictures of the same data, squares of {config.feed.crop_px} pixels, "
            "averaged weights; losses over 192 samples, the others over the first 24 pictures."
        ),
        limits=("Colours are estimates, not records.",),
    )


def _report(config: TrainConfig, folder: Path) -> TrainReport:
    looks = validations(folder)
    if not looks:
        raise LocationError(f"{config.output}: the run ended before its first validation")
    first, last = looks[0]["figures"], looks[-1]["figures"]
    goal = looks[-1]["goal"]
    return TrainReport(
        folder=config.output, steps=looks[-1]["step"], goal=goal,
        start=first[goal], end=last[goal], figures=last,
    )  # fmt: skip
