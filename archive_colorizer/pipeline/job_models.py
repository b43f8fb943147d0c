"""The models that a job needs: one that colours or translates, and one that may come after it."""

from archive_colorizer.errors import ConfigError, ModelReferenceError
from archive_colorizer.models.catalog import TAKES_HINTS, TASK_OF, Task, class_number, has_classes
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.weights.reference import ResolvedModel

Models = tuple[ResolvedModel, ...]
"""The job's model, and the one that restores or enlarges after it where there is one."""


def models_of(config: JobConfig) -> Models:
    """Resolve the job's models, once.

    Raises:
        UsageError: one cannot be had, may not be used, or does not go with the settings.
    """
    model = resolve(config.color.model)
    if config.select.hints and model.card.family not in TAKES_HINTS:
        raise ConfigError(f"{model.ref}: --hints: {model.card.family} takes none")
    colours = task_of(model) is Task.COLORIZE
    after = _resolve_upscaler(config, model) if colours else _resolve_restorer(config, model)
    models = (model, after) if after else (model,)
    for one in models if config.run.require_cleared_weights else ():
        if one.card.data_rights != "cleared":
            raise ConfigError(
                f"{one.ref}: --require-cleared-weights refuses it: the rights of its training "
                f"pictures are {one.card.data_rights.replace('_', ' ')}"
            )
    return models


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


def _resolve_upscaler(config: JobConfig, model: ResolvedModel) -> ResolvedModel | None:
    """Resolve the model that enlarges a coloured picture, if one is wanted."""
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
    found = _resolve_enlarging(color.upscaler or f"builtin:upscale-x{color.upscale}")
    scale = found.card.config.get("scale", color.upscale)
    if scale != color.upscale:
        raise ConfigError(f"upscaler: {found.ref} enlarges by {scale}, not by {color.upscale}")
    return found


def _resolve_restorer(config: JobConfig, model: ResolvedModel) -> ResolvedModel | None:
    """Resolve the model that runs after a translation, if one is wanted."""
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
    return _resolve_enlarging("builtin:restore" if color.restore == "auto" else color.restore)


def _resolve_enlarging(ref: str) -> ResolvedModel:
    found = resolve(ref)
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
    try:
        class_number(model.card.config, label)
    except ValueError as error:
        raise ConfigError(f"class: {error}") from error
