"""What runs on a Dask worker: get one recording staged, or pack one part. Arguments and results are small and plain.

A worker thread looks after one isolated child process at a time; the children of a process are shared by its threads and kept warm.
"""

from __future__ import annotations

import functools
import logging
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.isolation import IsolatedProcess, LimitExceededError, Limits, run_twice
from pipelines.dataset.packing import pack_part
from pipelines.dataset.staging import OUTCOME_FILE, write_outcome
from pipelines.dataset.unpacking import unpack_recording
from storage_schemas.build_spec import BuildSpec, LimitSettings
from storage_schemas.clips import RecordingOutcome
from storage_schemas.errors import StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartIndex, part_path
from storage_schemas.processing_request import ProcessingRequest
from storage_schemas.recordings import Recording
from storage_schemas.rejections import Rejection, RejectionReason, Stage

_LOGGER = logging.getLogger(__name__)
_BYTES_READ_A_SECOND = 1e6
"""Slowest probing: a stream at 1 Mbit/s that has to be decoded as a whole because its container does not time its frames."""


@dataclass(frozen=True)
class BuildContext:
    """What every job of a build needs: addresses and the specification, all plain values."""

    store_uri: str
    source_root: str
    spec: BuildSpec
    settings_keys: dict[Family, str]


@dataclass(frozen=True)
class RecordingJob:
    """One recording to be staged.

    Attributes:
        recording: what to decode.
        staging_key: where the result lies in the store.
        copy_from: keys of an earlier version's parts that may hold the recording unchanged, by family; empty: none.
        frames_part: key of a part whose frames are there already, so that only audio is made; empty: make all.
    """

    recording: Recording
    staging_key: str
    copy_from: dict[Family, str] = field(default_factory=dict)
    frames_part: str = ""


class Obtained(StrEnum):
    """How a staged recording was come by."""

    FOUND = "found"
    COPIED = "copied"
    PROCESSED = "processed"


@dataclass(frozen=True)
class PartJob:
    """One part to be packed from staged recordings, in the order of `staging_keys`."""

    keys: dict[Family, str]
    missing: tuple[Family, ...]
    staging_keys: tuple[str, ...]


def staging_path(staging_key: str) -> str:
    """Return the folder of a staged recording relative to the store."""
    return f"staging/{staging_key[:2]}/{staging_key}"


