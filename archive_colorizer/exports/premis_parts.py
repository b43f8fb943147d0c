"""Parts of a PREMIS document: identifiers, files, events, agents, in the order of the schema."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from lxml import etree

from archive_colorizer.imaging.xmp import clean

NAMESPACE: Final = "http://www.loc.gov/premis/v3"
XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA: Final = "http://www.loc.gov/standards/premis/premis.xsd"
UNKNOWN: Final = "application/octet-stream"


class Identifier(NamedTuple):
    """What names an object, an event or an agent."""

    type: str
    value: str

    def parts(self, name: str) -> dict[str, str]:
        """Give the two elements of an element of that name."""
        return {f"{name}Type": self.type, f"{name}Value": self.value}


def open_document() -> Any:  # noqa: ANN401 (lxml's element)
    """Make the root."""
    root = etree.Element(_tag("premis"), nsmap={None: NAMESPACE, "xsi": XSI})
    root.set("version", "3.0")
    root.set(f"{{{XSI}}}schemaLocation", f"{NAMESPACE} {SCHEMA}")
    return root


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def add(node: Any, **parts: Any) -> None:  # noqa: ANN401 (lxml's element; text or further parts)
    """Add elements by name, with text or further elements in them; empty ones are left out.

    A list makes several elements of one name.
    """
    for name, values in parts.items():
        for value in values if isinstance(values, list) else [values]:
            if value in (None, "", {}):
                continue
            child = etree.SubElement(node, _tag(name))
            if isinstance(value, Mapping):
                add(child, **value)
            else:
                child.text = clean(str(value))


def add_file(
    root: Any,  # noqa: ANN401 (lxml's element)
    identifier: Identifier,
    facts: Mapping[str, Any],
    name: str | None,
) -> Any:  # noqa: ANN401
    """Add a file.

    Args:
        root: of the document.
        identifier: of the file.
        facts: `sha256`, `bytes`, `mime`; of a derivative also `version` and `made`, of the program,
            and `properties`.
        name: its original name.
    """
    node = etree.SubElement(root, _tag("object"))
    node.set(f"{{{XSI}}}type", "file")
    add(node, objectIdentifier=identifier.parts("objectIdentifier"))
    add(node, significantProperties=[
        {"significantPropertiesType": kind, "significantPropertiesValue": value}
        for kind, value in facts.get("properties", {}).items() if value
    ])  # fmt: skip
    characteristics: dict[str, Any] = {}
    if facts["sha256"]:
        characteristics["fixity"] = {
            "messageDigestAlgorithm": "SHA-256", "messageDigest": facts["sha256"],
        }  # fmt: skip
    characteristics["size"] = facts["bytes"]
    characteristics["format"] = {"formatDesignation": {"formatName": facts["mime"] or UNKNOWN}}
    if facts.get("version"):
        characteristics["creatingApplication"] = {
            "creatingApplicationName": "archive-colorizer",
            "creatingApplicationVersion": facts["version"],
            "dateCreatedByApplication": write_time(facts["made"]),
        }
    add(node, objectCharacteristics=characteristics, originalName=name)
    return node


def write_time(value: Any) -> str:  # noqa: ANN401 (a time, or microseconds since 1970)
    """Write a time as ISO 8601, UTC."""
    if isinstance(value, int):
        value = datetime.fromtimestamp(value / 1e6, UTC)
    return str(value.astimezone(UTC).isoformat().replace("+00:00", "Z"))


def add_event(  # noqa: PLR0913 (an event has that many parts; all by name)
    identifier: Identifier,
    kind: str,
    when: object,
    *,
    details: Sequence[str | None],
    outcome: str,
    agents: Mapping[Identifier, str],
    objects: Mapping[Identifier, str],
    note: str = "",
) -> Any:  # noqa: ANN401 (lxml's element)
    """Make an event.

    Args:
        identifier: of the event.
        kind: its type, as the Library of Congress's vocabulary has it where it has one.
        when: a time, or microseconds since 1970.
        details: in words.
        outcome: of it.
        agents: with their roles.
        objects: with their roles.
        note: on the outcome.
    """
    node = etree.Element(_tag("event"))
    said = [{"eventDetail": one} for one in details if one]
    result: dict[str, Any] = {"eventOutcome": outcome}
    if note:
        result["eventOutcomeDetail"] = {"eventOutcomeDetailNote": note}
    add(
        node, eventIdentifier=identifier.parts("eventIdentifier"), eventType=kind,
        eventDateTime=write_time(when), eventDetailInformation=said,
        eventOutcomeInformation=result,
    )  # fmt: skip
    for agent, role in agents.items():
        parts = agent.parts("linkingAgentIdentifier")
        add(node, linkingAgentIdentifier=parts | {"linkingAgentRole": role})
    for other, role in objects.items():
        parts = other.parts("linkingObjectIdentifier")
        add(node, linkingObjectIdentifier=parts | {"linkingObjectRole": role})
    return node


class Agents:
    """Who took part, each once."""

    def __init__(self) -> None:
        self._known: dict[Identifier, dict[str, Any]] = {}

    def software(self, row: Mapping[str, Any]) -> Identifier:
        """Note the program that wrote a row."""
        name = " ".join(filter(None, ("archive-colorizer", row["version"], row["git_commit"])))
        beside = ("torch", "torch_version"), ("ray", "ray_version")
        note = ", ".join(f"{one} {row[column]}" for one, column in beside if row[column])
        return self._note(Identifier("software", name), {
            "agentName": "archive-colorizer", "agentType": "software",
            "agentVersion": row["version"], "agentNote": note,
        })  # fmt: skip

    def model(self, step: Mapping[str, Any]) -> Identifier:
        """Note the model of a step."""
        facts = [f"SHA-256 of the weights: {step['weights_sha256']}"]
        if step["weights_rights"]:
            facts.append(f"rights in the training pictures: {step['weights_rights']}")
        identifier = Identifier("SHA-256 of the weights", step["weights_sha256"] or "none")
        return self._note(identifier, {
            "agentName": step["model_ref"], "agentType": "software",
            "agentVersion": step["model_version"], "agentNote": "; ".join(facts),
        })  # fmt: skip

    def person(self, name: str) -> Identifier:
        """Note a reviewer."""
        parts = {"agentName": name, "agentType": "person"}
        return self._note(Identifier("reviewer", name), parts)

    def _note(self, identifier: Identifier, parts: dict[str, Any]) -> Identifier:
        self._known.setdefault(identifier, parts)
        return identifier

    def elements(self) -> Iterator[Any]:
        """Make their elements."""
        for identifier, parts in self._known.items():
            node = etree.Element(_tag("agent"))
            add(node, agentIdentifier=identifier.parts("agentIdentifier"), **parts)
            yield node
