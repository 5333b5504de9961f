"""Summing up the clips of landmarks parts for learning a face model; run in an isolated process, whose BLAS has one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.dataset.landmark_files import LandmarkFiles
from pipelines.face_model.accumulation import Int64Array, ShapeSums
from pipelines.face_model.learning import ExpressionPass, ShapePass
from pipelines.face_model.settings import learning_settings
from pipelines.media_time import CLIP_FPS
from storage_schemas.clips import Clip
from storage_schemas.part_layout import LANDMARK_COUNT
from storage_schemas.processing_request import ProcessingAnswer, SumRequest
from storage_schemas.store_trouble import store_trouble

SHAPE_FILE = "shape.safetensors"
LEARNED_FILE = "learned.safetensors"
HELD_OUT_FILE = "held_out.safetensors"
_HELD_OUT_ONE_IN = 5


def sum_landmarks(request: SumRequest, on_progress: Callable[[float], None]) -> ProcessingAnswer:
    """Write the exact sums of some parts' clips: of shapes in the first pass, of expressions in the second.

    The second pass keeps a fifth of the clips, chosen by their keys, apart, so that an error on clips that were not learned from can be
    given; the model is made of both sums.

    Args:
        request: what to sum and where to write.
        on_progress: called after each clip with the seconds of media handled so far.

    Raises:
        StoreError: the landmarks are damaged, or the sums cannot be written.
    """
    settings = learning_settings(request.settings)
    clips = _clips(request, on_progress)
    out = Path(request.out_folder)
    counts = [0, 0]
    if not request.bases_file:
        shapes = ShapePass(settings)
        for clip, speaker, landmarks in clips:
            shapes.add(landmarks, speaker)
            counts = [counts[0] + 1, counts[1] + clip.frames]
        _write(out, {SHAPE_FILE: shapes.sums.to_bytes()})
    else:
        bases = read_bases(Path(request.bases_file))
        passes = ExpressionPass(bases, settings), ExpressionPass(bases, settings)
        for clip, speaker, landmarks in clips:
            passes[is_held_out(clip.clip_key)].add(landmarks, speaker)
            counts = [counts[0] + 1, counts[1] + clip.frames]
        _write(out, {LEARNED_FILE: passes[0].sums.to_bytes(), HELD_OUT_FILE: passes[1].sums.to_bytes()})
    return ProcessingAnswer(clips=counts[0], frames=counts[1], rejections=0)


def is_held_out(clip_key: str) -> bool:
    """Say whether a clip belongs to the fifth that the error of the others' modes is measured on."""
    return int(clip_key, 16) % _HELD_OUT_ONE_IN == 0


def bases_bytes(bases: dict[str, Int64Array]) -> bytes:
    """Return the speakers' means of the first pass as the content of a file for `read_bases`."""
    return ShapeSums(frames=dict.fromkeys(bases, 0), sums={name: steps.reshape(-1) for name, steps in bases.items()}).to_bytes()


def read_bases(path: Path) -> dict[str, Int64Array]:
    """Return what `bases_bytes` was given: (478, 3) int64 by speaker."""
    return {speaker: steps.reshape(LANDMARK_COUNT, 3) for speaker, steps in ShapeSums.read(path).sums.items()}


def _clips(request: SumRequest, on_progress: Callable[[float], None]) -> Iterator[tuple[Clip, str, NDArray[np.float32]]]:
    frames = 0
    for folder in request.landmarks_folders:
        landmarks = LandmarkFiles(Path(folder))
        for recording in landmarks.index.recordings:
            for item in recording.clips if recording.recording_id in request.speakers else ():
                yield item.clip, request.speakers[recording.recording_id], landmarks.read(item)
                frames += item.clip.frames
                on_progress(frames / CLIP_FPS)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    with store_trouble("write", folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (folder / name).write_bytes(data)
