"""The models that a job needs: one that colours or translates, and one that may come after it.

An OUTPUT that has models already goes on with their weights, whatever the references name by now:
`ModelFinder` looks for those first.
"""

from dataclasses import dataclass

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.models.catalog import (
    IMAGENET_CLASSES,
    TAKES_HINTS,
    TASK_OF,
    Task,
    asks_picture,
    class_number,
    has_classes,
)
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.pins import PinnedModel, Pins
from archive_colorizer.registry.fetch import is_reference
from archive_colorizer.registry.kept import find_kept
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.storage import Store
from archive_colorizer.weights.imagenet_file import find_imagenet_file
from archive_colorizer.weights.reference import ResolvedModel

Models = tuple[ResolvedModel, ...]
"""The job's model, and the one that restores or enlarges after it where there is one."""


class WeightsGoneError(ModelReferenceError):
    """OUTPUT was made with weights that cannot be had any more."""


@dataclass(frozen=True, slots=True)
class ModelFinder:
    """Finds the model that a setting names: the weights that OUTPUT remembers for it go first."""

    config: JobConfig
    store: Store | None = None
    """OUTPUT; None where it is of no interest."""
    pins: Pins | None = None
    """What OUTPUT remembers; None for a new one, or where the references are to hold."""

    def __call__(self, setting: str, ref: str) -> ResolvedModel:
        """Find a model.

        Args:
            setting: key of `color` that names it.
            ref: the model reference.

        Raises:
            ModelReferenceError: there is none.
            WeightsGoneError: OUTPUT was made with weights that cannot be had any more.
        """
        pin = self.pins.models.get(setting) if self.pins else None
        if pin is None or pin.setting != getattr(self.config.color, setting):
            return resolve(ref, s3=self.config.run.s3)
        if not is_reference(pin.ref) and pin.ref != ref:  # enlarging by another factor, say
            return resolve(ref, s3=self.config.run.s3)
        kept = self._find_kept(pin)
        if kept is not None:
            return kept
        found = resolve(ref, s3=self.config.run.s3)
        if found.weights_sha256 == pin.weights_sha256:
            return found
        raise WeightsGoneError(
            f"{ref}: names {found.title} by now; OUTPUT was made with {pin.name} {pin.version} "
            f"(SHA-256 {pin.weights_sha256[:12]}...), whose weights are neither kept nor shipped: "
            "--adopt does all its pictures with the new ones, --adopt-new only those that come, "
            "--model FILE goes on with the old ones"
        )

    def _find_kept(self, pin: PinnedModel) -> ResolvedModel | None:
        if self.store is None:
            return None
        version = pin.version if is_reference(pin.ref) else ""
        s3 = self.config.run.s3
        return find_kept(self.store, pin.weights_sha256, pin.ref, version, s3)

    def newer(self) -> str:
        """Say what a shipped or local reference names by now, where OUTPUT goes on without it."""
        pin = self.pins.models.get("model") if self.pins else None
        ref = self.config.color.model
        if pin is None or pin.setting != ref or is_reference(ref):
            return ""
        try:
            found = resolve(ref, s3=self.config.run.s3)
        except ModelReferenceError:
            return ""
        if found.weights_sha256 == pin.weights_sha256:
            return ""
        return (
            f"{ref} is {found.title} by now; OUTPUT goes on with {pin.name} {pin.version} "
            "(--adopt changes that)"
        )


def models_of(config: JobConfig, find: ModelFinder | None = None) -> Models:
    """Find the job's models, once.

    Args:
        config: of the job.
        find: finds a model; left out, references name what they name by now.

    Raises:
        UsageError: one cannot be had, may not be used, or does not go with the settings.
    """
    find = find or ModelFinder(config)
    model = find("model", config.color.model)
    if config.select.hints and model.card.family not in TAKES_HINTS:
        raise ConfigError(f"{model.ref}: --hints: {model.card.family} takes none")
    colours = task_of(model) is Task.COLORIZE
    if not colours:
        _check_colours(config, model)
    _check_reversible(config)
    after = _find_upscaler(config, model, find) if colours else _find_restorer(config, model, find)
    models = (model, after) if after else (model,)
    for one in models if config.run.require_cleared_weights else ():
        if one.card.data_rights != "cleared":
            raise ConfigError(
                f"{one.ref}: --require-cleared-weights refuses it: the rights of its training "
                f"pictures are {one.card.data_rights.replace('_', ' ')}"
            )
    return models


