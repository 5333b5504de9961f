"""What the face model of a dataset version is worth on the version's own clips, and how fast it is learned and fitted.

Everything is read from the store as a training would read it; only the halves of clips, the held-out errors and the speeds are computed
anew from the stored landmarks. Times are of the processor, with one thread.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.dataset.face_model_store import fetch_face_model, read_card
from pipelines.dataset.part_reading import read_rows
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import load_manifest
from pipelines.face_model.accumulation import ExpressionSums, Int64Array
from pipelines.face_model.basis import FaceModel, read_face_model
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.fit_measures import CurveAgreement, compare_curves, halves_nearest
from pipelines.face_model.geometry import mesh_in_crop
from pipelines.face_model.held_out import held_out_error_percent_iod
from pipelines.face_model.learning import ExpressionPass, ShapePass, learn_face_model, speaker_bases
from pipelines.face_model.learning_settings import LearningSettings
from pipelines.face_model.settings import fit_settings, learning_settings
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange

LEARNED_FRAMES = 100_000
_FRAMES_IN_MEMORY = 20_000
_MOST_FOLDS = 8
_FIT_TURNS = 3
_COLUMNS = (
    "clip_id", "speaker", "frames", "source_video", "source_start_s", "landmarks_part", "landmarks_start", "coefficients_part",
    "coefficients_start", "identity_row", "fit_error_percent_iod", "fit_jitter_ratio",
)  # fmt: skip


@dataclass(frozen=True)
class FittedClip:
    """A clip as the store has it: its row of the clips table, landmarks (T, 478, 3), pose (T, 6) and fitted mesh (T, 478, 3) in pixels."""

    row: dict[str, Any]
    landmarks_px: NDArray[np.float32]
    pose: NDArray[np.float32]
    mesh_px: NDArray[np.float64]


def measure_face_model(
    store: ObjectStore,
    version: str,
    on_progress: Callable[[int, int], None] = lambda *_: None,
) -> dict[str, Any]:
    """Measure the face model and the coefficients of a version.

    Args:
        store: where it is.
        version: id, beginning of one, or tag.
        on_progress: called with steps done and their number.

    Returns:
        JSON-able figures; docs/face_model.md says what each is.

    Raises:
        BadInputError: there is no such version, or it has no coefficients.
    """
    manifest = load_manifest(store, version)
    if not manifest.face_model:
        raise BadInputError(f"version {manifest.dataset_version} has no coefficients to measure; build one from more clips")
    with tempfile.TemporaryDirectory() as folder:
        model = read_face_model(fetch_face_model(store, manifest.face_model, Path(folder)))
    clips = list(_read_clips(store, manifest.dataset_version, model, manifest.spec.crop.size_px))
    size_px, learning = float(manifest.spec.crop.size_px), learning_settings(manifest.spec.face_model)
    fitter = ClipFitter(model, fit_settings(manifest.spec.face_model))
    card = read_card(store, manifest.face_model)
    steps: list[Callable[[], dict[str, Any]]] = [
        lambda: _clip_figures(clips),
        lambda: _halves(clips, model, fitter, size_px),
        lambda: _held_out(clips, learning),
        lambda: _fit_speed(clips, fitter, size_px),
        lambda: _learning_speed(clips, learning),
    ]
    figures: dict[str, Any] = {
        "dataset_version": manifest.dataset_version,
        "face_model": manifest.face_model,
        "expression_variance_64": card.expression_variance_64,
        "held_out_clips_error_percent_iod": card.held_out_error_percent_iod,
    }
    for number, step in enumerate(steps):
        on_progress(number, len(steps))
        figures |= step()
    on_progress(len(steps), len(steps))
    return figures


def fit_spans(store: ObjectStore, version: str) -> dict[str, Any]:
    """Return how many clips of a version are fitted, and least, median and most of their error and jitter."""
    rows = [
        row for batch in read_batches(store, version, VersionTable.CLIPS, _COLUMNS) for row in batch.to_pylist() if row["coefficients_part"]
    ]
    if not rows:
        raise BadInputError(f"version {version} has no fitted clips")
    spans = {name: _span([row[f"fit_{name}"] for row in rows]) for name in ("error_percent_iod", "jitter_ratio")}
    return {"clips": len(rows), **spans}


def _read_clips(store: ObjectStore, version: str, model: FaceModel, size_px: int) -> Iterator[FittedClip]:
    """Yield the fitted clips, in order, as many as fit in memory."""
    frames = 0
    for batch in read_batches(store, version, VersionTable.CLIPS, _COLUMNS):
        for row in batch.to_pylist():
            if row["coefficients_part"] and frames + row["frames"] <= _FRAMES_IN_MEMORY:
                frames += row["frames"]
                yield _read_clip(store, row, model, size_px)


def _read_clip(store: ObjectStore, row: dict[str, Any], model: FaceModel, size_px: int) -> FittedClip:
    rows = RowRange(start=row["coefficients_start"], count=row["frames"])
    beta, pose = (read_rows(store, row["coefficients_part"], name, rows) for name in ("beta", "rho"))
    identity = read_rows(store, row["coefficients_part"], "identity", RowRange(start=row["identity_row"], count=1))[0]
    landmarks = read_rows(store, row["landmarks_part"], "landmarks", RowRange(start=row["landmarks_start"], count=row["frames"]))
    return FittedClip(row, landmarks, pose, mesh_in_crop(model.landmark_rows(), identity, beta, pose, float(size_px)))


def _clip_figures(clips: Sequence[FittedClip]) -> dict[str, Any]:
    agreements = [_agreement(clip) for clip in clips]
    rows = [
        {
            "clip_id": clip.row["clip_id"],
            "frames": clip.row["frames"],
            "error_percent_iod": clip.row["fit_error_percent_iod"],
            "jitter_ratio": clip.row["fit_jitter_ratio"],
            "mouth_r": round(agreement.mouth_r, 5),
            "mouth_lag_frames": agreement.mouth_lag_frames,
            "blinks": agreement.blinks,
            "blinks_kept": agreement.blinks_kept,
        }
        for clip, agreement in zip(clips, agreements, strict=True)
    ]
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    return {
        "clips": len(rows),
        "frames": sum(columns["frames"]),
        "error_percent_iod": _span(columns["error_percent_iod"]),
        "jitter_ratio": _span(columns["jitter_ratio"]),
        "mouth_r_least": min(columns["mouth_r"]),
        "mouth_lags_frames": sorted(set(columns["mouth_lag_frames"])),
        "blinks": sum(columns["blinks"]),
        "blinks_kept": sum(columns["blinks_kept"]),
        "by_clip": rows,
    }


def _agreement(clip: FittedClip) -> CurveAgreement:
    seen = np.isfinite(clip.landmarks_px).all(axis=(1, 2))
    return compare_curves(clip.landmarks_px[seen].astype(np.float64), clip.mesh_px[seen])


def _span(values: Sequence[float]) -> dict[str, float]:
    return {"least": min(values), "median": float(np.median(values)), "most": max(values)}


def _halves(clips: Sequence[FittedClip], model: FaceModel, fitter: ClipFitter, size_px: float) -> dict[str, Any]:
    identities = [
        [fitter.fit(half, size_px).identity for half in np.array_split(clip.landmarks_px, 2)] for clip in clips if clip.row["frames"] >= 50
    ]
    speakers = [clip.row["speaker"] for clip in clips if clip.row["frames"] >= 50]
    nearest = halves_nearest(model, np.array(identities, dtype=np.float64), speakers) if len(set(speakers)) > 1 else []
    return {"identity_clips": len(nearest), "identity_halves_nearest": sum(nearest)}


def _held_out(clips: Sequence[FittedClip], settings: LearningSettings) -> dict[str, Any]:
    """Measure the error of the modes on second halves of clips, and on speakers, that they were not learned from."""
    bases = _bases([(clip.landmarks_px, clip.row["speaker"]) for clip in clips], settings)
    halves = [[(np.array_split(clip.landmarks_px, 2)[side], clip.row["speaker"]) for clip in clips] for side in (0, 1)]
    first, second = (_sums(half, bases, settings) for half in halves)
    speakers = sorted({clip.row["speaker"] for clip in clips})
    folds = [set(speakers[number::_MOST_FOLDS]) for number in range(min(_MOST_FOLDS, len(speakers)))]
    sums = [
        _sums([(clip.landmarks_px, clip.row["speaker"]) for clip in clips if clip.row["speaker"] in fold], bases, settings)
        for fold in folds
    ]
    squares, frames = 0.0, 0
    for number, left_out in enumerate(sums):
        others = ExpressionSums()
        for other in sums[:number] + sums[number + 1 :]:
            others.merge(other)
        error, count = held_out_error_percent_iod(others, left_out, settings), sum(left_out.shape.frames.values())
        if error is not None:
            squares, frames = squares + error**2 * count, frames + count
    return {
        "held_out_halves_error_percent_iod": held_out_error_percent_iod(first, second, settings),
        "held_out_speakers_error_percent_iod": round(float(np.sqrt(squares / frames)), 4) if frames else None,
    }


def _bases(clips: Sequence[tuple[NDArray[np.float32], str]], settings: LearningSettings) -> dict[str, Int64Array]:
    shapes = ShapePass(settings)
    for landmarks_px, speaker in clips:
        shapes.add(landmarks_px, speaker)
    return speaker_bases(shapes.sums)


def _sums(clips: Sequence[tuple[NDArray[np.float32], str]], bases: Mapping[str, Int64Array], settings: LearningSettings) -> ExpressionSums:
    expressions = ExpressionPass(bases, settings)
    for landmarks_px, speaker in clips:
        expressions.add(landmarks_px, speaker)
    expressions.sums.settle()
    return expressions.sums


def _fit_speed(clips: Sequence[FittedClip], fitter: ClipFitter, size_px: float) -> dict[str, Any]:
    """Fit every clip some times, the fastest counting; frames a second over all clips, and of the slowest clip."""
    seconds = [min(_fit_s(clip, fitter, size_px) for _ in range(_FIT_TURNS)) for clip in clips]
    frames = [clip.row["frames"] for clip in clips]
    slowest = min(count / time_s for count, time_s in zip(frames, seconds, strict=True))
    return {"fit_frames_per_s": round(sum(frames) / sum(seconds)), "fit_frames_per_s_slowest_clip": round(slowest)}


def _fit_s(clip: FittedClip, fitter: ClipFitter, size_px: float) -> float:
    started = time.process_time()
    fitter.fit(clip.landmarks_px, size_px)
    return time.process_time() - started


def _learning_speed(clips: Sequence[FittedClip], settings: LearningSettings) -> dict[str, Any]:
    """Learn a model from `LEARNED_FRAMES` frames: those of the clips, again and again."""
    blocks: list[tuple[NDArray[np.float32], str]] = []
    frames = 0
    for clip in itertools.cycle(clips):
        part = clip.landmarks_px[: min(settings.frames_per_clip, LEARNED_FRAMES - frames)]
        blocks.append((part, clip.row["speaker"]))
        frames += len(part)
        if frames == LEARNED_FRAMES:
            break
    started = time.process_time()
    bases = _bases(blocks, settings)
    learn_face_model(_sums(blocks, bases, settings), bases, settings)
    return {"learn_100000_frames_s": round(time.process_time() - started, 2)}