def obtain_recording(context: BuildContext, job: RecordingJob) -> Obtained:
    """Make sure that a recording is staged: find it, copy it from an earlier part, or process it.

    Raises:
        StoreError: the store or the scratch folder cannot be written.
        BadInputError: the specification names something that is not there.
    """
    store = _store(context.store_uri)
    target = staging_path(job.staging_key)
    if store.exists(f"{target}/{OUTCOME_FILE}"):
        return Obtained.FOUND
    folder = Path(tempfile.mkdtemp(dir=store.scratch_folder()))
    try:
        obtained = Obtained.COPIED if _copied(context, job, store, folder / "staged") else Obtained.PROCESSED
        if obtained is Obtained.PROCESSED:
            _process(context, job, store, folder / "staged")
        store.publish_folder(folder / "staged", target, OUTCOME_FILE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return obtained


def _copied(context: BuildContext, job: RecordingJob, store: ManagedStore, folder: Path) -> bool:
    """Copy the recording out of an earlier version's parts if it is there and nothing its bytes depend on has changed."""
    if not job.copy_from:
        return False
    indices = {family: _part_index(context.store_uri, family, key) for family, key in job.copy_from.items()}
    for family, index in indices.items():
        if index is None or index.settings_key != context.settings_keys[family]:
            return False
    known = {family: index for family, index in indices.items() if index is not None}
    content_key = job.recording.content_key()
    if not all(any(entry.content_key == content_key for entry in index.recordings) for index in known.values()):
        return False
    try:
        unpack_recording(store, known, job.recording.recording_id, folder)
    except (FileNotFoundError, StoreError) as error:  # collected meanwhile, or damaged; processing it anew is always right
        _LOGGER.warning("%s is not copied but processed: %s", job.recording.recording_id, error)
        shutil.rmtree(folder, ignore_errors=True)
        return False
    return True


def _process(context: BuildContext, job: RecordingJob, store: ManagedStore, folder: Path) -> None:
    """Handle the recording in an isolated process; what hits a limit twice becomes a rejection."""
    known = _known_outcome(context, job) if job.frames_part else None
    request = ProcessingRequest(
        recording=job.recording, source_root=context.source_root, out_folder=str(folder), spec=context.spec, known=known
    )
    try:
        with borrowed_process(store) as process:
            limits = limits_of(context.spec.limits, job.recording)
            run_twice(process, request.model_dump(mode="json"), limits, job.recording.recording_id)
    except LimitExceededError as error:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        write_outcome(folder, _given_up(job.recording, error))


def limits_of(settings: LimitSettings, recording: Recording) -> Limits:
    """Return what one recording may cost: large files have longer to be read through before anything of them is handled."""
    return Limits(
        time_s=settings.base_time_s + min(recording.size_bytes / _BYTES_READ_A_SECOND, settings.max_duration_s),
        memory_mb=settings.memory_mb,
        time_per_media_s=settings.time_per_media_s,
        silence_s=settings.base_time_s,
    )


def _given_up(recording: Recording, error: LimitExceededError) -> RecordingOutcome:
    rejection = Rejection(
        item_id=recording.recording_id,
        recording_id=recording.recording_id,
        stage=Stage.TRACK,
        reason=error.reason,
        message=error.message,
        details=error.details,
    )
    return RecordingOutcome(recording_id=recording.recording_id, content_key=recording.content_key(), rejections=[rejection])


def quarantine_recording(context: BuildContext, job: RecordingJob) -> Obtained:
    """Stage a rejection for a recording that took down the Dask workers it ran on."""
    store = _store(context.store_uri)
    folder = Path(tempfile.mkdtemp(dir=store.scratch_folder())) / "staged"
    error = LimitExceededError(RejectionReason.CRASHED, "the Dask workers that handled it were lost, every time", {})
    folder.mkdir()
    write_outcome(folder, _given_up(job.recording, error))
    store.publish_folder(folder, staging_path(job.staging_key), OUTCOME_FILE)
    return Obtained.PROCESSED


def _known_outcome(context: BuildContext, job: RecordingJob) -> RecordingOutcome | None:
    index = _part_index(context.store_uri, Family.FRAMES, job.frames_part)
    for entry in index.recordings if index else []:
        if entry.recording_id == job.recording.recording_id:
            return RecordingOutcome(
                recording_id=entry.recording_id,
                content_key=entry.content_key,
                clips=[clip.clip for clip in entry.clips],
                rejections=entry.rejections,
            )
    return None


def pack_staged_part(context: BuildContext, job: PartJob) -> bool:
    """Write the missing families of a part and drop its staged recordings.

    Returns:
        False if staged recordings are gone while the part is not there: another build packed and dropped them for a part of
        its own; obtain them again.

    Raises:
        StoreError: the store cannot be written.
    """
    store = _store(context.store_uri)
    folder = Path(tempfile.mkdtemp(dir=store.scratch_folder()))
    try:
        staged = [folder / f"staged-{number:06d}" for number in range(len(job.staging_keys))]
        for local, key in zip(staged, job.staging_keys, strict=True):
            store.fetch_folder(staging_path(key), local)
            if not (local / OUTCOME_FILE).exists():
                return _packed_by_another(store, job)
        for family in job.missing:
            out = folder / family.value
            pack_part(family, job.keys[family], staged, out, settings_key=context.settings_keys[family])
            store.publish_folder(out, part_path(family, job.keys[family]), PART_INDEX_FILE)
    except FileNotFoundError:
        return _packed_by_another(store, job)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _drop_staged(store, job)
    return True


def _packed_by_another(store: ManagedStore, job: PartJob) -> bool:
    """Say whether another build has packed the part meanwhile; then what was staged after that is of no use."""
    if not all(store.exists(f"{part_path(family, key)}/{PART_INDEX_FILE}") for family, key in job.keys.items()):
        return False
    _drop_staged(store, job)
    return True


def _drop_staged(store: ManagedStore, job: PartJob) -> None:
    for key in job.staging_keys:
        store.delete_folder(staging_path(key))


# One store and a stack of children per operating-system process, whatever number of Dask worker threads it has.
_PROCESSES: queue.LifoQueue[IsolatedProcess] = queue.LifoQueue()


_STORES: dict[str, ManagedStore] = {}
_STORES_GUARD = threading.Lock()


def _store(uri: str) -> ManagedStore:
    with _STORES_GUARD:
        if uri not in _STORES:
            _STORES[uri] = open_store(uri, Settings())
        return _STORES[uri]


@functools.lru_cache(maxsize=64)
def _part_index(store_uri: str, family: Family, key: str) -> PartIndex | None:
    try:
        return PartIndex.model_validate_json(_store(store_uri).read_bytes(f"{part_path(family, key)}/{PART_INDEX_FILE}"))
    except FileNotFoundError:
        return None


def worker_store(uri: str) -> ManagedStore:
    """Return this process's store of an address, opened on first use and closed by nobody: for jobs on Dask workers."""
    return _store(uri)


@contextmanager
def borrowed_process(store: ManagedStore) -> Iterator[IsolatedProcess]:
    """Take one of this process's children, or a new one, for the length of the context."""
    try:
        process = _PROCESSES.get_nowait()
    except queue.Empty:
        process = IsolatedProcess(store.scratch_folder() / f"isolated-{os.getpid()}.log")
    try:
        yield process
    finally:
        _PROCESSES.put(process)


def prepare_processes(store_uri: str, count: int) -> None:
    """Start children ahead of the first recordings, since their imports take seconds, each on a processor of its own.

    Left to itself, Linux was seen to keep two of them on one processor for seconds while the other idled.
    """
    store = _store(store_uri)
    processors = _processors(count)
    for processor in processors:
        process = IsolatedProcess(store.scratch_folder() / "isolated.log", processor=processor)
        process.start()
        _PROCESSES.put(process)


def _processors(count: int) -> list[int | None]:
    """Return a processor for each of `count` children; None where there are not enough of them or pinning is switched off."""
    available = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if Settings().pin_processes and 1 < count <= len(available):
        return list(available[:count])
    return [None] * count


def close_processes() -> None:
    """End this process's children and close its stores."""
    while True:
        try:
            _PROCESSES.get_nowait().close()
        except queue.Empty:
            break
    _part_index.cache_clear()
    with _STORES_GUARD:
        for store in _STORES.values():
            store.close()
        _STORES.clear()
