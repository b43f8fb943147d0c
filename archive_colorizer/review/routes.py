"""The routes of the desk: rows, queues and verdicts; `picture_routes` has those of pixels."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from fastapi import Query as Param
from pydantic import BaseModel, Field

from archive_colorizer.pipeline.output.reviews import REASONS
from archive_colorizer.pipeline.reasons import DOUBT, ERRORS, FLAGS, REVIEW_REASONS, STATUSES
from archive_colorizer.pipeline.values import valid_text
from archive_colorizer.review.desk import Desk, Said
from archive_colorizer.review.rows import FACETS, FOLDER, Indices
from archive_colorizer.review.search import Query, Sight
from archive_colorizer.review.shown import (
    both,
    read_pins,
    show_decision,
    show_item,
    show_row,
    show_side,
)
from archive_colorizer.review.sides import SIDES, Side
from archive_colorizer.web.application import Decider, Visitor, entrance_of
from archive_colorizer.web.guard import client_of
from archive_colorizer.web.refusals import RefusedError
from archive_colorizer.web.sessions import Session

MOST_ITEMS: Final = 200
SUMMARY: Final = (
    "row_id", "job_id", "started_at", "status", "error_class", "doubt_mean", "derivative_sha256",
    "model",
)  # fmt: skip
router: Final = APIRouter(prefix="/api")
Wanted = Annotated[list[str] | None, Param(max_length=100)]
Offset = Annotated[int, Param(ge=0, le=2**31)]
Limit = Annotated[int, Param(ge=1, le=MOST_ITEMS)]
Share = Annotated[float | None, Param(gt=0, le=1)]
Seed = Annotated[str | None, Param(max_length=200)]


class Filters(BaseModel):
    """The filters of a list; each may be given more than once."""

    status: list[str] = Field([], max_length=100)
    error_class: list[str] = Field([], max_length=100)
    flag: list[str] = Field([], max_length=100)
    collection: list[str] = Field([], max_length=100)
    folder: list[str] = Field([], max_length=100)
    tone: list[str] = Field([], max_length=100)
    model: list[str] = Field([], max_length=100)
    verdict: list[str] = Field([], max_length=10)
    q: str = Field("", max_length=500)
    doubt_min: float | None = Field(None, ge=0, le=1)
    sort: Literal["doubt", "-doubt", "path", "-path"] = "-doubt"
    queue: bool = False
    share: float | None = Field(None, gt=0, le=1)
    seed: str | None = Field(None, max_length=200)
    offset: int = Field(0, ge=0, le=2**31)
    limit: int = Field(100, ge=1, le=MOST_ITEMS)

    def to_query(self) -> Query:
        """Give what is looked for; empty values are none."""
        wanted = {facet: tuple(filter(None, getattr(self, facet))) for facet in FACETS}
        wanted[FOLDER] = tuple(one.rstrip("/") for one in wanted[FOLDER])
        return Query(
            tuple((facet, values) for facet, values in wanted.items() if values),
            tuple(filter(None, self.verdict)), self.q.strip(), self.doubt_min, self.sort,
            self.queue,
        )  # fmt: skip


class Verdict(BaseModel):
    """A verdict as it is sent."""

    id: Annotated[str, Field(max_length=200)]
    sha256: Annotated[str, Field(max_length=200)]
    verdict: Literal["approved", "rejected", "later"]
    reason: Annotated[str, Field(max_length=40)] = ""
    note: Annotated[str, Field(max_length=2000)] = ""
    seconds: Annotated[float | None, Field(ge=0, le=86_400)] = None


def desk_of(request: Request) -> Desk:
    """Give the desk of a request's application."""
    found: Desk = request.app.state.desk
    return found


@router.get("/session")
def tell_session(request: Request, session: Visitor) -> dict[str, Any]:
    """Say who is here, and what there is."""
    desk = desk_of(request)
    sight = desk.look(session)
    facets: dict[str, Any] = dict(sight.rows.facets)
    facets["verdict"] = sight.count_verdicts()
    return {
        "reviewer": session.name,
        "role": session.role,
        "csrf": session.csrf,
        "job": {
            "output": desk.store.uri,
            "job_id": str(desk.job.get("job_id", "")),
            "counts": {"listed": len(sight.rows)} | dict(sight.rows.facets["status"]),
        },
        "facets": facets,
        "reasons": [{"id": name, "en": words.en, "ko": words.ko}
                    for name, words in REVIEW_REASONS.items()],
        "options": {
            "double_blind": desk.config.double_blind,
            "honeypots": bool(desk.config.honeypots),
        },
        "words": _words(),
    }  # fmt: skip


