"""The server: a port that is taken before anything is told, and an end that loses nothing."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from archive_colorizer.errors import ConfigError

BACKLOG: Final = 256
AT_ONCE: Final = 500
"""Connections; more are answered with 503."""
KEEP_ALIVE_S: Final = 30
END_S: Final = 10
"""Requests that are under way may take so long when the server ends."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A port of this machine that is ours."""

    sock: socket.socket
    host: str
    port: int
    cert: Path | None = None
    key: Path | None = None

    @property
    def scheme(self) -> str:
        """Http or https."""
        return "https" if self.cert else "http"

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        name = self.host if self.host not in ("0.0.0.0", "::") else socket.gethostname()  # noqa: S104
        return f"{self.scheme}://{f'[{name}]' if ':' in name else name}:{self.port}/"


def is_loopback(host: str) -> bool:
    """Tell whether a host is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def listen(host: str, port: int, cert: str = "", key: str = "") -> Listener:
    """Take a port.

    Args:
        host: name or address of this machine.
        port: 0 for one that is free.
        cert: file of a certificate chain, PEM; empty for none.
        key: file of its private key.

    Raises:
        ConfigError: the port is taken, the host is none of this machine's, or the files will not
            do.
    """
    if bool(cert) != bool(key):
        raise ConfigError("--tls-cert and --tls-key go together")
    if cert:
        _check_certificate(cert, key)
    try:
        sock = _bind(host, port)
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"{host} port {port}: cannot be listened on: {reason}") from error
    place = Path(cert) if cert else None
    return Listener(sock, host, sock.getsockname()[1], place, Path(key) if key else None)


def _bind(host: str, port: int) -> socket.socket:
    family, kind, proto, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _check_certificate(cert: str, key: str) -> None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or error
        raise ConfigError(
            f"--tls-cert {cert}, --tls-key {key}: cannot be used: {reason}"
        ) from error


def make_server(app: ASGIApp, listener: Listener, ready: Callable[[], None]) -> uvicorn.Server:
    """Make the server of a page.

    Args:
        app: what answers.
        listener: the port.
        ready: is called when the first request can be answered.
    """
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        lifespan="on", limit_concurrency=AT_ONCE, timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=END_S, ws="none", h11_max_incomplete_event_size=16 << 10,
        ssl_certfile=listener.cert, ssl_keyfile=listener.key,
    )  # fmt: skip
    return _Server(config, ready)


def serve(app: ASGIApp, listener: Listener, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are finished.

    Args:
        app: what answers.
        listener: the port.
        ready: is called when the first request can be answered.
    """
    with suppress(KeyboardInterrupt):  # the server has ended by then
        make_server(app, listener, ready).run(sockets=[listener.sock])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
