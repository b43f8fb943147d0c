"""Inspection: what a picture's file says of itself, what was signed, and what its mark says.

For files of ours, of others, and damaged ones. Nothing but the file is looked at: no account, no
network.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from archive_colorizer.imaging import xmp
from archive_colorizer.imaging.blocks import Blocks
from archive_colorizer.imaging.decode import read_reduced
from archive_colorizer.imaging.faults import PictureFault
from archive_colorizer.imaging.header import read_header
from archive_colorizer.imaging.metadata import find_labels
from archive_colorizer.imaging.picture_header import Header
from archive_colorizer.provenance.c2pa_reading import (
    CHANGED,
    EXPIRED,
    NONE,
    VALID,
    C2paReading,
    read_c2pa,
)
from archive_colorizer.provenance.watermark import Reading, read
from archive_colorizer.provenance.watermark_code import DEFAULT_KEY

SHORT_PX: Final = 768
"""Short side, at least, at which the mark is looked for."""
LABELS: Final[Mapping[str, str]] = {
    "rowId": "row_id", "jobId": "job_id", "version": "version", "model": "model",
    "modelVersion": "model_version", "weightsSha256": "weights_sha256",
    "sourceSha256": "master_sha256", "sourcePath": "master_path", "objectId": "object_id",
    "statement": "statement",
}  # fmt: skip
"""Our labels, and their names in an inspection."""
STANDARD: Final[Mapping[str, str]] = {
    xmp.IPTC_EXT + "DigitalSourceType": "digital_source_type",
    xmp.IPTC_EXT + "AISystemUsed": "ai_system",
    xmp.IPTC_EXT + "AISystemVersionUsed": "ai_system_version",
    xmp.IPTC_EXT + "AIPromptInformation": "ai_prompt",
    xmp.XMP + "CreatorTool": "creator_tool",
}
"""Properties that files of others have, too."""
AI_MADE: Final = ("AlgorithmicMedia", "algorithmicMedia")
"""Ends of IPTC's digital source types by which an algorithm had a part in a picture."""
FILM_BRANDS: Final = (b"isom", b"iso2", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"qt  ")
"""Of MP4 and MOV; pictures (HEIF) begin in the same way."""
NO_MARK: Final = Reading(found=False, job=None, score=0.0)
UNSIGNED: Final = C2paReading(NONE)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What one file says."""

    file: str
    format: str = ""
    """JPEG, PNG, TIFF ..., MP4 for films; empty for what is not read here."""
    width: int = 0
    height: int = 0
    error: str = ""
    """Why the file, or its pixels, cannot be read: one line; empty where both can."""
    xmp: Mapping[str, Any] = field(default_factory=dict)
    c2pa: C2paReading = UNSIGNED
    watermark: Reading = NO_MARK

    @property
    def row_id(self) -> str:
        """Id of the row that the file names, in its XMP or its signature; empty for none."""
        return str(self.xmp.get("row_id") or self.c2pa.said.get("row_id") or "")

    def to_json(self) -> dict[str, Any]:
        """Give JSON's types alone; the keys are always there."""
        mark = self.watermark
        return {
            "file": self.file,
            "format": self.format or None,
            "width": self.width or None,
            "height": self.height or None,
            "error": self.error or None,
            "xmp": {"found": bool(self.xmp), **self.xmp},
            "c2pa": self.c2pa.to_json(),
            "watermark": {"found": mark.found, "job": mark.job, "score": mark.score},
        }

    def lines(self) -> Iterator[str]:
        """Say it for people; the first line names the file. Nothing steers a terminal."""
        return map(_printable, self._lines())

    def _lines(self) -> Iterator[str]:
        sides = f", {self.width:,} x {self.height:,} pixels" if self.width else ""
        what = f"{self.format}{sides}" if self.format else ""
        yield ": ".join(filter(None, (self.file, self.error or what)))
        if self.format or self.xmp:
            yield f"  says of itself (XMP): {_tell_xmp(self.xmp)}"
        if not self.format:
            return
        yield f"  signed (C2PA): {_tell_c2pa(self.c2pa)}"
        if not self.width:  # a film, whose pictures are not looked at
            return
        mark = self.watermark
        told = f"found, of job number {mark.job:08x}" if mark.job is not None else "none found"
        yield f"  mark in its colours: {told} (score {mark.score:.1f})"


def inspect(path: Path, key: bytes = DEFAULT_KEY) -> Inspection:
    """Inspect a file of this machine.

    Args:
        path: of the file.
        key: that the mark was made with.
    """
    name = _printable(str(path))
    try:
        with path.open("rb") as file:
            return _inspect(name, file, key)
    except OSError as error:
        return Inspection(name, error=f"cannot be read: {error.strerror or error}")


