"""Whether generated faces blink as often as real ones, and at times of their own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.curve_measures import Floats
from pipelines.face_model.fit_quality import blink_frames
from pipelines.media_time import CLIP_FPS

SAME_BLINK_FRAMES = 3
"""Blinks of two samples that are this near or nearer count as one and the same."""


def blinks_per_minute(openness: Sequence[Floats]) -> float:
    """Return how often eyes blink in some curves.

    Args:
        openness: curves (frames,) of the distance of the lids, in any unit, at 25 frames a second.
    """
    frames = sum(len(curve) for curve in openness)
    blinks = sum(len(blink_frames(np.asarray(curve, dtype=np.float64))) for curve in openness if len(curve))
    return blinks * 60.0 * CLIP_FPS / frames if frames else float("nan")


def blink_overlap(blinks: Sequence[NDArray[np.int64]], frames: int) -> tuple[float, float]:
    """Return the share of blinks that another sample has as well, and the share that pure chance would give.

    Chance is the share of frames that lie near a blink of the other sample: what blinks at random times would hit. Identical samples
    give 1; samples that blink independently give about the second number. Both are NaN if no pair of samples has a blink.

    Args:
        blinks: frames of the blinks of two or more samples of one request.
        frames: length of the samples.
    """
    hits, blinks_seen, expected = 0, 0, 0.0
    for mine, other in permutations(blinks, 2):
        near = _near(other, frames)
        hits += int(near[mine].sum())
        expected += float(near.mean()) * len(mine)
        blinks_seen += len(mine)
    return (hits / blinks_seen, expected / blinks_seen) if blinks_seen else (float("nan"), float("nan"))


def _near(blinks: NDArray[np.int64], frames: int) -> NDArray[np.bool_]:
    near = np.zeros(frames, dtype=np.bool_)
    for frame in blinks:
        near[max(0, frame - SAME_BLINK_FRAMES) : frame + SAME_BLINK_FRAMES + 1] = True
    return near
