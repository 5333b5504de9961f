"""A Prefect API over plain HTTP, for commands that look and leave: Prefect's own client takes a second to import."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from storage_schemas.errors import BadInputError

_TIMEOUT_S = 10.0


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
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                found: list[dict[str, Any]] = json.load(answer)
        except (urllib.error.URLError, TimeoutError, ValueError) as error:
            raise BadInputError(f"{self.url} does not answer as a Prefect server does: {path}: {error}") from error
        return found


def online_workers(api: PrefectHttp, pool: str) -> int:
    """Return how many workers of a pool have been heard of lately.

    Raises:
        BadInputError: nobody answers there.
    """
    return sum(worker["status"] == "ONLINE" for worker in api.post(f"work_pools/{pool}/workers/filter", {}))
