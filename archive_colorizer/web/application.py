"""The application of a page: its errors in one line, its logging in, its assets.

A page's room makes one with `make_application` and adds its own routes.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.telemetry import TelemetryConfig
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from archive_colorizer.web.accounts import REVIEWER, Account, check_password
from archive_colorizer.web.assets import Assets
from archive_colorizer.web.audit import AuditLog
from archive_colorizer.web.guard import SAFE, Door, Guard, client_of
from archive_colorizer.web.rates import Limiter, Rate
from archive_colorizer.web.refusals import RefusedError
from archive_colorizer.web.sessions import LONGEST_S, Session, Sessions

LOGINS_OF_ADDRESS: Final = Rate(burst=10, per_s=1 / 10)
LOGINS_OF_NAME: Final = Rate(burst=5, per_s=1 / 30)
"""Attempts that failed: a password of ten characters is not found at that rate."""
FOR_GOOD: Final = "private, max-age=31536000, immutable"
NO_TELEMETRY: Final[TelemetryConfig] = {
    "tracing": False, "metrics": False, "logs": False, "auto_configure": False,
}  # fmt: skip
"""What people look at is nobody else's affair."""
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in, and who is in."""

    door: Door
    audit: AuditLog
    name: str
    """Of the person that comes in by `token`."""
    token: str = ""
    """Whoever has it is that person; empty where there are accounts."""
    accounts: Mapping[str, Account] = field(default_factory=dict)
    sessions: Sessions = field(default_factory=Sessions)
    by_address: Limiter = field(default_factory=lambda: Limiter(LOGINS_OF_ADDRESS))
    by_name: Limiter = field(default_factory=lambda: Limiter(LOGINS_OF_NAME))

    @property
    def needs(self) -> str:
        """The proof that is asked for: password or token."""
        return "password" if self.accounts else "token"

    def knows(self, token: str) -> bool:
        """Tell whether this is the token; how long it takes says nothing."""
        return bool(self.token) and hmac.compare_digest(token.encode(), self.token.encode())


class Login(BaseModel):
    """A proof."""

    model_config = ConfigDict(extra="forbid")
    name: Annotated[str, Field(max_length=200)] = ""
    password: Annotated[str, Field(max_length=1024)] = ""
    token: Annotated[str, Field(max_length=1024)] = ""


def make_application(
    entrance: Entrance, assets: Assets, index: str, *, lifespan: Lifespan | None = None
) -> FastAPI:
    """Make the application of a page.

    Args:
        entrance: who may come in.
        assets: all files of the page.
        index: address of its first page among them.
        lifespan: what is begun and ended with the server.
    """
    app = _Guarded(
        title="archive-colorizer", docs_url=None, redoc_url=None, openapi_url=None,
        lifespan=lifespan, redirect_slashes=False, telemetry=NO_TELEMETRY,
    )  # fmt: skip
    app.state.entrance, app.state.assets, app.state.index = entrance, assets, index
    app.add_exception_handler(RefusedError, _answer_refusal)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(Exception, _answer_fault)
    app.add_api_route("/", give_index, methods=["GET"])
    app.add_api_route("/assets/{path:path}", give_asset, methods=["GET"])
    app.add_api_route("/healthz", tell_health, methods=["GET"])
    app.add_api_route("/api/login", log_in, methods=["POST"], status_code=204)
    app.add_api_route("/api/logout", log_out, methods=["POST"], status_code=204)
    return app


class _Guarded(FastAPI):
    """An application whose guard stands before everything: its own faults' answers, too."""

    def build_middleware_stack(self) -> ASGIApp:
        entrance: Entrance = self.state.entrance
        return Guard(super().build_middleware_stack(), entrance.door, entrance.sessions)


async def _answer_fault(request: Request, error: Exception) -> Response:
    line = "the program has a fault: its words are where it was started"
    return JSONResponse({"error": line}, 500)


async def _answer_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse(error.body, error.status, error.headers)


async def _answer_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": str(error.detail)}, error.status_code)


async def _answer_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: Mapping[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in _path_of(first["loc"]))
    return JSONResponse({"error": f"{where}: {first['msg']}"[:300]}, 422)


def _path_of(places: Sequence[Any]) -> Sequence[Any]:
    return places[1:] if len(places) > 1 else places


def entrance_of(request: Request) -> Entrance:
    """Give the entrance of a request's application."""
    found: Entrance = request.app.state.entrance
    return found


