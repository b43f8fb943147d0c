"""Models for people: the list, and one model with its history."""

from collections.abc import Sequence
from pathlib import Path

from archive_colorizer.models.catalog import FAMILIES, default_view
from archive_colorizer.registry.mlflow_models import CHAMPION, Registry
from archive_colorizer.registry.resolve import resolve
from archive_colorizer.registry.versions import Version, read_decisions, read_jobs
from archive_colorizer.weights.reference import ResolvedModel


def format_versions(versions: Sequence[Version]) -> str:
    """Format versions as a table for people, a line each."""
    if not versions:
        return "no models are registered"
    rows = [("MODEL", "VERSION", "ALIASES", "FAMILY", "RIGHTS", "WEIGHTS", "REGISTERED")]
    rows += [
        (v.name, v.number, ",".join(v.aliases) or "-", v.tags.get("family", "?"),
         v.tags.get("data_rights", "?"), v.tags.get("weights_sha256", "?")[:12], v.created_at)
        for v in versions
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def describe(ref: str, tracking_uri: str = "") -> str:
    """Describe a model for people: its card, and its decisions and jobs if it is registered.

    Args:
        ref: any model reference; or NAME, NAME@ALIAS, NAME/VERSION of a registered model.
        tracking_uri: of MLflow.

    Raises:
        UsageError: there is no such model.
    """
    if not _is_registered(ref):
        return _format_card(resolve(ref))
    bare = ref.removeprefix("models:/")
    full = f"models:/{bare}" if set(bare) & set("@/") else f"models:/{bare}@{CHAMPION}"
    registry = Registry(tracking_uri)
    version = registry.find_version(full)
    parts = [format_versions([version])]
    history = read_decisions(version)
    parts.append("decisions:" if history else "decisions: none")
    for one in history:
        over = f" over version {one.over}" if one.over else ""
        text = f": {one.text}" if one.text else ""
        parts.append(f"  {one.at} {one.kind}{over} by {one.by}{text}")
    used = read_jobs(version)
    parts.append("used by:" if used else "used by: no job that was told here")
    parts += [
        f"  {job}: {what.get('output')}, {what.get('pictures')} pictures, {what.get('finished_at')}"
        for job, what in used.items()
    ]
    number = f"models:/{version.name}/{version.number}"
    return "\n".join([*parts, "", _format_card(resolve(number, registry.uri))])


def _is_registered(ref: str) -> bool:
    if ref.startswith("models:/"):
        return True
    return not ref.startswith(("builtin:", "runs:", "s3://")) and not Path(ref).exists()


def _format_card(model: ResolvedModel) -> str:
    size, card = Path(model.path).stat().st_size, model.card
    text = card.to_markdown(model.weights_sha256, size)
    if FAMILIES.get(card.family) and FAMILIES[card.family].two_way:
        text += f"\nBefore and after are shown by: {default_view(card.config)}\n"
    return text
