"""The form `iiif`: a static site by IIIF Presentation API 3.0, for any viewer that knows it.

One manifest an object, one canvas a picture; what is painted on it is a choice of the original,
which comes first, and the coloured derivative.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any, Final

from archive_colorizer.exports.iiif_images import Subject, put_picture, put_thumbnail
from archive_colorizer.exports.names import number_name, slug
from archive_colorizer.exports.pictures import OBJECT, VERDICT, Picture
from archive_colorizer.exports.shelf import THREADS, each
from archive_colorizer.exports.task import Task, cut
from archive_colorizer.imaging.metadata import build_xmp
from archive_colorizer.pipeline.html_report.words import WORDS
from archive_colorizer.pipeline.reasons import Words
from archive_colorizer.storage import open_uri

COLUMNS: Final = (
    "job_id", "source_sha256", "width", "height", "orientation", "reversible", "steps", "version",
    "started_at", "derivative_width", "derivative_height", "flags",
)  # fmt: skip
ORDER: Final = ("collection", OBJECT, "source_path", "page")
CONTEXT: Final = "http://iiif.io/api/presentation/3/context.json"
LISTED: Final = 1_000
"""Manifests in one file of a collection."""
TILING_THREADS: Final = 2
"""Each holds a whole picture."""
TOP: Final = "collection.json"
ORIGINAL: Final = Words("Original", "원본")
COLOURED: Final = Words("AI-colorized", "AI 채색")
TITLE: Final = Words("Coloured photographs", "채색 사진")
NOTE: Final = Words("Note", "안내")
Said = dict[str, Any]
_Reference = tuple[str, Said]
"""Collection, and what it says of one of its manifests."""


def write(task: Task) -> None:
    """Write pictures, manifests, collections, and `collection.json`, where a viewer begins."""
    by_object = groupby(
        task.finished(COLUMNS, ORDER), lambda one: (one.row["collection"], one.row[OBJECT])
    )
    objects = (list(pictures) for _, pictures in by_object)
    threads = TILING_THREADS if task.options.tiles else THREADS
    references = filter(None, each(partial(_put_object, task), objects, threads))
    pages = list(_put_collections(task, references))
    _put_collection(task, TOP, _both(TITLE), pages)


def _both(words: Words) -> Said:
    return {"en": [words.en], "ko": [words.ko]}


def _plain(text: str) -> Said:
    return {"none": [text]}


def _put_json(task: Task, key: str, said: Said) -> bool:
    text = json.dumps(said, indent=1, ensure_ascii=False).encode()
    return task.shelf.put(key, "", lambda sink: sink.write(text)) is not None


def _put_collections(task: Task, references: Iterator[_Reference]) -> Iterator[Said]:
    """Write the files of each collection; yield what the top one says of them."""
    for collection, members in groupby(references, lambda one: one[0]):
        for number, piece in enumerate(cut(members, LISTED), start=1):
            key = f"collection/{number_name(collection, number, '.json')}"
            label = _plain(collection) if collection else _both(TITLE)
            _put_collection(task, key, label, [said for _, said in piece])
            yield {"id": task.url(key), "type": "Collection", "label": label}


def _put_collection(task: Task, key: str, label: Said, items: Sequence[Said]) -> None:
    said = {
        "@context": CONTEXT, "id": task.url(key), "type": "Collection", "label": label,
        "requiredStatement": {"label": _both(NOTE), "value": _both(WORDS["estimate"])},
        "items": list(items),
    }  # fmt: skip
    _put_json(task, key, said)


def _put_object(task: Task, pictures: Sequence[Picture]) -> _Reference | None:
    """Write an object's pictures and its manifest; None where no picture could be written."""
    row = pictures[0].row
    collection = row["collection"]
    title = row["object_id"] or row["source_path"].rpartition("/")[2]
    key = f"manifest/{slug(title, collection, row[OBJECT])}.json"
    canvases = [
        canvas
        for number, picture in enumerate(pictures, start=1)
        if (canvas := _make_canvas(task, f"{task.url(key)}/canvas/{number}", picture))
    ]
    if not canvases:
        return None
    said: Said = {
        "@context": CONTEXT, "id": task.url(key), "type": "Manifest", "label": _plain(title),
        "metadata": _metadata(pictures),
        "requiredStatement": {"label": _both(NOTE), "value": _both(WORDS["estimate"])},
        "thumbnail": canvases[0]["thumbnail"], "items": canvases,
    }  # fmt: skip
    if task.options.rights:
        said["rights"] = task.options.rights
    if not _put_json(task, key, said):
        return None
    reference = {name: said[name] for name in ("id", "type", "label", "thumbnail")}
    return collection, reference


