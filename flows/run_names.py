"""Names of flow runs: what is done to what, and the day, so that a list of runs can be read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from prefect.runtime import flow_run


def named(words: str) -> Callable[[], str]:
    """Return what names a flow run by its parameter `request` and the day it was scheduled for.

    Args:
        words: with fields of the request in braces, e.g. "build {name}"; of a path the last part is shown.
    """

    def run_name() -> str:
        request: Any = (flow_run.parameters or {})["request"]
        values = request if isinstance(request, dict) else dict(request)
        day = flow_run.scheduled_start_time or datetime.now(UTC)
        return f"{words.format_map({name: _short(value) for name, value in values.items()})} {day:%Y-%m-%d}"

    return run_name


def _short(value: object) -> str:
    text = str(getattr(value, "value", value))
    return PurePath(text).name or text
