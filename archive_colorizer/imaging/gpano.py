"""GPano: what a panorama's XMP says of its projection (Google's Photo Sphere XMP metadata)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from lxml import etree

from archive_colorizer.imaging.blocks import Blocks
from archive_colorizer.imaging.projection import Panorama
from archive_colorizer.imaging.xmp import XmpFault, parse

NAMESPACE: Final = "http://ns.google.com/photos/1.0/panorama/"
NAME: Final = f"{{{NAMESPACE}}}"
ACROSS: Final = (
    "FullPanoWidthPixels", "CroppedAreaImageWidthPixels", "CroppedAreaLeftPixels",
    "LargestValidInteriorRectLeft", "LargestValidInteriorRectWidth",
)  # fmt: skip
"""Properties in pixels of the picture's width."""
DOWN: Final = (
    "FullPanoHeightPixels", "CroppedAreaImageHeightPixels", "CroppedAreaTopPixels",
    "LargestValidInteriorRectTop", "LargestValidInteriorRectHeight",
)  # fmt: skip
"""Properties in pixels of its height."""
SIDES_DIFFER: Final = 0.01
"""Share by which a picture's sides may miss the ratio of a panorama's."""


def read_gpano(blocks: Blocks) -> dict[str, str]:
    """Read a picture's GPano properties by their names; empty without any."""
    found: dict[str, str] = {}
    for packet in (blocks.xmp, blocks.extended_xmp):
        if NAMESPACE.encode() not in packet:
            continue
        try:
            rdf = parse(packet)
        except XmpFault:
            continue
        for holder, name in _list_properties(rdf):
            found.setdefault(name.removeprefix(NAME), _read(holder, name).strip())
    return found


def _list_properties(rdf: Any) -> Iterator[tuple[Any, str]]:  # noqa: ANN401 (lxml's element)
    """Each element that is a GPano property or has one as its attribute, and the name."""
    for node in rdf.iter(etree.Element):
        yield from ((node, str(name)) for name in node.attrib if str(name).startswith(NAME))
        if str(node.tag).startswith(NAME):
            yield node, str(node.tag)


def _read(holder: Any, name: str) -> str:  # noqa: ANN401 (lxml's element)
    return str(holder.get(name) if name in holder.attrib else holder.text or "")


def find_panorama(blocks: Blocks, size: tuple[int, int], *, asked: bool) -> Panorama | None:
    """Tell whether a picture is an equirectangular panorama of a whole turn.

    Its metadata decide. One without any is taken for one where that is asked for, and its width is
    twice its height.

    Args:
        blocks: the picture's metadata.
        size: (height, width), upright.
        asked: whether the user says so.

    Returns:
        Which latitudes it shows; None where its sides are no neighbours, or nothing says so.
    """
    said = read_gpano(blocks)
    if not said:
        return Panorama() if asked and _are_alike(size[1], 2 * size[0]) else None
    hidden = said.get("UsePanoViewer", "").lower() == "false" and not asked
    if said.get("ProjectionType", "").lower() != "equirectangular" or hidden:
        return None
    return _read_area(said, size)


def _read_area(said: Mapping[str, str], size: tuple[int, int]) -> Panorama | None:
    """The part of the sphere that a picture shows; None where it is no whole turn."""
    height, width = size
    if not any(name in said for name in (*ACROSS[:3], *DOWN[:3])):
        return Panorama() if _are_alike(width, 2 * height) else None
    try:
        full_w, area_w, _ = (float(said[name]) for name in ACROSS[:3])
        full_h, area_h, top = (float(said[name]) for name in DOWN[:3])
    except (KeyError, ValueError):
        return None
    is_whole = 0 < full_w <= area_w and 0 <= top <= full_h - area_h and area_h > 0
    is_sphere = _are_alike(full_w, 2 * full_h)
    if not (is_whole and is_sphere and _are_alike(width * area_h, height * area_w)):
        return None
    return Panorama(90 - 180 * top / full_h, 90 - 180 * (top + area_h) / full_h)


def _are_alike(one: float, other: float) -> bool:
    return abs(one - other) < SIDES_DIFFER * other  # never of infinities


def scaled(blocks: Blocks, down: float, across: float) -> Blocks:
    """Bring GPano's numbers to another size of the picture; the rest stays.

    Args:
        blocks: of the picture.
        down: factor of its height.
        across: factor of its width.
    """
    if NAMESPACE.encode() not in blocks.xmp + blocks.extended_xmp:
        return blocks
    return replace(
        blocks,
        xmp=_scaled_packet(blocks.xmp, down, across),
        extended_xmp=_scaled_packet(blocks.extended_xmp, down, across),
    )


def _scaled_packet(packet: bytes, down: float, across: float) -> bytes:
    try:
        rdf = parse(packet)
    except XmpFault:
        return packet
    factors = {NAME + name: across for name in ACROSS} | {NAME + name: down for name in DOWN}
    for holder, name in _list_properties(rdf):
        try:
            value = str(round(float(_read(holder, name)) * factors[name]))
        except (KeyError, ValueError, OverflowError):
            continue
        if name in holder.attrib:
            holder.set(name, value)
        else:
            holder.text = value
    return bytes(etree.tostring(rdf, encoding="utf-8"))
