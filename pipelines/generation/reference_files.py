"""References from files: pictures and videos are tracked and fitted as a dataset's clips are, coefficients are read as they are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.corpora.walking import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from pipelines.dataset.isolation import IsolatedProcess, LimitExceededError, Limits
from pipelines.dataset.staging import array_file, read_staged
from pipelines.face_model.basis import read_face_model
from pipelines.face_model.clip_fitting import ClipFitter
from pipelines.face_model.importing import read_coefficients
from pipelines.face_model.settings import fit_settings
from pipelines.generation.audio_features import MelAudio
from pipelines.generation.coefficient_files import SUFFIXES as COEFFICIENT_SUFFIXES
from pipelines.generation.coefficient_files import read_coefficients_file
from pipelines.generation.request import Reference
from storage_schemas.build_spec import AudioSettings, BuildSpec, CropSettings
from storage_schemas.clips import Clip
from storage_schemas.errors import BadInputError, ItemRejectedError
from storage_schemas.identifiers import escape_path
from storage_schemas.processing_request import ProcessingRequest
from storage_schemas.recordings import Recording

Float32Array = NDArray[np.float32]

IMPORTED_SUFFIXES = (".mat", ".npy")
_LIMITS = Limits(time_s=120.0, memory_mb=8192, time_per_media_s=60.0, silence_s=300.0)
_STILL_FRAMES = 12  # a fit wants a clip of so many


def read_reference_file(path: Path, face_model: Path | None) -> Reference:
    """Return a reference from a file.

    Args:
        path: picture (.png, .jpg), video, coefficients of ours (.safetensors, .npz) or in Deep3DFaceRecon's layout (.mat, .npy).
        face_model: file of the face model that the flows were trained with, named by its id; needed for pictures and videos.

    Raises:
        BadInputError: the file is missing, of another kind, shows no face, or there is no face model to fit it with; the message
            names it.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise BadInputError(f"reference {path}: there is no such file")
    if suffix in COEFFICIENT_SUFFIXES:
        stored = read_coefficients_file(path)
        return Reference(path.name, stored.beta, stored.rho, face_model=stored.card.face_model if stored.card is not None else "")
    if suffix in IMPORTED_SUFFIXES:
        imported = read_coefficients(path)
        return Reference(path.name, imported.expression, np.concatenate([imported.angles_rad, imported.translation], axis=1))
    if suffix not in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES):
        known = ", ".join((*IMAGE_SUFFIXES, *VIDEO_SUFFIXES, *COEFFICIENT_SUFFIXES, *IMPORTED_SUFFIXES))
        raise BadInputError(f"reference {path}: expected a file that ends in one of {known}")
    if face_model is None:
        raise BadInputError(f"reference {path}: pictures and videos need the face model that the flows were trained with")
    return _fitted(path, face_model, is_still=suffix in IMAGE_SUFFIXES)


def _fitted(path: Path, face_model: Path, *, is_still: bool) -> Reference:
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-reference-") as folder:
        staged = Path(folder) / "staged"
        clip, spec = _track(path, staged, Path(folder) / "native.log", is_still=is_still)
        landmarks = np.load(staged / array_file(clip.clip_key, "landmarks"), allow_pickle=False)
        mel_file = staged / array_file(clip.clip_key, "log_mel")
        audio = MelAudio(np.load(mel_file, allow_pickle=False)) if mel_file.is_file() else None
    model = read_face_model(face_model)
    if len(landmarks) < _STILL_FRAMES:
        landmarks = np.concatenate([landmarks, np.repeat(landmarks[-1:], _STILL_FRAMES - len(landmarks), axis=0)])
    try:
        fit = ClipFitter(model, fit_settings(spec.face_model)).fit(landmarks, float(spec.crop.size_px))
    except ItemRejectedError as error:
        raise BadInputError(f"reference {path}: {error.message}") from error
    frames = clip.frames
    return Reference(path.name, fit.expression[:frames], fit.pose[:frames], audio, face_model=model.model_id)


def _track(path: Path, staged: Path, log_file: Path, *, is_still: bool) -> tuple[Clip, BuildSpec]:
    """Crop a file's face as a build does, in a process of its own; return its longest clip."""
    crop = CropSettings(size_px=256, min_clip_s=0.04, jpeg_quality=50)  # the frames themselves are not used
    spec = BuildSpec(crop=crop, audio=AudioSettings(required=False))
    recording = Recording(recording_id="reference", video=escape_path(path.name), is_still=is_still, speaker="reference")
    request = ProcessingRequest(recording=recording, source_root=escape_path(path.resolve().parent), out_folder=str(staged), spec=spec)
    with IsolatedProcess(log_file) as process:
        try:
            process.run(request.model_dump(mode="json"), _LIMITS)
        except LimitExceededError as error:
            raise BadInputError(f"reference {path}: {error.message}") from error
    outcome = read_staged(staged).outcome
    if not outcome.clips:
        why = "; ".join(rejection.message for rejection in outcome.rejections) or "no face was found"
        raise BadInputError(f"reference {path} shows no usable face: {why}")
    return max(outcome.clips, key=lambda clip: clip.frames), spec
