"""The form `premis`: PREMIS 3, what archives keep beside a file of whence it came.

PREMIS Data Dictionary for Preservation Metadata, version 3.0 (Library of Congress, 2015). Each
picture has its master and its derivative as files, the events between them, and who took part.
"""

import mimetypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from lxml import etree

from archive_colorizer.exports.ledger import Written
from archive_colorizer.exports.names import fit_key, number_name, slug
from archive_colorizer.exports.pictures import DECISIONS, ORDER, Picture
from archive_colorizer.exports.premis_parts import (
    Agents,
    Identifier,
    add,
    add_event,
    add_file,
    open_document,
)
from archive_colorizer.exports.shelf import each
from archive_colorizer.exports.task import Task, cut, stamp_of
from archive_colorizer.pipeline.output.withdrawal import WITHDRAWN
from archive_colorizer.pipeline.records import RENDITIONS

COLUMNS: Final = (
    "recipe_sha256", "recipe_json", "source_sha256", "source_bytes", "mime", "width", "height",
    "fixity", "steps", "version", "git_commit", "torch_version", "ray_version", "started_at",
    "derivative_bytes", "derivative_mime", "derivative_width", "derivative_height",
    *(f"{name}_{fact}" for name in RENDITIONS for fact in ("key", "sha256", "bytes")),
    "c2pa_state", "c2pa_certificate_sha256", "luminance_relation", "flags", "error_class",
    "withdrawn_at", "withdrawn_by", "withdrawn_reason",
)  # fmt: skip
ENDING: Final = ".premis.xml"
PIECE_PICTURES: Final = 250
"""Pictures in one file of `--per collection`."""
LAYOUT: Final = 1
"""Counts the layouts of these files: another one makes them anew."""


def write(task: Task) -> None:
    """Write one file beside each derivative's name, or pieces of collections."""
    if task.options.per == "collection":
        for _ in each(lambda piece: _put_piece(task, *piece), _pieces(task)):
            pass
    else:
        for _ in each(lambda picture: put_record(task, picture), recorded(task, COLUMNS)):
            pass


def recorded(task: Task, columns: Sequence[str], order: Sequence[str] = ORDER) -> Iterator[Picture]:
    """Read the pictures of which there is something to record: a derivative, now or once."""
    left = 0
    for picture in task.pictures(columns, order):
        if picture.key or picture.row["error_class"] == WITHDRAWN:
            yield picture
        else:
            left += 1
    if left:
        task.shelf.tally.notes.append(f"{left:,} pictures without a derivative are left out")


def put_record(
    task: Task,
    picture: Picture,
    folder: str = "",
    rename: Callable[[str], str] = str,
) -> Written | None:
    """Write the record of one picture.

    Args:
        task: of the export.
        picture: with COLUMNS.
        folder: of DEST, with a slash at its end.
        rename: makes a key that the place takes.

    Returns:
        The file; None where it could not be put there.
    """
    row = picture.row
    name = picture.key or f"{WITHDRAWN}/{slug(picture.name, row['source_uri'])}"
    key = folder + fit_key(rename(name), ENDING)
    stamp = stamp_of(LAYOUT, row, picture.key)
    return task.shelf.put(key, stamp, lambda sink: sink.write(document([picture])))


def _pieces(task: Task) -> Iterator[tuple[str, list[Picture]]]:
    """Yield pieces of collections: the name of the file, and its pictures."""
    order = ("collection", *ORDER)
    by_collection = groupby(
        recorded(task, COLUMNS, order), lambda picture: picture.row["collection"]
    )
    for collection, pictures in by_collection:
        for number, piece in enumerate(cut(pictures, PIECE_PICTURES), start=1):
            yield number_name(collection, number, ENDING), piece


def _put_piece(task: Task, key: str, pictures: Sequence[Picture]) -> None:
    stamp = stamp_of(LAYOUT, [(one.row, one.key) for one in pictures])
    task.shelf.put(key, stamp, lambda sink: sink.write(document(pictures)))


def document(pictures: Sequence[Picture]) -> bytes:
    """Write a PREMIS document of some pictures."""
    root = open_document()
    agents = Agents()
    masters: set[Identifier] = set()
    for picture in pictures:
        _add_objects(root, picture, masters)
    for picture in pictures:
        for event in _events(picture, agents):
            root.append(event)
    root.extend(agents.elements())
    etree.indent(root)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _master(row: Mapping[str, Any]) -> Identifier:
    return Identifier("URI", row["source_uri"])


def _derivative(row: Mapping[str, Any]) -> Identifier:
    return Identifier("archive-colorizer row", row["row_id"])


def _rendition(row: Mapping[str, Any], name: str) -> Identifier:
    return Identifier("archive-colorizer row", f"{row['row_id']}/{name}")


def _event(row: Mapping[str, Any], name: str) -> Identifier:
    return Identifier("archive-colorizer event", f"{row['row_id']}/{name}")


