"""The recipe that a row was made by: settings and models that make its picture again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import cv2
import pyarrow.compute as pc

from archive_colorizer.errors import ConfigError
from archive_colorizer.imaging.beside import Part
from archive_colorizer.imaging.content_box import Bounds
from archive_colorizer.models.catalog import TAKES_HINTS
from archive_colorizer.pipeline.config import JobConfig, overlay
from archive_colorizer.pipeline.inputs.hints import hint_planes
from archive_colorizer.pipeline.job_models import ModelFinder, Models, models_of
from archive_colorizer.pipeline.output.layout import read_job
from archive_colorizer.pipeline.output.schema import SCHEMA
from archive_colorizer.pipeline.pins import PinnedModel, Pins
from archive_colorizer.pipeline.recipe import read_settings
from archive_colorizer.pipeline.records import Status
from archive_colorizer.pipeline.steps.colorize import within_part
from archive_colorizer.review.parts import PartFiles
from archive_colorizer.storage import S3Settings, Store

OF_RUN: Final = (
    "precision", "max_megapixels", "inline_mib", "keep_model", "report", "watermark_key", "audit",
)  # fmt: skip
"""Settings of OUTPUT's last run that hold for its pictures that are made again."""
SETTINGS: Final = ("model", "upscaler")
"""Settings of `color` that name the models of a row's steps, in their order."""


@dataclass(frozen=True, slots=True)
class RowRecipe:
    """Settings and models of a row."""

    config: JobConfig
    models: Models

    @property
    def key(self) -> str:
        """What two rows share that are made alike."""
        weights = " ".join(one.weights_sha256 for one in self.models)
        return f"{self.config.color} {self.config.deliver} {weights}"


def check_takes_points(row: Mapping[str, Any]) -> None:
    """Make sure that a row's derivative can be made again with points of known colour.

    Raises:
        ConfigError: it has none, an earlier version made it, or its model takes no points.
    """
    name = row["source_path"] or row["source_uri"]
    if row["status"] != Status.OK:
        raise ConfigError(f"{name}: has no derivative on which colours could be pinned")
    if not (row["recipe_json"] and row["steps"] and row["derivative_key"]):
        raise ConfigError(f"{name}: its settings are not on record: colorize --redo makes it anew")
    model = row["steps"][0]
    if model["op"] not in TAKES_HINTS:
        raise ConfigError(f"{name}: {model['model_ref']} ({model['op']}) takes no pinned colours")


def find_example(files: PartFiles) -> Mapping[str, Any] | None:
    """Find a row that has a derivative, all columns; None where there is none.

    Raises:
        LocationError: the manifest cannot be read.
        OSError: it cannot be listed.
    """
    for part in files.list():
        at = pc.index(files.read(part.key, ["status"])["status"], Status.OK).as_py()
        if at >= 0:
            return files.read_row(part.key, at, SCHEMA.names)
    return None


def check_inside(row: Mapping[str, Any], hints: str) -> None:
    """Make sure that points lie in a row's picture, or in the print that was found there.

    Args:
        row: of the manifest.
        hints: as `pin_record.write_hints` gives them.

    Raises:
        ConfigError: one does not.
    """
    size = row["height"], row["width"]
    size = size[::-1] if (row["orientation"] or 1) > 4 else size
    try:
        if hints and row["content_box"]:
            x, y, w, h = row["content_box"]
            part = Part.of(Bounds(x, y, w, h, row["content_box_tilt"] or 0.0), size)
            size, hints = part.size, within_part(hints, part)
        hint_planes(hints, size, (1, 1))
    except ValueError as error:
        raise ConfigError(f"pins: {error}") from error


def use_one_thread() -> None:
    """Let networks and OpenCV work on one thread from now on.

    A desk's requests share its cores. Threads of one picture that wait for each other on busy cores
    take ten times as long as one alone.
    """
    import torch  # slow to load

    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def read_recipe(
    row: Mapping[str, Any], store: Store, s3: S3Settings, run: Mapping[str, object]
) -> RowRecipe:
    """Read the recipe of a row; the weights that OUTPUT kept go first.

    Args:
        row: of the manifest, all columns.
        store: OUTPUT.
        s3: the way to object stores.
        run: settings of `run` that lie over those of OUTPUT's last run.

    Raises:
        ConfigError: as `check_takes_points`, or a setting that this version does not know.
        ModelReferenceError: its weights cannot be had any more.
        LocationError: job.json or the weights cannot be read.
    """
    check_takes_points(row)
    recipe, models = read_settings(row["recipe_json"]), row["steps"]
    last = (read_job(store).get("config") or {}).get("run") or {}
    of_run = {name: last[name] for name in OF_RUN if name in last}
    store_way = {"s3_endpoint": s3.endpoint, "s3_anonymous": s3.anonymous}
    references = {name: model["model_ref"] for name, model in zip(SETTINGS, models, strict=False)}
    config = overlay(
        JobConfig(source=row["source_uri"], output=store.uri),
        {
            "color": {**recipe["color"], **references},
            "output": recipe["output"],
            "run": {**of_run, **store_way, "engine": "local", **run},
        },
        f"row {row['row_id'][:12]}",
    )
    pinned = {
        name: PinnedModel(
            setting=ref, ref=ref, name=ref,
            version=model["model_version"] or "", weights_sha256=model["weights_sha256"],
        )
        for (name, ref), model in zip(references.items(), models, strict=False)
    }  # fmt: skip
    return RowRecipe(config, models_of(config, ModelFinder(config, store, Pins({}, pinned, ()))))
