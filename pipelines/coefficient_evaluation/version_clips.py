"""Clips of a dataset version for an evaluation, and the yardstick made of its training clips."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pipelines.blinks.eye_openness import EyeOpenness, eye_openness
from pipelines.coefficient_evaluation.driven_curves import driven_mouth_openings
from pipelines.coefficient_evaluation.emotion_judge import EmotionJudge, train_judge
from pipelines.coefficient_evaluation.face_curves import LinearCurve, mouth_opening_curve
from pipelines.coefficient_evaluation.held_out_clips import as_real_clip
from pipelines.coefficient_evaluation.sample_figures import Yardstick, make_yardstick
from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.face_model.basis import FaceModel, read_face_model
from pipelines.training.coefficient_sequences import CoefficientSequence, SequenceSource
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore

logger = logging.getLogger(__name__)

MOST_TRAINING_CLIPS = 600
_SHORTEST_FRAMES = 8
_CLIP_COLUMNS = ("clip_id", "source_video", "source_start_s", "frames")


def read_clips(source: SequenceSource, split: str, most: int) -> list[CoefficientSequence]:
    """Return clips of a split, evenly chosen if there are more than `most`.

    Args:
        source: of sequences.
        split: its name, or several with commas between.
        most: clips that are read; those under 8 frames are left out afterwards.

    Raises:
        BadInputError: there are none.
    """
    clips: list[CoefficientSequence] = []
    names = [name.strip() for name in split.split(",")]
    for name in names:
        table = source.table(name)
        rows = np.unique(np.linspace(0, len(table) - 1, min(len(table), max(1, most // len(names)))).round().astype(np.int64))
        clips += source.read(table, rows)
    usable = [clip for clip in clips if clip.frames >= _SHORTEST_FRAMES]
    if not usable:
        raise BadInputError(f"{source.dataset} has no clip of {_SHORTEST_FRAMES} frames or more in split {split!r}")
    return usable


def yardstick_of(train: Sequence[CoefficientSequence], face_model: FaceModel | None) -> Yardstick:
    """Return the yardstick of some training clips; what they or the face model cannot give is left out, with a warning."""
    judge: EmotionJudge | None = None
    try:
        judge = train_judge([clip.beta for clip in train], [clip.emotion for clip in train])
    except BadInputError as error:
        logger.warning("emotions are not judged: %s", error)
    mouth: LinearCurve | None = None
    eyes: EyeOpenness | None = None
    if face_model is not None:
        try:
            mouth, eyes = mouth_opening_curve(face_model), eye_openness(face_model)
        except ValueError as error:
            logger.warning("mouth and eyes are not measured: %s", error)
    return make_yardstick([as_real_clip(clip) for clip in train], judge, mouth, eyes)


def stored_face_model(store: ObjectStore, model_id: str) -> FaceModel | None:
    """Return a face model of a store; None if it is not there."""
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-") as folder:
        try:
            return read_face_model(fetch_face_model(store, model_id, Path(folder)))
        except FileNotFoundError:
            logger.warning("%s has no face model %s: mouth and eyes are not measured", store.uri, model_id)
            return None


def driven_openings(
    store: ObjectStore, version_id: str, corpus: Path, clips: Sequence[CoefficientSequence]
) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """Return by clip id the curve (frames,) that drove the mouth in a demo corpus; raises as `driven_mouth_openings`."""
    wanted = {clip.sequence_id for clip in clips}
    rows = [row for row in read_rows(store, version_id, VersionTable.CLIPS, _CLIP_COLUMNS) if row["clip_id"] in wanted]
    return driven_mouth_openings(corpus, rows)
