"""How well fitted coefficients follow a demo corpus, whose truth is known.

The truth is the rendered geometry for what the face does (mouth, eyes, brows) and the driving pose for the head. The fit has been
through everything in between: H.264, cropping, JPEG, the landmark network and the face model.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.corpora.demo.head_pose import rotation_matrix
from pipelines.corpora.demo.portrait import Float
from pipelines.corpora.demo.truth import DemoTruth, read_truth
from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.dataset.part_reading import read_rows
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import load_manifest
from pipelines.face_model.basis import FaceModel, read_face_model
from pipelines.face_model.landmark_points import (
    LEFT_BROW,
    LEFT_EYE_OUTER,
    RIGHT_BROW,
    RIGHT_EYE_OUTER,
    eye_opening,
    mouth_opening,
    mouth_width,
)
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import unescape_path
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange

SERIES = ("mouth_opening", "mouth_width", "eye_opening", "brow_height", "yaw", "pitch", "roll")
"""What is compared: distances in inter-ocular distances, then angles in radians, positive as in the truth."""

_BROWS_AND_EYES = ((RIGHT_BROW, (33, 133)), (LEFT_BROW, (263, 362)))
_COLUMNS = (
    "clip_id", "source_video", "emotion", "frames", "coefficients_part", "coefficients_start", "identity_row",
)  # fmt: skip
_SHRINKAGE = 0.2  # of the classifier's covariance towards its diagonal


@dataclass(frozen=True)
class ClipComparison:
    """One clip: curves (frames, series) in the order of `SERIES`, and what the classifier needs."""

    true: Float
    fitted: Float
    emotion: str
    sentence: str
    mean_expression: Float


def compare_with_truth(store: ObjectStore, version: str, corpus: Path) -> dict[str, Any]:
    """Compare the coefficients of a version with the truth of the demo corpus that it was built from.

    Args:
        store: where the version is.
        version: its id.
        corpus: folder of the demo corpus.

    Returns:
        `clips`, `frames`, `series` (for each of `SERIES`: `r` and `slope` over all frames of all clips together, `r_within` and
        `slope_within` with each clip's means taken out, `r_clip_median`), and `emotion_accuracy`: the share of clips whose emotion is
        recognised from their mean expression by a classifier that has not seen their sentence.

    Raises:
        BadInputError: if the version has no coefficients, or its clips are not whole clips of the corpus.
    """
    model_id = load_manifest(store, version).face_model
    clips = list(_compared(store, version, model_id, corpus)) if model_id else []
    if not clips:
        raise BadInputError(f"version {version} has no clip with coefficients; build it with face_model.enabled")
    return {
        "clips": len(clips),
        "frames": sum(len(clip.true) for clip in clips),
        "series": {
            name: agreement([clip.true[:, k] for clip in clips], [clip.fitted[:, k] for clip in clips]) for k, name in enumerate(SERIES)
        },
        "emotion_accuracy": emotion_accuracy(clips),
    }


def agreement(true: Sequence[Float], fitted: Sequence[Float]) -> dict[str, float]:
    """Return correlations and slopes of one series, given its curve (frames,) in each clip."""
    together = _line(np.concatenate(true), np.concatenate(fitted))
    within = _line(np.concatenate([curve - curve.mean() for curve in true]), np.concatenate([curve - curve.mean() for curve in fitted]))
    alone = [_line(*curves)[0] for curves in zip(true, fitted, strict=True)]
    values = {
        "r": together[0], "slope": together[1], "r_within": within[0], "slope_within": within[1], "r_clip_median": float(np.median(alone)),
    }  # fmt: skip
    return {name: round(value, 4) for name, value in values.items()}


def _line(true: Float, fitted: Float) -> tuple[float, float]:
    covariance = np.cov(true, fitted)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])), float(covariance[0, 1] / covariance[0, 0])


def emotion_accuracy(clips: Sequence[ClipComparison]) -> float:
    """Return the share of clips whose emotion is that of the nearest class mean of the clips with other sentences.

    Distances are Mahalanobis distances in the pooled covariance within classes, shrunk towards its diagonal.
    """
    points = np.stack([clip.mean_expression for clip in clips])
    emotions, sentences = np.array([clip.emotion for clip in clips]), np.array([clip.sentence for clip in clips])
    hits = 0
    for sentence in np.unique(sentences):
        held_out = sentences == sentence
        labels, means, precision = _class_means(points[~held_out], emotions[~held_out])
        away = points[held_out][:, None] - means[None]
        nearest = np.einsum("cei,ij,cej->ce", away, precision, away).argmin(axis=1)
        hits += int((labels[nearest] == emotions[held_out]).sum())
    return round(hits / len(clips), 4)


def _class_means(points: Float, emotions: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Float, Float]:
    labels, classes = np.unique(emotions, return_inverse=True)
    means = np.stack([points[classes == k].mean(axis=0) for k in range(len(labels))])
    centred = points - means[classes]
    covariance = centred.T @ centred / max(1, len(points) - len(labels))
    spread = np.diag(covariance).mean() + 1e-12
    shrunk = (1 - _SHRINKAGE) * covariance + _SHRINKAGE * np.diag(np.diag(covariance)) + 0.01 * spread * np.eye(len(covariance))
    return labels, means, np.asarray(np.linalg.inv(shrunk))


def true_curves(truth: DemoTruth) -> Float:
    """Return the rendered curves (frames, series) of a clip."""
    points = truth.landmarks.astype(np.float64)
    angles = [truth.curve(f"{axis}_rad").astype(np.float64) for axis in ("yaw", "pitch", "roll")]
    turned_back = points @ np.stack([rotation_matrix(*frame) for frame in np.column_stack(angles)])
    return np.column_stack([_face_curves(points, -turned_back), *angles])


def fitted_curves(model: FaceModel, identity: Float, expression: Float, pose: Float) -> Float:
    """Return the same curves of fitted coefficients: identity (modes,), expression (frames, 64), pose (frames, 6)."""
    model = model.landmark_rows()
    shape = model.shape(identity, expression)
    pitch, yaw, roll = pose[:, 0], -pose[:, 1], -pose[:, 2]  # the face model's axes point up and towards the camera
    return np.column_stack([_face_curves(shape, shape), yaw, pitch, roll])


def _face_curves(points: Float, upright: Float) -> Float:
    """Return mouth opening and width, eye opening and brow height (frames, 4) in inter-ocular distances.

    Args:
        points: (frames, 478, 3) in any unit and pose.
        upright: the same points turned to face the camera, y up; brows are raised along this axis.
    """
    unit = np.linalg.norm(points[:, RIGHT_EYE_OUTER] - points[:, LEFT_EYE_OUTER], axis=-1)
    brows = np.mean(
        [upright[:, list(brow), 1].mean(axis=1) - upright[:, list(eye), 1].mean(axis=1) for brow, eye in _BROWS_AND_EYES], axis=0
    )
    return np.asarray(
        np.column_stack([mouth_opening(points), mouth_width(points), eye_opening(points).mean(axis=-1), brows]) / unit[:, None]
    )


def _compared(store: ObjectStore, version: str, model_id: str, corpus: Path) -> Iterator[ClipComparison]:
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-model-") as folder:
        model = read_face_model(fetch_face_model(store, model_id, Path(folder)))
    for batch in read_batches(store, version, VersionTable.CLIPS, _COLUMNS):
        for row in batch.to_pylist():
            if row["coefficients_part"]:
                yield _comparison(store, model, row, corpus)


def _comparison(store: ObjectStore, model: FaceModel, row: dict[str, Any], corpus: Path) -> ClipComparison:
    truth = read_truth(_truth_of(corpus, row["source_video"]))
    if len(truth.curves) != row["frames"]:
        raise BadInputError(
            f"clip {row['clip_id']}: expected the {len(truth.curves)} frames of its truth, found {row['frames']}; name the corpus that the "
            "version was built from"
        )
    rows = RowRange(start=row["coefficients_start"], count=row["frames"])
    expression, pose = (read_rows(store, row["coefficients_part"], name, rows).astype(np.float64) for name in ("beta", "rho"))
    identity = read_rows(store, row["coefficients_part"], "identity", RowRange(start=row["identity_row"], count=1))[0].astype(np.float64)
    fitted = fitted_curves(model, identity, expression, pose)
    return ClipComparison(true_curves(truth), fitted, row["emotion"], str(truth.about["text"]), expression.mean(axis=0))


def _truth_of(corpus: Path, video: str) -> Path:
    """Return the truth beside ``D001/video/front/sad/level_1/001.mp4``."""
    parts = Path(unescape_path(video)).parts
    return corpus.joinpath(*parts[:-5], "truth", *parts[-3:]).with_suffix(".npz")