def _add_objects(root: Any, picture: Picture, masters: set[Identifier]) -> None:  # noqa: ANN401
    row = picture.row
    if _master(row) not in masters:  # several pages are one file
        masters.add(_master(row))
        facts = {"sha256": row["source_sha256"], "bytes": row["source_bytes"], "mime": row["mime"]}
        node = add_file(root, _master(row), facts, row["source_path"])
        add(node, storage={"contentLocation": {
            "contentLocationType": "URI", "contentLocationValue": row["source_uri"]}})  # fmt: skip
        if row["object_id"]:
            _relate(node, "structural", "is part of", Identifier("object id", row["object_id"]))
    if row["derivative_sha256"]:
        _add_derivative(root, picture)
    for name in RENDITIONS:
        if key := row[f"{name}_key"]:
            facts = {
                "sha256": row[f"{name}_sha256"], "bytes": row[f"{name}_bytes"],
                "mime": mimetypes.guess_type(key)[0],
            }  # fmt: skip
            node = add_file(root, _rendition(row, name), facts, key)
            _relate(node, "derivation", "has source", _derivative(row))


def _add_derivative(root: Any, picture: Picture) -> None:  # noqa: ANN401 (lxml's element)
    row = picture.row
    facts = {
        "sha256": row["derivative_sha256"], "bytes": row["derivative_bytes"],
        "mime": row["derivative_mime"], "version": row["version"], "made": row["started_at"],
        "properties": {
            "colour": picture.statement,
            "luminance": row["luminance_relation"],
            "pixels": f"{row['derivative_width']} x {row['derivative_height']}",
        },
    }  # fmt: skip
    node = add_file(root, _derivative(row), facts, picture.key)
    event = _event(row, "derivation")
    _relate(node, "derivation", "has source", _master(row), event)


def _relate(
    node: Any,  # noqa: ANN401 (lxml's element)
    kind: str,
    name: str,
    other: Identifier,
    event: Identifier | None = None,
) -> None:
    parts: dict[str, Any] = {
        "relationshipType": kind,
        "relationshipSubType": name,
        "relatedObjectIdentifier": other.parts("relatedObjectIdentifier"),
    }
    if event:
        parts["relatedEventIdentifier"] = event.parts("relatedEventIdentifier")
    add(node, relationship=parts)


def _events(picture: Picture, agents: Agents) -> Iterator[Any]:
    row = picture.row
    made = row["started_at"]
    software = agents.software(row)
    if row["source_sha256"]:
        checked = row["fixity"] == "match"
        yield add_event(
            _event(row, "master fixity"),
            "fixity check" if checked else "message digest calculation", made,
            details=[
                "SHA-256 of the master as it was read",
                "compared with the archive's own checksum" if checked else None,
            ],
            outcome="match" if checked else "calculated",
            agents={software: "executing program"}, objects={_master(row): "source"},
        )  # fmt: skip
    if row["derivative_sha256"]:
        yield from _making(row, made, software, agents)
        for number, said in enumerate(row[DECISIONS]):
            yield _review(row, number, said, agents)
    if row["error_class"] == WITHDRAWN:
        by = row["withdrawn_by"]
        yield add_event(
            _event(row, "withdrawal"), "withdrawal", row["withdrawn_at"],
            details=["the derivative was taken back", row["withdrawn_reason"]],
            outcome="withdrawn", agents={agents.person(by): "authorizer"} if by else {},
            objects={_master(row): "source"},
        )  # fmt: skip


def _making(
    row: Mapping[str, Any], made: object, software: Identifier, agents: Agents
) -> Iterator[Any]:
    who = {software: "executing program"}
    models = {agents.model(step): "executing program" for step in row["steps"] or ()}
    recipe = row["recipe_json"]
    details = [
        f"recipe SHA-256: {row['recipe_sha256']}",
        *(f"settings of {step['op']}: {step['params_json']}" for step in row["steps"] or ()),
        f"recipe: {recipe}" if recipe else None,
    ]
    derivative = {_derivative(row): "outcome"}
    yield add_event(
        _event(row, "derivation"), "derivation", made, details=details, outcome="success",
        agents=who | models, objects={_master(row): "source"} | derivative,
    )  # fmt: skip
    yield add_event(
        _event(row, "derivative digest"), "message digest calculation", made,
        details=["SHA-256 of the derivative as it was written"], outcome="calculated", agents=who,
        objects=derivative,
    )  # fmt: skip
    if row["c2pa_state"] == "signed":
        yield add_event(
            _event(row, "signature"), "digital signature generation", made,
            details=[f"C2PA, certificate SHA-256: {row['c2pa_certificate_sha256']}"],
            outcome="success", agents=who, objects=derivative,
        )  # fmt: skip


def _review(row: Mapping[str, Any], number: int, said: Mapping[str, Any], agents: Agents) -> Any:  # noqa: ANN401 (lxml's element)
    return add_event(
        _event(row, f"review {number + 1}"), "review", said["decided_at_us"],
        details=["a person looked at the derivative beside its master"], outcome=said["verdict"],
        note="; ".join(filter(None, (said["reason"], said["note"]))),
        agents={agents.person(said["reviewer"]): "implementer"},
        objects={_derivative(row): "source"},
    )  # fmt: skip
