"""The routes of pinned colours."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from archive_colorizer.review.pin_record import MAX_POINTS
from archive_colorizer.review.routes import desk_of, note
from archive_colorizer.web.application import Decider, Visitor
from archive_colorizer.web.refusals import RefusedError

router: Final = APIRouter(prefix="/api")
Pixels = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class Pins(BaseModel):
    """All points of a picture."""

    pins: Annotated[list[tuple[Pixels, Pixels, Colour]], Field(max_length=MAX_POINTS)]


@router.post("/pictures/{row_id}/pins/preview")
async def give_preview(request: Request, session: Decider, row_id: str, said: Pins) -> Response:
    """Answer with the picture, coloured with some points."""
    data = await desk_of(request).preview_pins(row_id, said.pins)
    return Response(data, media_type="image/jpeg")


@router.post("/pictures/{row_id}/pins")
def save_pins(request: Request, session: Decider, row_id: str, said: Pins) -> dict[str, str]:
    """Save the points of a picture; its derivative is made from them in the background."""
    work = desk_of(request).save_pins(row_id, said.pins, session.name)
    note(request, session, "pins", picture=row_id, work=work, points=len(said.pins))
    return {"work": work}


@router.get("/pins/{work}")
def tell_work(request: Request, session: Visitor, work: str) -> dict[str, Any]:
    """Say how far the derivative of some points is."""
    desk = desk_of(request)
    try:
        state = desk.pins.state(work)
    except KeyError as error:
        raise RefusedError(404, "no such work") from error
    if state.state == "done":
        desk.catalog.refresh()  # who asked looks at the new row next
    return {
        "state": state.state,
        "id": state.row_id or None,
        "sha256": state.derivative_sha256 or None,
        "why": state.why or None,
    }
