"""The routes of pixels: tiles, previews, thumbnails and maps. No request names a file."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from archive_colorizer.review.overlays import cover_page
from archive_colorizer.review.routes import desk_of
from archive_colorizer.review.sides import BEFORE, size_of
from archive_colorizer.web.application import FOR_GOOD, Visitor
from archive_colorizer.web.refusals import RefusedError

PLACE: Final = ("content_box", "width", "height", "orientation")
FOR_A_WHILE: Final = "private, max-age=300"
router: Final = APIRouter()
Kind = Literal["before", "after"]
Version = Annotated[str, Query(max_length=64)]


def _read_place(level: int, x: int, y: int) -> tuple[int, int, int]:
    return level, x, y


Tile = Annotated[tuple[int, int, int], Depends(_read_place)]
"""Level, column and row."""


@router.get("/thumb/{kind}/{row_id}.jpg")
async def give_thumbnail(
    request: Request, session: Visitor, kind: Kind, row_id: str, v: Version = ""
) -> Response:
    """Answer with a thumbnail."""
    desk = desk_of(request)
    data = await desk.pictures.cut(await desk.find_listed(row_id), kind)
    if not data:
        data = await desk.pictures.thumbnail(await desk.find_side(row_id, kind))
    return _jpeg(data, v)


@router.get("/api/pictures/{row_id}/{kind}.jpg")
async def give_preview(
    request: Request, session: Visitor, row_id: str, kind: Kind, edge: int = 1600, v: Version = ""
) -> Response:
    """Answer with a reduced picture."""
    desk = desk_of(request)
    side = await desk.find_side(row_id, kind)
    return _jpeg(await desk.pictures.preview(side, edge), v)


@router.get("/api/pictures/{row_id}/{kind}/{level}/{x}_{y}.jpg")
async def give_tile(
    request: Request, session: Visitor, row_id: str, kind: Kind, place: Tile, v: Version = ""
) -> Response:
    """Answer with a tile of a deep zoom."""
    desk = desk_of(request)
    side = await desk.find_side(row_id, kind)
    return _jpeg(await desk.pictures.tile(side, *place), v)


@router.get("/api/pictures/{row_id}/doubt.png")
def give_doubt(request: Request, session: Visitor, row_id: str) -> Response:
    """Answer with the map of the model's doubt."""
    return _give_map(request, row_id, "doubt_map")


@router.get("/api/pictures/{row_id}/glare.png")
def give_glare(request: Request, session: Visitor, row_id: str) -> Response:
    """Answer with the map of reflections."""
    return _give_map(request, row_id, "glare_map")


def _give_map(request: Request, row_id: str, column: str) -> Response:
    row = desk_of(request).catalog.read_row(row_id, (column, *PLACE))
    if not row[column]:
        raise RefusedError(404, "this picture has no such map")
    data = cover_page(row[column], row["content_box"], size_of(row, BEFORE))
    return Response(data, media_type="image/png", headers={"Cache-Control": FOR_A_WHILE})


def _jpeg(data: bytes, version: str) -> Response:
    keep = FOR_GOOD if version else FOR_A_WHILE
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": keep})