def _words() -> dict[str, Any]:
    flags = {**FLAGS, "doubt": DOUBT}
    return {
        "flag": {name: both([reason.why]) for name, reason in flags.items()},
        "error_class": {name: both([reason.why]) for name, reason in ERRORS.items()},
        "status": {name: both([words]) for name, words in STATUSES.items()},
    }


@router.get("/pictures")
def list_pictures(
    request: Request, session: Visitor, filters: Annotated[Filters, Param()]
) -> dict[str, Any]:
    """List rows, one page of them."""
    sight, found = desk_of(request).find(session, filters.to_query(), filters.share, filters.seed)
    return _page(sight, found, filters.offset, filters.limit)


def _page(sight: Sight, found: Indices, offset: int, limit: int) -> dict[str, Any]:
    rows = sight.rows.take(found[offset : offset + limit])
    items = [show_item(row, sight.verdicts) for row in rows]
    return {"total": len(found), "offset": offset, "items": items}


@router.get("/queue")
def tell_queue(
    request: Request, session: Visitor, share: Share = None, seed: Seed = None
) -> dict[str, Any]:
    """Say how much of the queue is done."""
    sight, found = desk_of(request).find(session, Query(is_queue=True), share, seed)
    left = found[sight.mark_verdicts(("none",))[found]]
    first = sight.rows.take(left[:1])
    return {
        "total": len(found),
        "done": len(found) - len(left),
        "left": len(left),
        "first": first[0]["row_id"] if first else None,
    }


@router.get("/second-look")
def list_second_looks(
    request: Request, session: Decider, offset: Offset = 0, limit: Limit = 100
) -> dict[str, Any]:
    """List the pictures that another person judged and this one is to judge, too."""
    sight, found = desk_of(request).find_second_looks(session)
    return _page(sight, found, offset, limit)


@router.get("/pictures/{row_id}")
def tell_picture(request: Request, session: Visitor, row_id: str) -> dict[str, Any]:
    """Say everything of one row."""
    desk = desk_of(request)
    rows, at = desk.catalog.find(row_id)
    light = rows.one(at)
    row = desk.catalog.read_row(row_id)
    sha256 = light["derivative_sha256"] or ""
    own = desk.decisions.own(session.name, sha256) if session.may_decide else None
    api = f"/api/pictures/{row_id}"
    return {
        "item": show_item(light, desk.verdicts_for(session)),
        "row": show_row(row),
        "images": {kind: show_side(Side(kind, row)) for kind in SIDES},
        "doubt": f"{api}/doubt.png" if row["doubt_mean"] is not None else None,
        "glare": f"{api}/glare.png" if row["glare_share"] else None,
        "box": row["content_box"],
        "history": _show_history(desk, row),
        "own": show_decision(own),
        "others": _show_others(desk, session, sha256, has_own=own is not None),
        "pins": read_pins(row["hints"]),
    }


def _show_history(desk: Desk, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    earlier = desk.catalog.read_history(row["source_uri"], row["page"] or 0)
    return [show_row({name: one[name] for name in SUMMARY}) for one in earlier]


def _show_others(
    desk: Desk, session: Session, sha256: str, *, has_own: bool
) -> list[dict[str, Any]]:
    """Show what others say: not before one's own verdict is given, and never double-blind."""
    if session.may_decide and (not has_own or desk.config.double_blind):
        return []
    others = desk.decisions.others(session.name if session.may_decide else "", sha256)
    return [shown for one in others if (shown := show_decision(one))]


@router.post("/verdicts")
def take_verdict(request: Request, session: Decider, said: Verdict) -> dict[str, Any]:
    """Take a verdict; it is durable when this is answered."""
    if said.reason and said.reason not in REASONS:
        raise RefusedError(422, f"reason: must be one of {', '.join(REASONS)}")
    decision = desk_of(request).decide(
        session,
        Said(said.id, said.sha256, said.verdict, said.reason, valid_text(said.note), said.seconds),
    )
    note(request, session, "verdict", picture=said.id, verdict=said.verdict, reason=said.reason)
    return {"decision_id": decision.decision_id}


@router.post("/undo")
def undo(request: Request, session: Decider) -> dict[str, Any]:
    """Take back one's last verdict that stands."""
    taken, restored = desk_of(request).decisions.undo(session.name)
    note(request, session, "undo", picture=taken.row_id, verdict=taken.verdict)
    return {
        "id": taken.row_id,
        "verdict": taken.verdict,
        "restored": restored.verdict if restored else None,
    }


@router.get("/agreement")
def tell_agreement(request: Request, session: Visitor) -> dict[str, Any]:
    """Say how well people agree."""
    return desk_of(request).count_agreement(session)


def note(request: Request, session: Session, what: str, **more: object) -> None:
    """Write into the audit log what a person did."""
    entrance_of(request).audit.write(what, session.name, client_of(request.scope), **more)
