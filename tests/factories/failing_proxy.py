"""An HTTP proxy in front of an S3 server that fails or delays some requests, as a busy service does."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_SLOW_S = 0.5
_BUSY = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
_NOT_PASSED_ON = frozenset({"connection", "transfer-encoding", "keep-alive"})


@dataclass
class Trouble:
    """What goes wrong.

    Attributes:
        share: of the requests that fail or are slow.
        counts: how often each has happened.
    """

    share: float
    chance: random.Random
    counts: dict[str, int] = field(default_factory=lambda: {"passed": 0, "busy": 0, "slow": 0, "cut": 0})
    guard: threading.Lock = field(default_factory=threading.Lock)

    def draw(self) -> str:
        """Return what becomes of the next request."""
        with self.guard:
            kind = self.chance.choice(["busy", "slow", "cut"]) if self.chance.random() < self.share else "passed"
            self.counts[kind] += 1
        return kind


@contextmanager
def failing_proxy(address: str, share: float, seed: int) -> Iterator[tuple[str, Trouble]]:
    """Yield the address of a proxy and what it has done.

    Args:
        address: of the server behind it.
        share: of the requests that are answered with 503, cut off, or half a second late.
        seed: of the choice.
    """
    trouble = Trouble(share, random.Random(seed))  # noqa: S311
    handler = type("Handler", (_Handler,), {"behind": urlsplit(address).netloc, "trouble": trouble})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", trouble
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind: str
    trouble: Trouble

    def handle_one(self) -> None:
        body = self._body()
        kind = self.trouble.draw()
        if kind == "cut":
            self.close_connection = True
            return
        if kind == "busy":
            self._answer(503, {"Content-Type": "application/xml"}, _BUSY)
            return
        if kind == "slow":
            time.sleep(_SLOW_S)
        self._pass_on(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one  # noqa: N815 - names of the base class

    def _body(self) -> bytes:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _pass_on(self, body: bytes) -> None:
        connection = http.client.HTTPConnection(self.behind, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in {"connection", "expect"}}
        connection.request(self.command, self.path, body=body, headers=headers)
        answer = connection.getresponse()
        data = answer.read()
        self._answer(answer.status, dict(answer.getheaders()), data)
        connection.close()

    def _answer(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response_only(status)
        length = headers.get("Content-Length", str(len(data))) if self.command == "HEAD" else str(len(data))
        for name, value in headers.items():
            if name.lower() not in _NOT_PASSED_ON | {"content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
        pass
