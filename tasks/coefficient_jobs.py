"""What runs on a Dask worker for the face model: sum up landmarks parts, or fit one. Arguments and results are small and plain.

The work itself is done in the isolated processes of `recording_jobs`, whose BLAS has one thread, so that no bit depends on the machine's
load or the number of workers.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.managed_store import ManagedStore
from pipelines.dataset.coefficient_fitting import clip_rejection, outcome_of
from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.dataset.isolation import LimitExceededError, Limits, run_twice
from pipelines.dataset.landmark_files import LandmarkFiles
from pipelines.dataset.landmark_sums import HELD_OUT_FILE, LEARNED_FILE, SHAPE_FILE
from pipelines.dataset.packing import pack_part
from pipelines.dataset.staging import write_outcome
from pipelines.face_model.accumulation import ExpressionSums, ShapeSums
from storage_schemas.build_spec import BuildSpec, LimitSettings
from storage_schemas.errors import BuildFailedError, StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartRecording, part_path
from storage_schemas.processing_request import FitRequest, SumRequest
from storage_schemas.store_trouble import store_trouble
from tasks.recording_jobs import borrowed_process, worker_store

PARTS_PER_REQUEST = 8
"""Landmarks parts that are summed up at a time: the sums themselves cost half a second, a part some tens of megabytes of scratch."""

_MODEL_FILES: dict[tuple[str, str], Path] = {}
_MODEL_FILES_LOCK = threading.Lock()


@dataclass(frozen=True)
class LandmarkSource:
    """A landmarks part to learn from, and the speakers of its recordings (id, speaker); stills are left out."""

    part_key: str
    speakers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class FitJob:
    """One part whose clips are to be fitted."""

    key: str
    landmarks_key: str


@dataclass(frozen=True)
class FitContext:
    """What every job of a fit needs."""

    store_uri: str
    spec: BuildSpec
    face_model: str
    settings_key: str


def sum_shapes(store_uri: str, spec: BuildSpec, sources: tuple[LandmarkSource, ...]) -> bytes:
    """Return the merged shape sums (`ShapeSums.to_bytes`) of some landmarks parts.

    Raises:
        StoreError: a part is damaged or cannot be read.
        BuildFailedError: a part cannot be summed up.
    """
    total = ShapeSums()
    for batch in _batches(sources):
        with _summed(store_uri, spec, batch, None) as folder:
            total.merge(ShapeSums.read(folder / SHAPE_FILE))
    return total.to_bytes()


def sum_expressions(store_uri: str, spec: BuildSpec, sources: tuple[LandmarkSource, ...], bases: bytes) -> tuple[bytes, bytes]:
    """Return the merged expression sums (`ExpressionSums.to_bytes`) of some landmarks parts: clips to learn from, and held-out ones.

    Raises:
        StoreError, BuildFailedError: as `sum_shapes`.
    """
    learned, held_out = ExpressionSums(), ExpressionSums()
    for batch in _batches(sources):
        with _summed(store_uri, spec, batch, bases) as folder:
            learned.merge(ExpressionSums.read(folder / LEARNED_FILE))
            held_out.merge(ExpressionSums.read(folder / HELD_OUT_FILE))
    return learned.to_bytes(), held_out.to_bytes()


def _batches(sources: tuple[LandmarkSource, ...]) -> Iterator[tuple[LandmarkSource, ...]]:
    for start in range(0, len(sources), PARTS_PER_REQUEST):
        yield sources[start : start + PARTS_PER_REQUEST]


@contextmanager
def _summed(store_uri: str, spec: BuildSpec, sources: tuple[LandmarkSource, ...], bases: bytes | None) -> Iterator[Path]:
    """Sum up some parts and yield the folder with the sums."""
    store = worker_store(store_uri)
    with _scratch(store) as folder:
        parts = [_fetched(store, source.part_key, folder / f"part-{number}") for number, source in enumerate(sources)]
        bases_file = ""
        if bases is not None:
            bases_file = str(folder / "bases.safetensors")
            with store_trouble("write", folder):
                Path(bases_file).write_bytes(bases)
        request = SumRequest(
            landmarks_folders=[str(part) for part in parts], speakers=dict(pair for source in sources for pair in source.speakers),
            bases_file=bases_file, settings=spec.face_model, out_folder=str(folder / "sums"),
        )  # fmt: skip
        with borrowed_process(store) as process:
            try:
                run_twice(process, request.model_dump(mode="json"), _limits_of(spec.limits), "a sum of landmarks")
            except LimitExceededError as error:
                keys = ", ".join(source.part_key for source in sources)
                msg = f"one of the landmarks parts {keys} cannot be learned from: {error.message}; see `flowvqtalker dataset verify`"
                raise BuildFailedError(msg) from error
        yield folder / "sums"


def fit_part(context: FitContext, job: FitJob) -> int:
    """Fit every clip of a part, recording by recording, and publish its coefficients; return the number of clips fitted.

    What hits a limit twice becomes rejections of the recording's clips.

    Raises:
        StoreError: the store cannot be read or written, or the landmarks are damaged.
    """
    store = worker_store(context.store_uri)
    with _scratch(store) as folder:
        part = _fetched(store, job.landmarks_key, folder / "landmarks")
        model_file = _model_file(store, context.face_model)
        staged = []
        for number, recording in enumerate(LandmarkFiles(part).index.recordings):
            staged.append(folder / f"staged-{number:06d}")
            _fit_recording(context, store, recording, (part, model_file, staged[-1]))
        out = folder / "part"
        index = pack_part(Family.COEFFICIENTS, job.key, staged, out, settings_key=context.settings_key)
        store.publish_folder(out, part_path(Family.COEFFICIENTS, job.key), PART_INDEX_FILE)
    return sum(len(recording.clips) for recording in index.recordings)


def _fit_recording(context: FitContext, store: ManagedStore, recording: PartRecording, paths: tuple[Path, Path, Path]) -> None:
    part, model_file, out = paths
    if all(item.clip.frames == 1 for item in recording.clips):  # a still, or nothing
        with store_trouble("make", out):
            out.mkdir()
        write_outcome(out, outcome_of(recording, []).model_copy(update={"clips": []}))
        return
    request = FitRequest(
        landmarks_folder=str(part), recording=recording, model_file=str(model_file), settings=context.spec.face_model,
        size_px=context.spec.crop.size_px, out_folder=str(out),
    )  # fmt: skip
    with borrowed_process(store) as process:
        try:
            run_twice(process, request.model_dump(mode="json"), _limits_of(context.spec.limits), recording.recording_id)
        except LimitExceededError as error:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            rejections = [clip_rejection(item.clip, error.reason, error.message, error.details) for item in recording.clips]
            write_outcome(out, outcome_of(recording, rejections))


def _limits_of(settings: LimitSettings) -> Limits:
    return Limits(
        time_s=settings.base_time_s,
        memory_mb=settings.memory_mb,
        time_per_media_s=settings.time_per_media_s,
        silence_s=settings.base_time_s,
    )


def _model_file(store: ManagedStore, face_model: str) -> Path:
    """Return a local copy of a model, one for this process: its children keep what they have prepared by the path."""
    with _MODEL_FILES_LOCK:
        known = _MODEL_FILES.get((store.uri, face_model))
        if known is None or not known.exists():
            known = _MODEL_FILES[store.uri, face_model] = fetch_face_model(store, face_model, store.scratch_folder())
        return known


def _fetched(store: ManagedStore, landmarks_key: str, target: Path) -> Path:
    store.fetch_folder(part_path(Family.LANDMARKS, landmarks_key), target)
    if not (target / PART_INDEX_FILE).exists():
        raise StoreError(f"{store.uri}: landmarks part {landmarks_key} is gone although it was there; run the same command again")
    return target


@contextmanager
def _scratch(store: ManagedStore) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=store.scratch_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
