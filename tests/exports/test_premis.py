"""PREMIS 3: valid by the Library of Congress's schema, and it says what happened."""

from pathlib import Path
from typing import Any

import pytest
from exported import Archive, Export, files_in
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from rowsets import made_row
from validators import premis_schema

from archive_colorizer.exports.pictures import DECISIONS, Picture
from archive_colorizer.exports.premis import COLUMNS, document
from archive_colorizer.exports.premis_parts import NAMESPACE

NS = {"p": NAMESPACE}


def texts(node: Any, path: str) -> list[str]:
    return [one.text or "" for one in node.findall(path, NS)]


def event(root: Any, kind: str) -> Any:
    (found,) = [one for one in root.findall("p:event", NS) if texts(one, "p:eventType") == [kind]]
    return found


def record(dest: Path, archive: Archive, name: str) -> tuple[Any, dict[str, Any]]:
    row = next(row for row in archive.ok() if row["source_path"] == name)
    return etree.fromstring((dest / f"{row['derivative_key']}.premis.xml").read_bytes()), row


def test_a_record_has_files_with_fixity_and_what_they_come_of(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    give("premis")
    root, row = record(tmp_path / "dest", archive, "a photo.jpg")
    master, derivative, marked, access = root.findall("p:object", NS)
    for node, name in (
        (master, "source"), (derivative, "derivative"), (marked, "marked"), (access, "access"),
    ):  # fmt: skip
        assert texts(node, ".//p:messageDigest") == [row[f"{name}_sha256"]]
        assert texts(node, ".//p:size") == [str(row[f"{name}_bytes"])]
        assert texts(node, ".//p:formatName") == ["image/jpeg"]
    assert texts(master, "p:originalName") == ["a photo.jpg"]
    assert texts(derivative, ".//p:relatedObjectIdentifierValue") == [row["source_uri"]]
    assert "an estimate by a machine-learning model" in " ".join(
        texts(derivative, ".//p:significantPropertiesValue")
    )
    made = event(root, "derivation")
    said = " ".join(texts(made, ".//p:eventDetail"))
    assert row["recipe_sha256"] in said
    assert row["steps"][0]["params_json"] in said
    assert row["steps"][0]["weights_sha256"] in texts(made, ".//p:linkingAgentIdentifierValue")


def test_verdicts_are_events_and_reviewers_agents(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    give("premis")
    root, _ = record(tmp_path / "dest", archive, "100%.jpg")
    review = event(root, "review")
    assert texts(review, ".//p:eventOutcome") == ["rejected"]
    assert texts(review, ".//p:eventOutcomeDetailNote") == ["foliage; \ufffd=2+3 blue"]
    assert texts(review, "p:eventDateTime") == ["2023-11-14T22:13:20Z"]
    kinds = texts(root, "p:agent/p:agentType")
    names = texts(root, "p:agent/p:agentName")
    assert ("anna", "person") in set(zip(names, kinds, strict=True))


def test_every_identifier_that_is_named_is_there(give: Export, tmp_path: Path) -> None:
    give("premis", per="collection")
    for data in files_in(tmp_path / "dest").values():
        root = etree.fromstring(data)
        for kind in ("object", "agent", "event"):
            have = texts(root, f"p:{kind}/p:{kind}Identifier/p:{kind}IdentifierValue")
            assert len(have) == len(set(have))
            for link in ("linking", "related"):
                name = f"{link}{kind.title()}Identifier"
                named = [
                    value
                    for node in root.iterfind(f".//p:{name}", NS)
                    if texts(node, f"p:{name}Type") != ["object id"]
                    for value in texts(node, f"p:{name}Value")
                ]
                assert set(named) <= set(have)


def test_a_collection_in_pieces_has_each_picture_and_its_masters_once(
    archive: Archive, give: Export, tmp_path: Path
) -> None:
    give("premis", per="collection")
    files = files_in(tmp_path / "dest")
    assert sorted(name.rpartition("-")[2] for name in files) == ["00001.premis.xml"] * 3
    roots = [etree.fromstring(data) for data in files.values()]
    objects = [value for root in roots for value in texts(root, ".//p:objectIdentifierValue")]
    rows = archive.ok()
    assert len(rows) == 14
    assert len(objects) == 3 * len(rows) + len({row["source_uri"] for row in rows})


@pytest.mark.slow
@pytest.mark.parametrize("per", ["picture", "collection"])
def test_the_schema_takes_every_record(give: Export, tmp_path: Path, per: str) -> None:
    schema = premis_schema()
    give("premis", per=per)
    files = files_in(tmp_path / "dest")
    assert files
    for name, data in files.items():
        assert schema.validate(etree.fromstring(data)), (name, schema.error_log)


def _picture(**values: Any) -> Picture:
    row = made_row("one.jpg") | dict.fromkeys(COLUMNS) | {DECISIONS: []}
    row |= {"source_sha256": "a" * 64, "flags": [], "started_at": 1_000_000, "steps": []}
    return Picture(row | values, "one.colorized.jpg")


def test_a_withdrawn_picture_has_its_event_and_no_derivative() -> None:
    said = {"withdrawn_at": 1_000_000, "withdrawn_by": "A. Curator", "withdrawn_reason": "asked"}
    root = etree.fromstring(document([_picture(error_class="withdrawn", status="skipped", **said)]))
    assert len(root.findall("p:object", NS)) == 1
    taken = event(root, "withdrawal")
    assert texts(taken, ".//p:eventDetail") == ["the derivative was taken back", "asked"]
    assert texts(root, "p:agent/p:agentName") == ["archive-colorizer", "A. Curator"]


@given(text=st.text(max_size=40))
def test_any_text_can_be_in_a_record(text: str) -> None:
    said = {"reviewer": text or "x", "verdict": "rejected", "reason": "", "note": text,
            "decided_at_us": 1}  # fmt: skip
    values = {"source_path": text, "object_id": text, "derivative_sha256": "b" * 64}
    root = etree.fromstring(document([_picture(**values, **{DECISIONS: [said]})]))
    shown = texts(event(root, "review"), ".//p:eventOutcomeDetailNote")
    assert len("".join(shown)) == len(text)
