"""Windows of clips in memory, wider than the networks see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pipelines.judging.clip_media import ClipMedia, VersionMedia
from pipelines.judging.emotion_judge import looked_at
from pipelines.judging.face_windows import FACE, MOUTH, Windows
from pipelines.judging.sync_judge import clip_log_mel
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.images.frame_batches import decoding_threads
from pipelines.training.judges.augmentation import WIDER, wide_size
from pipelines.training.window_plan import IntArray
from storage_schemas.judge_runs import JUDGED_EMOTIONS

MadeT = TypeVar("MadeT")

BUFFER_FRAMES = 30_000
"""Frames of clips that are in memory at a time, twice over while the next ones are read."""
FRAMES_OF_A_FACE = 48
"""Frames of a clip, evenly chosen, that the emotion judge is trained on."""


@dataclass(frozen=True, eq=False)
class TalkingMouth:
    """A clip for the sync expert: mouth windows (frames, wide, wide) and log-mel (1 + 3.2 frames, 80)."""

    windows: Windows
    log_mel: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LabelledFace:
    """A clip for the emotion judge: face windows (some frames, wide, wide) and the index of its label in JUDGED_EMOTIONS."""

    windows: Windows
    label: int


def read_mouths(source: VersionMedia, table: SequenceTable, rows: IntArray, size_px: int) -> list[TalkingMouth | None]:
    """Return the mouths of some clips; None where a clip has no frame with a face. Raises StoreError as `VersionMedia.read`."""
    place = replace(MOUTH, side=MOUTH.side * WIDER)

    def made(clip: ClipMedia) -> TalkingMouth | None:
        if clip.track is None:
            return None
        return TalkingMouth(clip.windows(place, wide_size(size_px)), clip_log_mel(clip.waveform, len(clip.jpegs)))

    return _each(made, source.read(table, rows))


def read_faces(source: VersionMedia, table: SequenceTable, rows: IntArray, size_px: int) -> list[LabelledFace | None]:
    """Return the faces of some clips; None where a clip has no frame with a face. Raises StoreError as `VersionMedia.read`."""
    place = replace(FACE, side=FACE.side * WIDER)

    def made(clip: ClipMedia) -> LabelledFace | None:
        if clip.track is None:
            return None
        frames = looked_at(len(clip.jpegs), FRAMES_OF_A_FACE)
        return LabelledFace(clip.windows(place, wide_size(size_px), frames), JUDGED_EMOTIONS.index(clip.emotion))

    return _each(made, source.read(table, rows))


def _each(made: Callable[[ClipMedia], MadeT], clips: Sequence[ClipMedia]) -> list[MadeT]:
    with ThreadPoolExecutor(decoding_threads(), thread_name_prefix="decode") as pool:
        return list(pool.map(made, clips))