async def find_session(request: Request) -> Session:
    """Give the session of a request; an unsafe one must bring its token.

    Raises:
        RefusedError: it has none, or not its token.
    """
    entrance = entrance_of(request)
    session = entrance.sessions.find(request.cookies.get(entrance.door.cookie, ""))
    if session is None:
        raise RefusedError(401, "log in first", needs=entrance.needs)
    if request.method not in SAFE:
        token = request.headers.get("x-csrf-token", "")
        if not hmac.compare_digest(token.encode(), session.csrf.encode()):
            raise RefusedError(403, "the header X-CSRF-Token is missing or is another session's")
    return session


async def find_decider(session: Annotated[Session, Depends(find_session)]) -> Session:
    """Give the session of a request whose person may do more than look.

    Raises:
        RefusedError: the person may not.
    """
    if not session.may_decide:
        raise RefusedError(403, "your account may look, not decide")
    return session


Visitor = Annotated[Session, Depends(find_session)]
"""A route's parameter: the session of whoever may look."""
Decider = Annotated[Session, Depends(find_decider)]
"""A route's parameter: the session of whoever may decide."""


async def give_index(request: Request, key: str = "") -> Response:
    """Answer with the page; the key of a local start begins a session first."""
    assets: Assets = request.app.state.assets
    if key:
        return _enter_by_key(request, key)
    page = assets.files[request.app.state.index]
    return Response(assets.stamped(page.data), media_type=page.kind)


def _enter_by_key(request: Request, key: str) -> Response:
    entrance = entrance_of(request)
    answer = RedirectResponse("/", 303)
    _wait_if_often(entrance.by_address, client_of(request.scope))
    if entrance.knows(key):
        entrance.by_address.give_back(client_of(request.scope))
        _begin(answer, request, entrance.name, REVIEWER)
    return answer


async def give_asset(request: Request, path: str) -> Response:
    """Answer with an asset."""
    assets: Assets = request.app.state.assets
    asset, is_stamped = assets.find(path)
    if asset is None:
        raise RefusedError(404, "no such asset")
    keep = FOR_GOOD if is_stamped else "no-cache"
    return Response(asset.data, media_type=asset.kind, headers={"Cache-Control": keep})


async def tell_health() -> Mapping[str, str]:
    """Say that the server answers."""
    return {"status": "ok"}


async def log_in(request: Request, login: Login) -> Response:
    """Begin a session for a name and password, or for the token."""
    entrance, where = entrance_of(request), client_of(request.scope)
    _wait_if_often(entrance.by_address, where)
    if entrance.accounts:
        _wait_if_often(entrance.by_name, login.name)
        account = await asyncio.to_thread(
            check_password, entrance.accounts, login.name, login.password
        )
    else:
        account = Account(entrance.name, REVIEWER, "") if entrance.knows(login.token) else None
    if account is None:
        entrance.audit.write("login refused", login.name, where)
        what = "name and password do not" if entrance.accounts else "the token does not"
        raise RefusedError(401, f"{what} fit", needs=entrance.needs)
    entrance.by_address.give_back(where)
    entrance.by_name.give_back(login.name)
    answer = Response(status_code=204)
    _begin(answer, request, account.name, account.role)
    return answer


def _wait_if_often(limiter: Limiter, key: str) -> None:
    if wait_s := limiter.wait_s(key):
        raise RefusedError(429, "too many attempts: wait a moment", retry_after_s=wait_s)


def _begin(answer: Response, request: Request, name: str, role: str) -> None:
    entrance = entrance_of(request)
    secret = entrance.sessions.open(name, role)
    answer.set_cookie(
        entrance.door.cookie, secret, max_age=int(LONGEST_S), path="/", httponly=True,
        secure=entrance.door.scheme == "https", samesite="strict",
    )  # fmt: skip
    entrance.audit.write("login", name, client_of(request.scope), role=role)


async def log_out(request: Request, session: Visitor) -> Response:
    """End a session."""
    entrance = entrance_of(request)
    entrance.sessions.close(request.cookies.get(entrance.door.cookie, ""))
    entrance.audit.write("logout", session.name, client_of(request.scope))
    # Pictures that the browser kept are not for who sits there next.
    answer = Response(status_code=204, headers={"Clear-Site-Data": '"cache"'})
    answer.delete_cookie(
        entrance.door.cookie, path="/", httponly=True,
        secure=entrance.door.scheme == "https", samesite="strict",
    )  # fmt: skip
    return answer
