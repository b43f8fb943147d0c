"""A master's XMP, sound and hostile, beside ours."""

import io
import tracemalloc
from typing import Any
from xml.etree import ElementTree

import described
import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_colorizer.imaging import xmp
from archive_colorizer.imaging.blocks import MAX_BLOCK, read_blocks
from archive_colorizer.imaging.metadata import ESTIMATE, LIMITS, build_xmp, find_labels

FIELDS = {"rowId": "a" * 64, "version": "1"}
DC, LI = "{http://purl.org/dc/elements/1.1/}", xmp.RDF + "li"
OPEN = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
CLOSE = "</rdf:RDF></x:xmpmeta>"


def packet(properties: str, attributes: str = "") -> bytes:
    return (
        f'{OPEN}<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f"{attributes}>{properties}</rdf:Description>{CLOSE}"
    ).encode()


def merged(*packets: bytes, limit: int = 1 << 32) -> tuple[bytes, bytes, bool]:
    theirs = xmp.Theirs()
    for one in packets:
        theirs.read(one)
    return *xmp.build_packet(FIELDS, ESTIMATE, theirs, limit), theirs.lost


def properties(data: bytes) -> dict[str, Any]:
    """Every property of a packet by its name, read by another parser; no name is there twice."""
    tree = ElementTree.fromstring(data)  # noqa: S314 (our own)
    found: dict[str, Any] = {}
    for node in tree.iter(xmp.RDF + "Description"):
        for name, value in (*node.attrib.items(), *((child.tag, child) for child in node)):
            assert name == xmp.RDF + "about" or name not in found
            found[name] = value if isinstance(value, str) else "".join(value.itertext()).strip()
    return found


def test_theirs_stays_and_ours_stands_beside_it() -> None:
    data, extended, lost = merged(described.XMP)
    found = properties(data)
    assert (extended, lost) == (b"", False)
    assert found[DC + "description"] == "The throne hall"
    assert found[xmp.INSTRUCTIONS] == ESTIMATE
    assert found[xmp.XMP + "CreatorTool"] == "archive-colorizer 1"
    assert found[xmp.IPTC_EXT + "DigitalSourceType"] == xmp.DIGITAL_SOURCE_TYPE
    ours = {name: found[f"{{{xmp.NAMESPACE}}}{name}"] for name in
            ("statement", "masterCreatorTool", "masterDigitalSourceType")}  # fmt: skip
    assert ours["statement"] == ESTIMATE
    assert ours["masterCreatorTool"] == "Scanner 9"
    assert ours["masterDigitalSourceType"].endswith("/print")
    assert xmp.TIFF + "Orientation" not in found
    assert b'rdf:resource="http://rightsstatements.org/vocab/NoC-CR/1.0/"' in data
    assert b"xmlns:edm=" in data  # prefixes stay, too


def test_the_ai_system_is_named_as_iptc_has_it_and_the_masters_own_stands_aside() -> None:
    theirs = xmp.Theirs()
    own = "Iptc4xmpExt:AISystemUsed='Other &amp; co' Iptc4xmpExt:AIPromptInformation='a cat'"
    theirs.read(packet("", f" xmlns:Iptc4xmpExt='{xmp.IPTC_EXT[1:-1]}' {own}"))
    named = {**FIELDS, "model": "mine <1>", "modelVersion": "7"}
    found = properties(xmp.build_packet(named, ESTIMATE, theirs)[0])
    assert found[xmp.IPTC_EXT + "AISystemUsed"] == "archive-colorizer, model mine <1>"
    assert found[xmp.IPTC_EXT + "AISystemVersionUsed"] == "1, model 7"
    assert xmp.IPTC_EXT + "AIPromptInformation" not in found
    assert found[f"{{{xmp.NAMESPACE}}}masterAISystemUsed"] == "Other & co"
    assert found[f"{{{xmp.NAMESPACE}}}masterAIPromptInformation"] == "a cat"


def test_where_both_places_for_people_are_taken_the_statement_is_a_label() -> None:
    own = "<dc:description>x</dc:description>"
    more = ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" photoshop:Instructions="ask us"'
    found = properties(merged(packet(own, more))[0])
    assert found[xmp.INSTRUCTIONS] == "ask us"
    assert found[f"{{{xmp.NAMESPACE}}}statement"] == ESTIMATE


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
HOSTILE = {
    "entities": BOMB.encode() + packet("<dc:source>&i;</dc:source>"),
    "a file": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    + packet("<dc:source>&e;</dc:source>"),
    "an entity that is not declared": packet("<dc:source>&nbsp;</dc:source>"),
    "not XML": b"\x89 no packet <<",
    "nothing": b"  \0\0",
    "another root": b"<svg/>",
    "UTF-16": packet("").decode().encode("utf-16"),
    "hidden in UTF-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE x+AD4-',
    "cut": described.XMP[:700],
    "deep": packet("<dc:a>" * 3000 + "</dc:a>" * 3000),
    "NUL": packet("<dc:source>a\0b</dc:source>"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_xmp_loses_itself_alone(name: str) -> None:
    tracemalloc.start()
    data, _, lost = merged(HOSTILE[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lost
    assert peak < 1 << 20
    assert data == build_xmp(FIELDS)
    assert find_labels(io.BytesIO(data))["rowId"] == "a" * 64


def test_xmp_of_10_mb_is_lost_and_does_not_travel() -> None:
    large = packet(f"<dc:source>{'s' * 10_000_000}</dc:source>")
    blocks = read_blocks(io.BytesIO(described.master("png", xmp=large)))
    assert (blocks.xmp, blocks.lost) == (b"", True)
    assert len(blocks.exif) > 100
    small = packet(f"<dc:source>{'s' * (MAX_BLOCK - 1000)}</dc:source>")
    assert read_blocks(io.BytesIO(described.master("png", xmp=small))).xmp == small


def test_a_property_said_twice_is_kept_once() -> None:
    data, _, lost = merged(packet("<dc:source>one</dc:source>"), packet("<dc:source>2</dc:source>"))
    assert lost
    assert properties(data)[DC + "source"] == "one"


def test_what_takes_our_prefix_for_itself_is_told_apart() -> None:
    other = ' xmlns:arcol="http://example.org/" arcol:rowId="' + "b" * 64 + '"'
    data, _, lost = merged(packet("", other))
    assert not lost
    assert properties(data)["{http://example.org/}rowId"] == "b" * 64
    assert find_labels(io.BytesIO(data))["rowId"] == "a" * 64


def test_what_a_segment_cannot_hold_goes_into_extended_xmp() -> None:
    many = "".join(f"<dc:p{n}>{'v' * 900}</dc:p{n}>" for n in range(200))
    limit = LIMITS["jpeg"].xmp
    data, extended, lost = merged(packet(many), limit=limit)
    assert not lost
    assert limit - 12_000 < len(data) <= limit
    near, far = properties(data), properties(extended)
    names = {f"{DC}p{n}" for n in range(200)}
    assert names <= near.keys() | far.keys()
    assert not names & near.keys() & far.keys()
    assert len(near[xmp.NOTE + "HasExtendedXMP"]) == 32


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_a_caption_holds_the_packet_stays_xml(text: str, label: str) -> None:
    theirs = xmp.Theirs()
    theirs.caption(text)
    data, _ = xmp.build_packet({**FIELDS, "sourcePath": label}, ESTIMATE, theirs)
    assert DC + "description" in properties(data)
    assert find_labels(io.BytesIO(data))["rowId"] == "a" * 64
