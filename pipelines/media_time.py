"""The one clock of clips: 25 frames and 16,000 samples a second, and exact conversions between them.

Time zero is the presentation time of a file's first displayed video frame. Everything is rounded one way: half up, on exact fractions.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

CLIP_FPS = 25
SAMPLE_RATE_HZ = 16000
SAMPLES_PER_FRAME = SAMPLE_RATE_HZ // CLIP_FPS

_INT64_SAFE = 2**62


def round_half_up(value: Fraction | float) -> int:
    """Return the nearest integer, the upper one of two equally near (-0.5 becomes 0)."""
    return math.floor(Fraction(value) + Fraction(1, 2))


def seconds_to_frames(seconds: Fraction | float) -> int:
    """Return the 25 fps frame (slot) nearest to a time in seconds after time zero."""
    return round_half_up(Fraction(seconds) * CLIP_FPS)


def frames_to_seconds(frames: int) -> float:
    """Return the time in seconds after time zero at which a 25 fps frame is shown."""
    return frames / CLIP_FPS


def seconds_to_samples(seconds: Fraction | float) -> int:
    """Return the 16 kHz sample nearest to a time in seconds after time zero."""
    return round_half_up(Fraction(seconds) * SAMPLE_RATE_HZ)


def samples_to_seconds(samples: int) -> float:
    """Return the time in seconds after time zero of a 16 kHz sample."""
    return samples / SAMPLE_RATE_HZ


def frames_to_samples(frames: int) -> int:
    """Return the first 16 kHz sample of a 25 fps frame; exact, 640 samples a frame."""
    return frames * SAMPLES_PER_FRAME


def rescale_ticks(ticks: NDArray[np.int64], time_base: Fraction, rate_hz: int) -> NDArray[np.int64]:
    """Convert times from one integer clock to another, exactly, rounding half up.

    Args:
        ticks: int64 (n,), times in units of `time_base` seconds.
        time_base: seconds a tick, positive.
        rate_hz: ticks a second of the result, e.g. 25 for slots.

    Returns:
        int64 (n,): floor(ticks * time_base * rate_hz + 1/2).

    Raises:
        ValueError: if `time_base` is not positive.
    """
    if time_base <= 0:
        raise ValueError(f"time_base must be positive, got {time_base}")
    scale = time_base * rate_hz
    numerator, denominator = 2 * scale.numerator, 2 * scale.denominator
    largest = int(np.abs(ticks).max(initial=0)) * numerator + denominator
    # Beyond 62 bits int64 would wrap silently; Python integers are slow and right.
    exact = ticks.astype(object) if largest > _INT64_SAFE else ticks
    return ((exact * numerator + scale.denominator) // denominator).astype(np.int64)