def _printable(text: str) -> str:
    """Put a question mark for what strangers' files may hold: control characters, half letters."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _inspect(name: str, file: BinaryIO, key: bytes) -> Inspection:
    try:
        header = read_header(file)
    except PictureFault as fault:  # of a damaged file of ours the labels may still be there
        if (film := _inspect_film(name, file)) is not None:
            return film
        return Inspection(name, error=f"cannot be read: {fault}", xmp=read_xmp(file, Blocks()))
    said = read_xmp(file, header.blocks)
    signed = read_c2pa(file, header.mime)
    error = ""
    mark = NO_MARK
    try:
        mark, error = _read_mark(file, header, key)
    except PictureFault as fault:
        error = f"its pixels cannot be read: {fault}"
    height, width = header.upright_size
    return Inspection(name, header.format, width, height, error, said, signed, mark)


def _inspect_film(name: str, file: BinaryIO) -> Inspection | None:
    """Read what is signed of a film in MP4 or MOV; None for any other file."""
    file.seek(0)
    head = file.read(12)
    if head[4:8] != b"ftyp" or head[8:12] not in FILM_BRANDS:
        return None
    file.seek(0)
    return Inspection(name, "MP4", c2pa=read_c2pa(file, "video/mp4"))


def _read_mark(file: BinaryIO, header: Header, key: bytes) -> tuple[Reading, str]:
    """Read the mark, and tell what is wrong with the pixels."""
    decoded = read_reduced(file, header, SHORT_PX)
    error = f"its pixels are damaged: {'; '.join(decoded.warnings)}" if decoded.damaged else ""
    pixels = decoded.pixels
    if pixels.ndim == 2:  # no chroma, no mark
        return NO_MARK, error
    return read(np.ascontiguousarray(pixels[..., :3]), key), error


def read_xmp(file: BinaryIO, blocks: Blocks) -> dict[str, Any]:
    """Read what a picture's XMP says that concerns its origin; empty without XMP.

    Args:
        file: of the picture; of ours the labels are read from its head.
        blocks: of its header.
    """
    said: dict[str, Any] = {}
    labels = find_labels(file)
    said |= {ours: labels[label] for label, ours in LABELS.items() if labels.get(label)}
    for packet in filter(None, (blocks.xmp, blocks.extended_xmp)):
        try:
            rdf = xmp.parse(packet)
        except xmp.XmpFault as fault:
            said["fault"] = str(fault)
            continue
        for node in rdf.iter(xmp.RDF + "Description"):
            found = dict(node.attrib) | {
                child.tag: "".join(child.itertext()).strip() or child.get(xmp.RDF + "resource", "")
                for child in node
                if isinstance(child.tag, str)
            }
            for name, ours in STANDARD.items():
                if found.get(name):
                    said.setdefault(ours, str(found[name])[: xmp.MAX_MOVED])
    return said


def _tell_xmp(said: Mapping[str, Any]) -> str:
    if "row_id" in said:
        model = f"model {said.get('model', '')} {said.get('model_version', '')}".rstrip()
        made = f"made by archive-colorizer {said.get('version', '')}, {model}. "
        return f"{made}{said.get('statement', '')} Row {said['row_id']}"
    source = str(said.get("digital_source_type", "")).rpartition("/")[2]
    told = [
        f"digital source type {source}" if source else "",
        f"AI system {said['ai_system']}" if said.get("ai_system") else "",
        f"made by {said['creator_tool']}" if said.get("creator_tool") else "",
        said.get("fault", ""),
    ]
    if not any(told[:3]):
        return "nothing of its origin" + (f" ({said['fault']})" if said.get("fault") else "")
    if not source.endswith(AI_MADE) and not said.get("ai_system"):
        told.append("nothing of any AI")
    return "; ".join(filter(None, told))


def _tell_c2pa(reading: C2paReading) -> str:
    if reading.state == NONE:
        return "no"
    signer = reading.said.get("signer") or {}
    who = ", ".join(filter(None, (signer.get("name"), signer.get("organisation"))))
    by = f", by {who or 'nobody named'}"
    if reading.state == VALID:
        return f"yes, and unchanged since{by} (whom to trust is yours to say)"
    if reading.state == EXPIRED:
        return f"yes, and unchanged since{by}; the certificate has expired"
    if reading.state == CHANGED:
        return f"CHANGED since it was signed{by}: {reading.reason}"
    return f"{reading.state}: {reading.reason}"
