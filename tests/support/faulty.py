"""A proxy on loopback before a real object store, which answers badly on purpose.

Requests are passed on as they are (the signature covers the Host header, which is kept).
"""

import http.client
import threading
from collections import deque
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

Fault = Literal["slow_down", "error", "reset", "cut"]
SLOW_DOWN = (
    b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.'
    b"</Message></Error>"
)


class FaultyStore:
    """Plays the faults that are queued in `faults`, one a request, and passes the others on."""

    def __init__(self, port: int) -> None:  # noqa: C901 (a class of http.server's kind inside)
        self.faults: deque[Fault] = deque()
        self.played: list[tuple[str, str, Fault]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.take(self.command, self.path)
                if fault == "reset":
                    self.close_connection = True
                    return
                if fault in ("slow_down", "error"):
                    self.say(503 if fault == "slow_down" else 500, {}, SLOW_DOWN)
                    return
                upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                upstream.request(self.command, self.path, body, dict(self.headers))
                found = upstream.getresponse()
                data = found.read()
                headers = {k: v for k, v in found.getheaders()
                           if k.lower() not in ("transfer-encoding", "connection")}  # fmt: skip
                self.say(found.status, headers, data, cut=fault == "cut")
                upstream.close()

            def say(
                self, status: int, headers: dict[str, str], data: bytes, *, cut: bool = False
            ) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "content-length" not in {name.lower() for name in headers}:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if cut else data)
                self.close_connection = cut

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        for method in ("GET", "PUT", "HEAD", "POST", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.answer)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._lock = threading.Lock()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault that this request gets."""
        with self._lock:
            if not self.faults or (self.faults[0] == "cut" and method != "GET"):
                return None
            fault = self.faults.popleft()
            self.played.append((method, path, fault))
            return fault

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
