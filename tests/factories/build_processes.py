"""The command line in a process of its own, to be watched, killed and looked after; and what must hold of a store at any time."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from infra.managed_store import ManagedStore
from pipelines.dataset.staging import OUTCOME_FILE, array_file
from pipelines.dataset.verifying import verify_version
from pipelines.dataset.versions import list_tags, version_ids
from storage_schemas.clips import RecordingOutcome
from storage_schemas.part_layout import PART_INDEX_FILE, PartIndex

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class CommandLine:
    """Runs `flowvqtalker` with a home folder of its own, by which its processes are found again."""

    home: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: object, timeout_s: float = 240.0) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(arguments), cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=timeout_s, check=False
        )

    def start(self, *arguments: object) -> subprocess.Popen[str]:
        """Start a command; its output goes to pipes."""
        return subprocess.Popen(
            self._command(arguments), cwd=ROOT, env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def build(self, spec: Path, source: Path, store: object, *more: object) -> dict[str, Any]:
        """Build, expect success, and return the summary."""
        done = self.run(*build_arguments(spec, source, store), *more)
        assert done.returncode == 0, done.stderr
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary

    def kill(self, process: subprocess.Popen[str], moment: Callable[[], bool], limit_s: float = 240.0) -> bool:
        """Send SIGKILL to the process alone as soon as `moment` says so; False if it ended by itself before."""
        deadline = time.perf_counter() + limit_s
        while process.poll() is None and not moment():
            assert time.perf_counter() < deadline, "the moment to kill the build never came"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        return process.returncode == -signal.SIGKILL

    def processes(self) -> list[psutil.Process]:
        """Return the live processes that were started with this home folder."""
        return [process for process in psutil.process_iter() if _home_of(process) == str(self.home)]

    def orphans(self, within_s: float = 10.0) -> list[str]:
        """Return the command lines of processes that are still there after `within_s`."""
        deadline = time.perf_counter() + within_s
        while (left := self.processes()) and time.perf_counter() < deadline:
            time.sleep(0.05)
        return [" ".join(process.cmdline()) for process in left]

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [sys.executable, "-m", "flows.command_line", *map(str, arguments)]

    def _environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "FLOWVQTALKER_"))}
        return {**own, "FLOWVQTALKER_STORE_FSYNC": "false", **self.environment, "FLOWVQTALKER_HOME": str(self.home)}


def build_arguments(spec: Path, source: Path, store: object, workers: int = 2) -> list[object]:
    """Return the arguments of a build of a demo corpus."""
    return ["build", spec, "--source", source, "--layout", "demo", "--store", store, "--workers", workers, "--json"]


def _home_of(process: psutil.Process) -> str:
    try:
        return process.environ().get("FLOWVQTALKER_HOME", "") if process.status() != psutil.STATUS_ZOMBIE else ""
    except (psutil.NoSuchProcess, psutil.AccessDenied, OSError):
        return ""


def half_published(store: ManagedStore) -> Iterator[str]:
    """Yield what is visible in a store and not whole: nothing, however often builds were killed."""
    for path, _ in store.list_objects("parts"):
        if path.endswith(f"/{PART_INDEX_FILE}"):
            yield from _damaged_objects(store, path.removesuffix(f"/{PART_INDEX_FILE}"))
    versions = version_ids(store)
    for version in versions:
        yield from (problem.message for problem in verify_version(store, version))
    yield from (f"tag {tag.name} names {tag.dataset_version}" for tag in list_tags(store) if tag.dataset_version not in versions)
    for path, _ in store.list_objects("staging"):
        if path.endswith(f"/{OUTCOME_FILE}"):
            yield from _missing_arrays(store, path)


def _damaged_objects(store: ManagedStore, folder: str) -> Iterator[str]:
    index = PartIndex.model_validate_json(store.read_bytes(f"{folder}/{PART_INDEX_FILE}"))
    for item in index.objects:
        data = store.read_bytes(f"{folder}/{item.path}")
        if (len(data), hashlib.sha256(data).hexdigest()) != (item.size_bytes, item.sha256):
            yield f"{folder}/{item.path} differs from its index"


def _missing_arrays(store: ManagedStore, outcome_path: str) -> Iterator[str]:
    outcome = RecordingOutcome.model_validate_json(store.read_bytes(outcome_path))
    folder = outcome_path.removesuffix(OUTCOME_FILE)
    names = [array_file(clip.clip_key, name) for clip in outcome.clips for name in ("landmarks", "waveform", "log_mel")]
    names += ["frames.tar"] if outcome.clips else []
    yield from (f"{folder}{name} is missing" for name in names if not store.exists(f"{folder}{name}"))
