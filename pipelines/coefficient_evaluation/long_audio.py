"""Whether coefficients generated for minutes of audio stay where real ones are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.curve_measures import Floats, drift, largest_excess, range_share
from pipelines.coefficient_evaluation.diversity import NaturalSpread
from pipelines.media_time import CLIP_FPS

COLUMNS_PER_S = 80
_END_SHARE = 0.1


def concatenated_audio(pieces: Sequence[NDArray[np.float32]], frames: int) -> NDArray[np.float32]:
    """Return log-mel pieces (columns, 80) end to end, again and again, for a number of 25 fps frames.

    Args:
        pieces: log-mel of clips, at least one column in all.
        frames: length wanted.
    """
    columns = -(-frames * COLUMNS_PER_S // CLIP_FPS) + 1
    once = np.concatenate(pieces)
    if not len(once):
        raise ValueError("a long audio is made of clips that have audio: expected log-mel columns, got none")
    return np.resize(once, (columns, once.shape[1]))


def steadiness(sequence: Floats, natural: NaturalSpread) -> dict[str, float]:
    """Return how steady a long sequence (frames, features) is.

    Returns:
        range_share: share of values within the range of the training clips.
        largest_excess: how far outside the worst value is, in widths of its feature's range.
        drift: distance of the last quarter's mean from the first's, in natural standard deviations.
        liveliness: spread of the last tenth over that of the first tenth; near 0, the face has frozen.
    """
    end = max(2, int(len(sequence) * _END_SHARE))
    first, last = (float(np.sqrt(part.astype(np.float64).var(axis=0).sum())) for part in (sequence[:end], sequence[-end:]))
    return {
        "range_share": range_share(sequence, natural.lowest, natural.highest),
        "largest_excess": largest_excess(sequence, natural.lowest, natural.highest),
        "drift": drift(sequence, natural.stddev),
        "liveliness": last / first if first > 0 else float("nan"),
    }
