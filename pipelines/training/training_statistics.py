"""What the training clips are like: centre, scale and range of the modelled values, and of the sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.training.coefficient_sequences import Float32Array
from pipelines.training.loaded_sequences import LoadedSequences, emotion_index
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import EMOTIONS

_RANGE_QUANTILES = (0.001, 0.999)
_LEAST_FRAMES = 32
_MEL_BINS = 80
_SMALLEST_MEL_SCALE = 0.1
_SMALLEST_SCALE = 1e-6


@dataclass(frozen=True, eq=False)
class TrainingStatistics:
    """Of the training clips alone; float32 arrays, F features.

    Attributes:
        center, scale: (F,) the units of the network; scales have a floor, see `measured`.
        deviation: (F,) standard deviations.
        smallest, largest: (F,) range.
        low, high: (F,) 0.1 and 99.9 percentiles.
        mel_center, mel_scale: (80,) of the log-mel; zeros and ones without sound.
        neutral: (F,) mean of the neutral frames; `center` where there are none.
        emotion_frames: (E,) int64, usable frames of each label of EMOTIONS.
    """

    center: Float32Array
    scale: Float32Array
    deviation: Float32Array
    smallest: Float32Array
    largest: Float32Array
    low: Float32Array
    high: Float32Array
    mel_center: Float32Array
    mel_scale: Float32Array
    neutral: Float32Array
    emotion_frames: NDArray[np.int64]

    def as_arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return dict(vars(self))


def measured(loaded: LoadedSequences, groups: tuple[int, ...], scale_floor: float) -> TrainingStatistics:
    """Measure clips.

    A component whose deviation is far below the largest is mostly noise of the fit; dividing by it would make the network spend itself on
    that noise. So scale_i = sqrt(deviation_i^2 + (scale_floor * largest deviation)^2), the largest of components of the same kind.

    Args:
        loaded: clips of the training split.
        groups: number of neighbouring components of each kind, e.g. (64,) or, for rotations, shifts and size, (3, 2, 1).
        scale_floor: see above.

    Raises:
        BadInputError: there are fewer than 32 usable frames.
    """
    frames = loaded.values[loaded.usable]
    if len(frames) < _LEAST_FRAMES:
        raise BadInputError(
            f"the training split has {len(frames)} usable frames, expected {_LEAST_FRAMES} or more; add clips or change the split"
        )
    center, deviation = frames.mean(axis=0, dtype=np.float64), frames.std(axis=0, dtype=np.float64)
    low, high = np.quantile(frames, _RANGE_QUANTILES, axis=0)
    mel_center, mel_scale = np.zeros(_MEL_BINS), np.ones(_MEL_BINS)
    if loaded.log_mel is not None:
        mel_center = loaded.log_mel.mean(axis=0, dtype=np.float64)
        mel_scale = np.maximum(_SMALLEST_MEL_SCALE, loaded.log_mel.std(axis=0, dtype=np.float64))
    labels = np.repeat(loaded.emotions, loaded.frames)[loaded.usable]
    neutral = frames[labels == emotion_index("neutral")]
    found = {
        "center": center,
        "scale": _with_floor(deviation, groups, scale_floor),
        "deviation": deviation,
        "smallest": frames.min(axis=0),
        "largest": frames.max(axis=0),
        "low": low,
        "high": high,
        "mel_center": mel_center,
        "mel_scale": mel_scale,
        "neutral": neutral.mean(axis=0, dtype=np.float64) if len(neutral) else center,
    }
    arrays: dict[str, Any] = {name: np.asarray(array, np.float32) for name, array in found.items()}
    return TrainingStatistics(**arrays, emotion_frames=np.bincount(labels, minlength=len(EMOTIONS)).astype(np.int64))


def _with_floor(deviation: NDArray[np.float64], groups: tuple[int, ...], scale_floor: float) -> NDArray[np.float64]:
    kinds = np.split(deviation, np.cumsum(groups)[:-1])
    largest = np.concatenate([np.full(len(kind), kind.max()) for kind in kinds])
    return np.asarray(np.maximum(np.sqrt(deviation**2 + (scale_floor * largest) ** 2), _SMALLEST_SCALE))
