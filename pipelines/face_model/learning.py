"""The learned face model: from a corpus' own landmarks, with no licensed data.

Two passes (`accumulation`): `shape_pass` over every clip, `merged` into one, `speaker_bases` of it; then `expression_pass` with
those bases, merged, and `learn_face_model`. A speaker's mean is identity; what frames differ from it by is expression, so an
emotion held through a clip stays expression as long as the speaker shows others elsewhere.

Expression directions are principal components in a metric in which depth counts `depth_weight`: chosen by what is seen in the
image, they carry the depth that went with it on average.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.accumulation import ExpressionSums, Int64Array, ShapeSums
from pipelines.face_model.alignment import STEPS_PER_UNIT, ShapeAligner
from pipelines.face_model.basis import EXPRESSION_MODES, FaceModel
from pipelines.face_model.blas_threads import one_blas_thread
from pipelines.face_model.finishing import finish_face_model
from pipelines.face_model.learning_settings import LearningSettings
from pipelines.face_model.reference import load_reference_face
from storage_schemas.errors import BadInputError
from storage_schemas.part_layout import LANDMARK_COUNT

MIN_FRAMES = 2 * EXPRESSION_MODES


def reference_steps() -> Int64Array:
    """Return (478, 3) the reference face in whole steps of 2**-16, which the first pass aligns to."""
    return np.asarray(np.rint(load_reference_face().points * STEPS_PER_UNIT), dtype=np.int64)


def _sampled(landmarks_px: NDArray[np.float32], settings: LearningSettings) -> NDArray[np.float32]:
    if landmarks_px.ndim != 3 or landmarks_px.shape[1:] != (LANDMARK_COUNT, 3):
        raise ValueError(f"landmarks must be (frames, {LANDMARK_COUNT}, 3), got {landmarks_px.shape}")
    frames = len(landmarks_px)
    if frames <= settings.frames_per_clip:
        return landmarks_px
    return np.asarray(landmarks_px[np.arange(settings.frames_per_clip) * frames // settings.frames_per_clip])


def _aligner(base_steps: Int64Array, settings: LearningSettings) -> ShapeAligner:
    return ShapeAligner(base_steps, settings.depth_weight, np.deg2rad(settings.largest_angle_deg))


class ShapePass:
    """First pass: adds clips to `sums`.

    Attributes:
        sums: the frames added so far.
    """

    def __init__(self, settings: LearningSettings) -> None:
        self.sums = ShapeSums()
        self._settings = settings
        self._aligner = _aligner(reference_steps(), settings)

    @one_blas_thread()
    def add(self, landmarks_px: NDArray[np.float32], speaker: str) -> None:
        """Count a clip in: (frames, 478, 3) pixels as MediaPipe gives them, NaN rows allowed."""
        self.sums.add(self._aligner.align(_sampled(landmarks_px, self._settings)), speaker)


class ExpressionPass:
    """Second pass: adds clips to `sums`, aligned to their speaker's mean of the first.

    Attributes:
        sums: the frames added so far.
    """

    def __init__(self, speaker_bases: Mapping[str, Int64Array], settings: LearningSettings) -> None:
        self.sums = ExpressionSums()
        self._settings = settings
        self._bases = speaker_bases
        self._aligners: dict[str, ShapeAligner] = {}

    @one_blas_thread()
    def add(self, landmarks_px: NDArray[np.float32], speaker: str) -> None:
        """Count a clip in; a speaker without a usable frame in the first pass adds nothing."""
        if speaker not in self._bases:
            return
        if speaker not in self._aligners:
            self._aligners[speaker] = _aligner(self._bases[speaker], self._settings)
        self.sums.add(self._aligners[speaker].align(_sampled(landmarks_px, self._settings)), speaker)


def speaker_bases(sums: ShapeSums) -> dict[str, Int64Array]:
    """Return every speaker's mean shape of the first pass, (478, 3) int64 in steps of 2**-16."""
    base = reference_steps()
    return {speaker: sums.mean_steps(speaker, base) for speaker in sorted(sums.frames)}


def learn_face_model(sums: ExpressionSums, bases: Mapping[str, Int64Array], settings: LearningSettings) -> FaceModel:
    """Make the face model of the second pass' sums, with one BLAS thread (`finishing` says why).

    Args:
        sums: all parts merged.
        bases: the `speaker_bases` the second pass was made with.
        settings: those of both passes.

    Raises:
        BadInputError: if there are fewer usable frames than twice the expression modes.
    """
    frames = sum(sums.shape.frames.values())
    if frames < MIN_FRAMES:
        raise BadInputError(
            f"a face model needs at least {MIN_FRAMES} frames with a face turned less than {settings.largest_angle_deg:g} degrees, "
            f"found {frames} ({sums.shape.frames_left_out} left out); give more clips"
        )
    return finish_face_model(sums, bases, settings)
