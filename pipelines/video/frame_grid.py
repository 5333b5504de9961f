"""The 25 fps grid: which source frame is shown in each slot, by timestamp and never by frame count."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipelines.media_time import CLIP_FPS, rescale_ticks


@dataclass(frozen=True, eq=False)
class FrameGrid:
    """What every slot of a file shows; slot k is at phase_s + k/25 s after the first displayed frame.

    Attributes:
        source_index: int32 (slots,), index of the source frame shown, never decreasing.
        held: bool (slots,), True where the slot repeats the frame of the slot before it because the source has none of its own.
        phase_s: when slot 0 is, in seconds after the first frame; see `grid_phase_s`.
    """

    source_index: NDArray[np.int32]
    held: NDArray[np.bool_]
    phase_s: Fraction = Fraction(0)

    def __len__(self) -> int:
        return len(self.source_index)


def slot_count(frame_pts: NDArray[np.int64], time_base: Fraction) -> int:
    """Return how many slots a file has: up to and with the slot of its last frame."""
    return int(_slots(frame_pts[[0, -1]], time_base, grid_phase_s(frame_pts, time_base))[1]) + 1


def grid_phase_s(frame_pts: NDArray[np.int64], time_base: Fraction) -> Fraction:
    """Return how far the grid starts after the first frame, 0 to 10 ms, so that no frame falls halfway between two slots.

    At a constant rate frames lie at a fixed set of distances from the slots, g apart. Where 20 ms is one of them, shifting by g/2
    takes the largest distance from 20 ms to 20 ms - g/2: 16.7 ms for 30 frames a second, 10 ms for 50, and none for 25.

    Args:
        frame_pts: int64 (n,), n >= 1, presentation times in units of `time_base`.
        time_base: seconds a tick.

    Returns:
        Exact seconds; 0 for variable rates and for one frame.
    """
    intervals = np.unique(np.diff(frame_pts))
    if len(intervals) != 1:
        return Fraction(0)
    in_slots = int(intervals[0]) * time_base * CLIP_FPS
    # Distances are multiples of 1/denominator of a slot; half a slot is one of them if the denominator is even.
    spacing_s = Fraction(1, in_slots.denominator * CLIP_FPS)
    return spacing_s / 2 if in_slots.denominator % 2 == 0 else Fraction(0)


def assign_slots(frame_pts: NDArray[np.int64], time_base: Fraction) -> FrameGrid:
    """Lay source frames on the 25 fps grid, in exact integer arithmetic.

    A frame belongs to slot floor(((pts - pts0) * time_base - phase) * 25 + 1/2). A slot shows its last frame, and if it has none the frame
    before: in other words, what the source shows in the middle of the slot's 40 ms. So whatever the source shows first at a time t
    appears in a slot within 20 ms of t, at every source rate. (Showing the frame nearest to the slot's start would delay an
    onset by up to 32 ms at 60 frames a second, because the first frame to show it may lose to the one before.)

    Args:
        frame_pts: int64 (n,), n >= 1, strictly increasing presentation times in units of `time_base`.
        time_base: seconds a tick.

    Returns:
        The grid, with `slot_count` slots.

    Raises:
        ValueError: if `frame_pts` is empty or not strictly increasing.
    """
    _check_increasing(frame_pts)
    phase_s = grid_phase_s(frame_pts, time_base)
    slots = _slots(frame_pts, time_base, phase_s)
    source_index = np.searchsorted(slots, np.arange(slots[-1] + 1), side="right") - 1
    held = np.diff(source_index, prepend=-1) == 0
    return FrameGrid(source_index=source_index.astype(np.int32), held=held, phase_s=phase_s)


def _slots(frame_pts: NDArray[np.int64], time_base: Fraction, phase_s: Fraction) -> NDArray[np.int64]:
    """Return the slot of every frame, in ticks fine enough to hold the phase exactly."""
    finer = (phase_s / time_base).denominator
    shift = int(phase_s / time_base * finer)
    return rescale_ticks((frame_pts - frame_pts[0]) * finer - shift, time_base / finer, CLIP_FPS)


def _check_increasing(frame_pts: NDArray[np.int64]) -> None:
    if frame_pts.ndim != 1 or len(frame_pts) == 0:
        raise ValueError(f"frame_pts must be a non-empty vector, got shape {frame_pts.shape}")
    backwards = np.flatnonzero(np.diff(frame_pts) <= 0)
    if len(backwards):
        first = int(backwards[0])
        raise ValueError(f"frame_pts must increase, got {frame_pts[first]} then {frame_pts[first + 1]} at frame {first + 1}")
