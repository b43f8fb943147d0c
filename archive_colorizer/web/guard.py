"""The guard of every request: hosts and origins, rates, bytes, and the headers of every answer.

Plain ASGI, before any route is looked up.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from archive_colorizer.web.rates import Limiter, Rate
from archive_colorizer.web.refusals import RefusedError
from archive_colorizer.web.sessions import Sessions

MAX_BODY_BYTES: Final = 64 << 10
MAX_QUERY_BYTES: Final = 4 << 10
BODY_TIMEOUT_S: Final = 20.0
"""A body that has not come by then is given up."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WITH_SESSION: Final = Rate(burst=1200, per_s=300.0)
"""Requests of one session: a page of thumbnails and a screen of tiles are hundreds at once."""
WITHOUT_SESSION: Final = Rate(burst=120, per_s=20.0)
"""Requests of one address without a session."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Robots-Tag": "noindex, nofollow",
}


@dataclass(frozen=True, slots=True)
class Door:
    """How a server is reached."""

    scheme: str
    """http or https."""
    port: int
    hosts: frozenset[str] = field(default=LOOPBACK)
    """Names that requests may give as their host; empty for any. On loopback this keeps out pages
    of other sites whose name was made to lead here (DNS rebinding)."""

    @property
    def cookie(self) -> str:
        """Name of the session's cookie: browsers do not tell ports apart."""
        prefix = "__Host-" if self.scheme == "https" else ""
        return f"{prefix}archive-colorizer-{self.port}"


class Guard:
    """Lets requests in, or answers them itself."""

    def __init__(self, app: ASGIApp, door: Door, sessions: Sessions) -> None:
        self._app, self._door, self._sessions = app, door, sessions
        self._known, self._others = Limiter(WITH_SESSION), Limiter(WITHOUT_SESSION)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no page of ours opens a web socket
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _read_headers(scope)
        try:
            self._check(scope, headers)
            body = b"" if scope["method"] in SAFE else await _read_body(headers, receive)
        except RefusedError as error:
            await _refuse(error, _adding_headers(send))
            return
        await self._app(scope, _giving(body, receive), _adding_headers(send))

    def _check(self, scope: Scope, headers: Mapping[str, str]) -> None:
        host = headers.get("host", "").lower()
        if self._door.hosts and _name_of(host) not in self._door.hosts:
            raise RefusedError(421, "this host name is not one of this server's")
        if len(scope.get("query_string", b"")) > MAX_QUERY_BYTES:
            raise RefusedError(414, "the address is too long")
        if scope["method"] not in SAFE:
            self._check_origin(headers, host)
        self._check_rate(scope, headers)

    def _check_origin(self, headers: Mapping[str, str], host: str) -> None:
        """Refuse what a page of another site sends."""
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin.lower()).netloc != host:
            raise RefusedError(403, "a page of another site may not ask for this")
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            raise RefusedError(403, "a page of another site may not ask for this")

    def _check_rate(self, scope: Scope, headers: Mapping[str, str]) -> None:
        secret = cookie_of(headers.get("cookie", ""), self._door.cookie)
        if secret and self._sessions.find(secret):
            wait_s = self._known.wait_s(secret)
        else:  # a cookie that somebody made up is none
            wait_s = self._others.wait_s(client_of(scope))
        if wait_s:
            raise RefusedError(429, "too many requests: wait a moment", retry_after_s=wait_s)


def client_of(scope: Scope) -> str:
    """Give the address that a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def cookie_of(header: str, name: str) -> str:
    """Give the value of one cookie; empty for none."""
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _read_headers(scope: Scope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]}  # fmt: skip


def _name_of(host: str) -> str:
    """A host's name without its port; empty where it makes no sense."""
    try:
        parts = urlsplit(f"//{host}")
        name = parts.hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name


async def _read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """Read a body, so that no route waits for one.

    Raises:
        RefusedError: it is too long, or it does not come.
    """
    too_long = RefusedError(413, f"a request may have {MAX_BODY_BYTES >> 10} KiB")
    said = headers.get("content-length", "0")
    if said.isdigit() and int(said) > MAX_BODY_BYTES:
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            more = True
            while more:
                message = await receive()
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > MAX_BODY_BYTES:
                    raise too_long
    except TimeoutError as error:
        raise RefusedError(408, "the request did not come whole in time") from error
    return bytes(body)


def _giving(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body that was read, then what else comes."""
    waiting = [body]

    async def give() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return give


def _adding_headers(send: Send) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            there = {name.lower() for name, _ in message["headers"]}
            message["headers"] = [
                *message["headers"],
                *((name.lower().encode(), value.encode()) for name, value in HEADERS.items()),
                *([] if b"cache-control" in there else [(b"cache-control", b"no-store")]),
            ]
        await send(message)

    return add


async def _refuse(error: RefusedError, send: Send) -> None:
    body = json.dumps(error.body).encode()
    headers: list[tuple[bytes, bytes]] = [
        (b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
    ]  # fmt: skip
    headers += [(k.lower().encode(), v.encode()) for k, v in error.headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
