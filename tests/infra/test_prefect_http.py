"""Asking a Prefect API: a server that is busy for a moment is asked again, others are not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from infra import prefect_http
from infra.prefect_http import PrefectHttp
from storage_schemas.errors import BadInputError


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefect_http, "_PAUSE_S", 0.0)


@contextmanager
def server_that_says(codes: list[int]) -> Iterator[PrefectHttp]:
    """Yield the API of a server whose answers have these codes, one after the other, each with an empty list."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(codes.pop(0))
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base class
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield PrefectHttp(f"http://127.0.0.1:{server.server_address[1]}/api")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_database_that_is_locked_for_a_moment_is_asked_again() -> None:
    codes = [503, 503, 200]
    with server_that_says(codes) as api:
        assert api.post("work_pools/filter", {}) == []
    assert codes == []


@pytest.mark.parametrize(("codes", "left"), [([503] * 9, 3), ([500] * 9, 8), ([404] * 9, 8)])
def test_an_error_that_stays_is_said(codes: list[int], left: int) -> None:
    with server_that_says(codes) as api, pytest.raises(BadInputError, match="does not answer as a Prefect server does"):
        api.post("work_pools/filter", {})
    assert len(codes) == left
