"""The Prefect task that builds a batch of parts: recordings fan out on Dask, each part is packed as soon as its last one is staged."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from distributed import Client
from prefect import task
from prefect.cache_policies import NO_CACHE

from storage_schemas.errors import BuildFailedError
from storage_schemas.part_layout import Family
from tasks.fan_out import FanOut
from tasks.progress import RunProgress
from tasks.recording_jobs import (
    BuildContext,
    Obtained,
    PartJob,
    RecordingJob,
    obtain_recording,
    pack_staged_part,
    quarantine_recording,
)

_JOBS_PER_DASK_THREAD = 3
_MAX_ROUNDS = 3


@dataclass(frozen=True)
class PartWork:
    """Everything to be done for one part that is not there yet."""

    part: PartJob
    recordings: tuple[RecordingJob, ...]


@dataclass
class BuiltCounts:
    """What a batch, or a build, did."""

    parts: int = 0
    by_family: Counter[Family] = field(default_factory=Counter)
    obtained: Counter[Obtained] = field(default_factory=Counter)

    def add(self, other: BuiltCounts) -> None:
        """Add another batch's counts."""
        self.parts += other.parts
        self.by_family += other.by_family
        self.obtained += other.obtained


@task(name="build parts", task_run_name="build parts {batch_name}", cache_policy=NO_CACHE, persist_result=False)
def build_parts(batch_name: str, work: list[PartWork], context: BuildContext, scheduler: str, progress: RunProgress) -> BuiltCounts:  # noqa: ARG001 - the name is shown by Prefect
    """Build the parts of one batch.

    Args:
        batch_name: shown in the task run's name, e.g. ``1-24 of 96``.
        work: the parts.
        context: addresses and specification.
        scheduler: address of the Dask scheduler.
        progress: told of every recording.

    Raises:
        StoreError: the store cannot be written.
        BuildFailedError: staged recordings keep disappearing.
    """
    with Client(scheduler, set_as_default=False) as client:
        threads = sum(client.nthreads().values())
        return _Batch(work, context, progress).run(client, max(1, threads) * _JOBS_PER_DASK_THREAD)


class _Batch:
    """The bookkeeping of one batch: which recordings each part still waits for."""

    def __init__(self, work: list[PartWork], context: BuildContext, progress: RunProgress) -> None:
        self._work = work
        self._context = context
        self._progress = progress
        self._waiting_for = [len(part.recordings) for part in work]
        self._rounds = [0] * len(work)
        self._counts = BuiltCounts()

    def run(self, client: Client, window: int) -> BuiltCounts:
        """Run everything; see `build_parts`."""
        fan_out: FanOut[tuple[int, int]] = FanOut(client, window, self._instead_of_lost)
        for number in range(len(self._work)):
            self._add_recordings(fan_out, number)
        for (number, position), result in fan_out.run():
            if position >= 0:
                self._recording_done(fan_out, number, result)
            else:
                self._part_done(fan_out, number, packed=result)
        return self._counts

    def _add_recordings(self, fan_out: FanOut[tuple[int, int]], number: int) -> None:
        self._waiting_for[number] = len(self._work[number].recordings)
        # What has to be decoded takes longest, so it begins first; copies fill the time.
        for position, job in sorted(enumerate(self._work[number].recordings), key=lambda entry: bool(entry[1].copy_from)):
            fan_out.add((number, position), obtain_recording, self._context, job)

    def _recording_done(self, fan_out: FanOut[tuple[int, int]], number: int, obtained: Obtained) -> None:
        self._counts.obtained[obtained] += 1
        if self._rounds[number] == 0:
            self._progress.advance()
        self._waiting_for[number] -= 1
        if self._waiting_for[number] == 0:
            fan_out.add((number, -1), pack_staged_part, self._context, self._work[number].part, first=True)

    def _part_done(self, fan_out: FanOut[tuple[int, int]], number: int, *, packed: bool) -> None:
        if packed:
            self._counts.parts += 1
            self._counts.by_family.update(self._work[number].part.missing)
            return
        self._rounds[number] += 1
        if self._rounds[number] >= _MAX_ROUNDS:
            keys = ", ".join(self._work[number].part.keys.values())
            msg = f"staged recordings of part {keys} disappeared {_MAX_ROUNDS} times; does something else empty the store's staging folder?"
            raise BuildFailedError(msg)
        self._add_recordings(fan_out, number)

    def _instead_of_lost(self, tag: tuple[int, int]) -> tuple[Any, tuple[Any, ...]]:
        number, position = tag
        if position < 0:
            return pack_staged_part, (self._context, self._work[number].part)
        return quarantine_recording, (self._context, self._work[number].recordings[position])
