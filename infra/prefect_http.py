"""A Prefect API over plain HTTP, for commands that look and leave: Prefect's own client takes a second to import."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from storage_schemas.errors import BadInputError

_TIMEOUT_S = 10.0
_ATTEMPTS, _PAUSE_S = 6, 0.5
_BUSY = frozenset({429, 502, 503})
"""What Prefect's own client repeats too."""


class PrefectHttp:
    """A Prefect API.

    Args:
        url: for example http://127.0.0.1:4200/api.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Send a filter and return what it finds.

        Raises:
            BadInputError: nobody answers there, or it is no such server.
        """
        request = urllib.request.Request(  # noqa: S310 - an http address
            f"{self.url}/{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}, method="POST"
        )
        try:
            found: list[dict[str, Any]] = json.loads(answered(request, _TIMEOUT_S))
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise BadInputError(f"{self.url} does not answer as a Prefect server does: {path}: {error}") from error
        return found


def answered(request: urllib.request.Request, timeout_s: float) -> bytes:
    """Return the answer to a request; one that the server has no room for at the moment, such as a locked SQLite, is repeated.

    Raises:
        urllib.error.URLError: nobody answers, or not with success.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return _asked_once(request, timeout_s)
        except urllib.error.HTTPError as error:
            if error.code not in _BUSY:
                raise
        time.sleep(_PAUSE_S)
    return _asked_once(request, timeout_s)


def _asked_once(request: urllib.request.Request, timeout_s: float) -> bytes:
    with urllib.request.urlopen(request, timeout=timeout_s) as answer:  # noqa: S310 - an http address
        data: bytes = answer.read()
        return data


def online_workers(api: PrefectHttp, pool: str) -> int:
    """Return how many workers of a pool have been heard of lately.

    Raises:
        BadInputError: nobody answers there.
    """
    return sum(worker["status"] == "ONLINE" for worker in api.post(f"work_pools/{pool}/workers/filter", {}))