def _check_colours(config: JobConfig, model: ResolvedModel) -> None:
    """Refuse what a model that makes another picture does not have."""
    wanted = {
        "reversible": config.deliver.reversible,
        "glare": config.color.glare != "off",
        "projection": config.color.projection == "equirectangular",
    }
    for name in (name for name, given in wanted.items() if given):
        raise ConfigError(f"{name}: {model.card.family} makes another picture: it has none")


def _check_reversible(config: JobConfig) -> None:
    """Refuse what would change the luminance."""
    color = config.color
    changes = {
        f"--upscale {color.upscale}": color.upscale != 1,
        f"--glare {color.glare}": color.glare == "repair-luminance",
    }
    for name, given in changes.items():
        if config.deliver.reversible and given:
            raise ConfigError(f"reversible: {name} changes the luminance")


def task_of(model: ResolvedModel) -> Task:
    """Find what a job with this model does.

    Raises:
        ModelReferenceError: its family neither colours nor translates.
    """
    task = TASK_OF.get(model.card.family)
    if task not in (Task.COLORIZE, Task.TRANSLATE):
        raise ModelReferenceError(
            f"{model.ref}: {model.card.family} neither colours nor translates pictures"
        )
    return task


def _find_upscaler(
    config: JobConfig, model: ResolvedModel, find: ModelFinder
) -> ResolvedModel | None:
    """Find the model that enlarges a coloured picture, if one is wanted."""
    color = config.color
    _check_label(color.label, model)
    wanted = "restore" if color.restore not in ("auto", "off") else "sharpen"
    if wanted == "restore" or color.sharpen:
        raise ConfigError(
            f"{wanted}: {model.card.family} colours, and the luminance stays the master's; "
            "only translations are restored and sharpened"
        )
    if color.upscale == 1:
        if color.upscaler:
            raise ConfigError(f"upscaler: {color.upscaler} enlarges nothing without --upscale")
        return None
    ref = color.upscaler or f"builtin:upscale-x{color.upscale}"
    found = _check_enlarges(find("upscaler", ref))
    scale = found.card.config.get("scale", color.upscale)
    if scale != color.upscale:
        raise ConfigError(f"upscaler: {found.ref} enlarges by {scale}, not by {color.upscale}")
    return found


def _find_restorer(
    config: JobConfig, model: ResolvedModel, find: ModelFinder
) -> ResolvedModel | None:
    """Find the model that runs after a translation, if one is wanted."""
    color = config.color
    for name, given in (("vividness", color.vividness is not None), ("class", color.label)):
        if given:
            raise ConfigError(f"{name}: {model.card.family} makes another picture: it has none")
    if color.upscale != 1 or color.upscaler:
        raise ConfigError(
            f"upscale: {model.card.family} makes another picture: --restore names what enlarges it"
        )
    if color.restore == "off":
        return None
    return _check_enlarges(
        find("restore", "builtin:restore" if color.restore == "auto" else color.restore)
    )


def _check_enlarges(found: ResolvedModel) -> ResolvedModel:
    if TASK_OF.get(found.card.family) is not Task.UPSCALE:
        raise ModelReferenceError(
            f"{found.ref}: {found.card.family} neither restores nor enlarges pictures"
        )
    return found


def _check_label(label: str, model: ResolvedModel) -> None:
    if not label:
        return
    if not has_classes(model.card.config):
        raise ConfigError(f"class: {model.card.family} has no classes")
    if asks_picture(model.card.config, label):
        _check_recognisable(model)
        return
    try:
        class_number(model.card.config, label)
    except ValueError as error:
        raise ConfigError(f"class: {error}") from error


def _check_recognisable(model: ResolvedModel) -> None:
    count, names = model.card.config["n_classes"], model.card.config.get("classes")
    if names or count != IMAGENET_CLASSES:
        raise ConfigError(
            f"class: auto recognises ImageNet's {IMAGENET_CLASSES:,} classes; this model has "
            f"{count} of its own"
        )
    find_imagenet_file("--class auto", "--class N")
