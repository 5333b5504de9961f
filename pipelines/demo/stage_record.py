"""How long each stage of the demonstration took and what it was asked for, kept over interruptions and repetitions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from storage_schemas.identifiers import content_hash

RECORD_FILE = "stages.json"


@dataclass
class RunningStage:
    """A stage while it runs; its caller says whether it found everything done."""

    was_done: bool = False


class StageRecord:
    """Adds up the seconds of stages over all sittings.

    Args:
        folder: output folder of the demonstration, made if need be.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / RECORD_FILE
        self._stages: dict[str, dict[str, Any]] = self._read()
        self.reused: list[str] = []
        self._named: list[str] = []

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds of the stages of this run, over all sittings, in their order."""
        return {name: round(self._stages[name]["seconds"], 1) for name in self._named}

    @contextmanager
    def stage(self, name: str, asked: Any) -> Iterator[RunningStage]:  # noqa: ANN401 - any JSON value
        """Time a stage; what an interrupted one took counts too.

        Args:
            name: of the stage.
            asked: JSON value that decides what it makes; another one than before starts the count anew.
        """
        key = content_hash(asked)
        known = self._stages.get(name, {})
        if known.get("key") != key:
            known = {"key": key, "seconds": 0.0, "finished": False}
        self._stages[name] = known
        self._named.append(name)
        running, started_s = RunningStage(), time.monotonic()
        try:
            yield running
            if running.was_done and known["finished"]:
                self.reused.append(name)
            known["finished"] = True
        finally:
            if name not in self.reused:
                known["seconds"] += time.monotonic() - started_s
            self._write()

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            found = orjson.loads(self._path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        temporary = self._path.with_name(f".{self._path.name}.partial")
        temporary.write_bytes(orjson.dumps(self._stages, option=orjson.OPT_INDENT_2))
        temporary.replace(self._path)