def _metadata(pictures: Sequence[Picture]) -> list[Said]:
    """What people read of an object beside its pictures: no path of the house."""
    rows = [picture.row for picture in pictures]
    facts = (
        (Words("Object id", "자료 번호"), [row["object_id"] for row in rows]),
        (Words("Collection", "컬렉션"), [row["collection"] for row in rows]),
        (Words("Model", "모델"), [step["model_ref"] for row in rows for step in row["steps"]]),
        (Words("Coloured on", "채색한 날"), [f"{row['started_at']:%Y-%m-%d}" for row in rows]),
        (Words("Verdict of reviewers", "검토 판정"), [row[VERDICT] for row in rows]),
    )  # fmt: skip
    return [
        {"label": _both(words), "value": {"none": said}}
        for words, values in facts
        if (said := sorted({value for value in values if value}))
    ]


def _make_canvas(task: Task, url: str, picture: Picture) -> Said | None:
    """Write a picture's files, and make its canvas; without a master it has no choice."""
    folder = f"images/{slug(picture.row['source_path'].rpartition('/')[2], *_page_of(picture))}"
    original, coloured = _original(task, picture), _coloured(task, picture)
    bodies: list[Said] = []
    for name, subject, words in (
        ("original", original, ORIGINAL), ("coloured", coloured, COLOURED),
    ):  # fmt: skip
        if body := put_picture(task, f"{folder}/{name}", subject):
            bodies.append(body | {"label": _both(words)})
    thumbnail = put_thumbnail(task, folder, coloured)
    if not thumbnail or not bodies:
        return None
    body = {"type": "Choice", "items": bodies} if len(bodies) > 1 else bodies[0]
    annotation = {
        "id": f"{url}/annotation", "type": "Annotation", "motivation": "painting", "body": body,
        "target": url,
    }  # fmt: skip
    return {
        "id": url, "type": "Canvas", "label": _plain(picture.name.rpartition("/")[2]),
        "height": coloured.height, "width": coloured.width, "thumbnail": [thumbnail],
        "items": [{"id": f"{url}/page", "type": "AnnotationPage", "items": [annotation]}],
    }  # fmt: skip


def _page_of(picture: Picture) -> tuple[str, int]:
    return picture.row["source_uri"], picture.row["page"]


def _turned(width: int, height: int, *, turn: bool) -> tuple[int, int]:
    return (height, width) if turn else (width, height)


def _original(task: Task, picture: Picture) -> Subject:
    row = picture.row
    size = _turned(row["width"], row["height"], turn=(row["orientation"] or 1) > 4)
    uri = row["source_uri"]
    return Subject(lambda: open_uri(uri, task.s3), row["page"], *size, row["source_sha256"])


def _coloured(task: Task, picture: Picture) -> Subject:
    row = picture.row
    turn = bool(row["reversible"]) and (row["orientation"] or 1) > 4  # it lies as its master does
    size = _turned(row["derivative_width"], row["derivative_height"], turn=turn)
    return Subject(
        lambda: task.store.open(picture.key), 0, *size, row["derivative_sha256"], _label(picture)
    )


def _label(picture: Picture) -> bytes:
    """Make the XMP that says of a reduced copy what the derivative says of itself."""
    row = picture.row
    model = ", ".join(step["model_ref"] for step in row["steps"] or ())
    fields = {
        "rowId": row["row_id"], "jobId": row["job_id"], "version": row["version"], "model": model,
        "sourceSha256": row["source_sha256"],
    }  # fmt: skip
    return build_xmp(fields, picture.statement)
