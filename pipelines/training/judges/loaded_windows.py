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
from pipelines.judging.face_windows import FACE, MOUTH, FacePlace, Windows
from pipelines.judging.sync_judge import clip_log_mel
from pipelines.training.coefficient_sequences import SequenceTable
from pipelines.training.images.frame_batches import decoding_threads
from pipelines.training.judges.augmentation import WIDER, wide_size
from pipelines.training.window_plan import IntArray

MadeT = TypeVar("MadeT")

BUFFER_FRAMES = 30_000
"""Frames of clips that are in memory at a time, twice over while the next ones are read."""
FRAMES_OF_A_FACE = 48
"""Frames of a clip, evenly chosen, that the emotion judge is trained on."""


@dataclass(frozen=True, eq=False)
class TalkingMouth:
    """A clip for the sync expert.

    Attributes:
        windows: mouths (frames, wide, wide).
        log_mel: (1 + 3.2 frames, 80).
        seen: a face was found; otherwise the windows are blank and do not count.
    """

    windows: Windows
    log_mel: NDArray[np.float32]
    seen: bool = True


@dataclass(frozen=True, eq=False)
class SeenFace:
    """A clip for the emotion judge.

    Attributes:
        windows: faces (some frames, wide, wide).
        seen: as of TalkingMouth.
    """

    windows: Windows
    seen: bool = True


def read_mouths(source: VersionMedia, table: SequenceTable, rows: IntArray, size_px: int) -> list[TalkingMouth]:
    """Return the mouths of some clips; raises StoreError as `VersionMedia.read`."""
    place = replace(MOUTH, side=MOUTH.side * WIDER)

    def made(clip: ClipMedia) -> TalkingMouth:
        windows = _windows(clip, place, size_px, np.arange(len(clip.jpegs)))
        return TalkingMouth(windows, clip_log_mel(clip.waveform, len(clip.jpegs)), clip.track is not None)

    return _each(made, source.read(table, rows))


def read_faces(source: VersionMedia, table: SequenceTable, rows: IntArray, size_px: int) -> list[SeenFace]:
    """Return the faces of some clips; raises StoreError as `VersionMedia.read`."""
    place = replace(FACE, side=FACE.side * WIDER)

    def made(clip: ClipMedia) -> SeenFace:
        return SeenFace(_windows(clip, place, size_px, looked_at(len(clip.jpegs), FRAMES_OF_A_FACE)), clip.track is not None)

    return _each(made, source.read(table, rows))


def _windows(clip: ClipMedia, place: FacePlace, size_px: int, frames: IntArray) -> Windows:
    wide = wide_size(size_px)
    return np.zeros((len(frames), wide, wide), np.uint8) if clip.track is None else clip.windows(place, wide, frames)


def _each(made: Callable[[ClipMedia], MadeT], clips: Sequence[ClipMedia]) -> list[MadeT]:
    with ThreadPoolExecutor(decoding_threads(), thread_name_prefix="decode") as pool:
        return list(pool.map(made, clips))
