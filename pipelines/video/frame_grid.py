"""The 25 fps grid: which source frame is shown in each slot, by timestamp and never by frame count."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from pipelines.media_time import CLIP_FPS, rescale_ticks


@dataclass(frozen=True, eq=False)
class FrameGrid:
    """What every slot of a file shows; slot k is at k/25 s after the first displayed frame.

    Attributes:
        source_index: int32 (slots,), index of the source frame shown, never decreasing.
        held: bool (slots,), True where the slot repeats the frame of the slot before it because the source has none of its own.
    """

    source_index: NDArray[np.int32]
    held: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.source_index)


def slot_count(frame_pts: NDArray[np.int64], time_base: Fraction) -> int:
    """Return how many slots a file has: up to and with the slot of its last frame."""
    return int(rescale_ticks(frame_pts[-1:] - frame_pts[0], time_base, CLIP_FPS)[0]) + 1


def assign_slots(frame_pts: NDArray[np.int64], time_base: Fraction) -> FrameGrid:
    """Lay source frames on the 25 fps grid, in exact integer arithmetic.

    A frame belongs to slot floor((pts - pts0) * time_base * 25 + 1/2). Of several frames in a slot the one nearest the slot's time is
    shown, the earlier on a tie; an empty slot holds the frame before it. So whatever the source shows first at a time t appears in
    a slot within 20 ms of t, at every source rate.

    Args:
        frame_pts: int64 (n,), n >= 1, strictly increasing presentation times in units of `time_base`.
        time_base: seconds a tick.

    Returns:
        The grid, with `slot_count` slots.

    Raises:
        ValueError: if `frame_pts` is empty or not strictly increasing.
    """
    _check_increasing(frame_pts)
    ticks = frame_pts - frame_pts[0]
    slots = rescale_ticks(ticks, time_base, CLIP_FPS)
    winners = _nearest_in_slot(ticks, slots, time_base)
    shown = np.full(int(slots[-1]) + 1, -1, dtype=np.int32)
    shown[slots[winners]] = winners
    held = shown < 0
    return FrameGrid(source_index=np.maximum.accumulate(shown), held=held)


def _check_increasing(frame_pts: NDArray[np.int64]) -> None:
    if frame_pts.ndim != 1 or len(frame_pts) == 0:
        raise ValueError(f"frame_pts must be a non-empty vector, got shape {frame_pts.shape}")
    backwards = np.flatnonzero(np.diff(frame_pts) <= 0)
    if len(backwards):
        first = int(backwards[0])
        raise ValueError(f"frame_pts must increase, got {frame_pts[first]} then {frame_pts[first + 1]} at frame {first + 1}")


def _nearest_in_slot(ticks: NDArray[np.int64], slots: NDArray[np.int64], time_base: Fraction) -> NDArray[np.int32]:
    """Return, in order, the index of the frame that wins each occupied slot."""
    # Distances to the slot's time, in units of time_base / (25 * numerator): integers, so ties are exact.
    per_slot = 1 / (time_base * CLIP_FPS)
    distance = np.abs(ticks.astype(object) * per_slot.denominator - slots.astype(object) * per_slot.numerator)
    order = np.lexsort((np.arange(len(ticks)), distance, slots))
    first_of_slot = np.flatnonzero(np.diff(slots[order], prepend=-1))
    winners: NDArray[np.int32] = order[first_of_slot].astype(np.int32)
    return winners
