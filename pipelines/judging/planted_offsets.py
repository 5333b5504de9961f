"""How surely the sync expert finds an offset that was planted: sound that was moved against its pictures by a known number of frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.judging.face_windows import Windows
from pipelines.judging.sync_judge import SyncJudge, offset_distances, score_of
from pipelines.media_time import SAMPLES_PER_FRAME

PLANTED = tuple(range(-10, 11))
TOLERANCE_FRAMES = 1


@dataclass(frozen=True)
class PlantedResult:
    """What was found in one clip.

    Attributes:
        clip_id: of the clip.
        planted: frames by which the sound was made late.
        found: by the expert.
        confidence: with which.
    """

    clip_id: str
    planted: int
    found: int
    confidence: float

    @property
    def right(self) -> bool:
        """Whether it was found within one frame."""
        return abs(self.found - self.planted) <= TOLERANCE_FRAMES


def delayed(waveform: NDArray[Any], frames: int) -> NDArray[Any]:
    """Return a waveform that is late by so many frames (negative: early), as long as before; what is missing is silence."""
    moved = np.zeros_like(waveform)
    samples = frames * SAMPLES_PER_FRAME
    if samples >= 0:
        moved[samples:] = waveform[: max(0, len(waveform) - samples)]
    else:
        moved[:samples] = waveform[-samples:]
    return moved


def find_planted(
    judge: SyncJudge, clip_id: str, windows: Windows, waveform: NDArray[np.int16], planted: Sequence[int] = PLANTED
) -> list[PlantedResult]:
    """Return what the expert finds for each planted offset in a clip of at least LEAST_FRAMES.

    Args:
        judge: the expert.
        clip_id: of the clip.
        windows: mouths (n, size, size) from `face_windows`.
        waveform: int16 at 16 kHz.
        planted: frames by which the sound is made late.
    """
    mouths = judge.embed_mouths(windows)
    results = []
    for frames in planted:
        score = score_of(offset_distances(mouths, judge.embed_sounds(delayed(waveform, frames), len(windows))))
        results.append(PlantedResult(clip_id, frames, score.offset_frames, round(score.confidence, 4)))
    return results


def right_share(results: Iterable[PlantedResult]) -> float:
    """Return the share that was found within one frame."""
    return float(np.mean([result.right for result in results]))
