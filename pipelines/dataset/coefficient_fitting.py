"""Fitting the clips of one recording into a staged recording that holds coefficients alone; run in an isolated process."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.dataset.landmark_files import LandmarkFiles
from pipelines.dataset.staging import StagedRecordingWriter
from pipelines.face_model.basis import read_face_model
from pipelines.face_model.clip_fitting import ClipFit, ClipFitter
from pipelines.face_model.settings import fit_settings
from pipelines.media_time import CLIP_FPS
from storage_schemas.build_spec import FaceModelSettings
from storage_schemas.clips import Clip, FitQuality, RecordingOutcome
from storage_schemas.errors import ItemRejectedError
from storage_schemas.part_layout import PartRecording
from storage_schemas.processing_request import FitRequest, ProcessingAnswer
from storage_schemas.rejections import Rejection, RejectionReason, Stage

_DIGITS = 6


def fit_recording(request: FitRequest, on_progress: Callable[[float], None]) -> ProcessingAnswer:
    """Fit every clip of a recording; clips that cannot be fitted become rejections.

    Args:
        request: what to fit and where to write.
        on_progress: called after each clip with the seconds of media handled so far.

    Raises:
        StoreError: the landmarks are damaged, or the output folder cannot be written.
        BadInputError: the model file is no face model.
    """
    fitter = _fitter(request.model_file, request.settings)
    landmarks = LandmarkFiles(Path(request.landmarks_folder))
    fits: dict[str, FitQuality] = {}
    rejections: list[Rejection] = []
    frames = 0
    with StagedRecordingWriter(Path(request.out_folder)) as writer:
        for item in request.recording.clips:
            try:
                fit = fitter.fit(landmarks.read(item), float(request.size_px))
            except ItemRejectedError as error:
                rejections.append(clip_rejection(item.clip, error.reason, error.message, error.details))
            else:
                _write_fit(writer, item.clip.clip_key, fit)
                fits[item.clip.clip_key] = quality_of(fit)
            frames += item.clip.frames
            on_progress(frames / CLIP_FPS)
        writer.finish(outcome_of(request.recording, rejections, fits))
    return ProcessingAnswer(clips=len(fits), frames=frames, rejections=len(rejections))


def outcome_of(recording: PartRecording, rejections: list[Rejection], fits: dict[str, FitQuality] | None = None) -> RecordingOutcome:
    """Return what became of a recording of a landmarks part."""
    return RecordingOutcome(
        recording_id=recording.recording_id,
        content_key=recording.content_key,
        clips=[item.clip for item in recording.clips],
        rejections=rejections,
        fits=fits or {},
    )


def clip_rejection(clip: Clip, reason: RejectionReason, message: str, details: dict[str, float | int | str]) -> Rejection:
    """Return the rejection of a clip whose coefficients could not be made."""
    return Rejection(
        item_id=clip.clip_id, recording_id=clip.recording_id, stage=Stage.FACE_MODEL, reason=reason, message=message, details=details,
        start_s=clip.source_start_s, end_s=clip.source_start_s + clip.frames / CLIP_FPS,
    )  # fmt: skip


def quality_of(fit: ClipFit) -> FitQuality:
    """Return the figures of a fit that the clips table has."""
    ratio = fit.jitter_ratio if np.isfinite(fit.jitter_ratio) else 0.0
    return FitQuality(
        error_percent_iod=round(fit.reprojection_error_percent_iod, _DIGITS),
        jitter_ratio=round(ratio, _DIGITS),
        flagged_share=round(float((fit.flags != 0).mean()), _DIGITS),
    )


def _write_fit(writer: StagedRecordingWriter, clip_key: str, fit: ClipFit) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {
        "beta": fit.expression,
        "rho": fit.pose,
        "beta_raw": fit.expression_raw,
        "rho_raw": fit.pose_raw,
        "residual": fit.residual_percent_iod / np.float32(100),
        "jitter": fit.jitter_percent_iod / np.float32(100),
        "flags": fit.flags,
        "identity": fit.identity[None],
    }
    for name, values in arrays.items():
        writer.add_array(clip_key, name, values)


@functools.lru_cache(maxsize=2)
def _fitter(model_file: str, settings: FaceModelSettings) -> ClipFitter:
    return ClipFitter(read_face_model(Path(model_file)), fit_settings(settings))
