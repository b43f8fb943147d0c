"""Choice of the films that a run does: those without a finished row of the same making."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any

from archive_colorizer.pipeline.output import manifest
from archive_colorizer.pipeline.recipe import recipe
from archive_colorizer.pipeline.records import PhotoRef, Status
from archive_colorizer.pipeline.values import valid_text
from archive_colorizer.storage import Store
from archive_colorizer.video.config import FilmConfig
from archive_colorizer.video.films import Film
from archive_colorizer.video.worker import Task
from archive_colorizer.weights.reference import ResolvedModel

COLUMNS = (
    "row_id", "source_uri", "status", "derivative_key", "derivative_bytes", "attempt",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Choice:
    """What a run does, and how."""

    listed: int
    uris: frozenset[str]
    """Of all listed films, as rows have them."""
    todo: list[Task]
    recipe: dict[str, Any]
    recipe_json: str
    recipe_sha256: str


def choose(store: Store, films: Sequence[Film], config: FilmConfig, model: ResolvedModel) -> Choice:
    """Compare the films that were listed with the rows of OUTPUT.

    Args:
        store: OUTPUT.
        films: as they were listed.
        config: of the job.
        model: of the job.
    """
    made = recipe(config.job, model.weights_sha256) | {"video": asdict(config.video)}
    text = json.dumps(made, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode()).hexdigest()
    rows = {row["source_uri"]: row for row in manifest.read(store, COLUMNS).to_pylist()}
    taken = {row["derivative_key"] for row in rows.values()} - {None}
    todo = []
    for film in films:
        row = rows.get(valid_text(film.uri), {})
        row_id = _row_id(film, digest)
        if _is_done(store, row, row_id, retry=config.job.select.retry_failed):
            continue
        key = _name(film, config, row.get("derivative_key"), taken)
        taken.add(key)
        ref = PhotoRef(
            row_id=row_id, source_uri=film.uri, source_path_raw=film.raw, output_key=key,
            size_bytes=film.size_bytes, mtime_ns=film.mtime_ns, etag=film.etag,
            attempt=(row.get("attempt") or 0) + 1, earlier_id=row.get("row_id") or "",
            relative=film.name, hints=json.dumps(film.pins) if film.pins else "",
            owns_key=key == row.get("derivative_key"),
        )  # fmt: skip
        todo.append(Task(film, ref))
    uris = frozenset(valid_text(film.uri) for film in films)
    return Choice(len(films), uris, todo, made, text, digest)


def _row_id(film: Film, recipe_sha256: str) -> str:
    said: list[object] = [film.uri, film.size_bytes, film.mtime_ns, film.etag, recipe_sha256]
    said += [film.pins] if film.pins else []
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def _is_done(store: Store, row: dict[str, Any], row_id: str, *, retry: bool) -> bool:
    if row.get("row_id") != row_id:
        return False
    if row["status"] != Status.OK:
        return not retry
    entry = store.find(row["derivative_key"])
    return entry is not None and entry.size_bytes == row["derivative_bytes"]


def _name(film: Film, config: FilmConfig, earlier: str | None, taken: set[str]) -> str:
    """Name the coloured film after the film; one that has a row keeps its name."""
    ending = f"{config.job.deliver.suffix}.{config.video.resolved_container}"
    if earlier and earlier.endswith(ending):
        return earlier
    path = PurePosixPath(film.name)
    plain = str(path) if film.frames else str(path.with_suffix(""))
    keys = (f"{plain}{ending}", f"{film.name}{ending}")
    return next((key for key in keys if key not in taken), f"{film.name}-{film.uri[-8:]}{ending}")
