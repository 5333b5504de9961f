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

    A frame belongs to slot floor((pts - pts0) * time_base * 25 + 1/2). A slot shows its last frame, and if it has none the frame
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
    slots = rescale_ticks(frame_pts - frame_pts[0], time_base, CLIP_FPS)
    source_index = np.searchsorted(slots, np.arange(slots[-1] + 1), side="right") - 1
    held = np.diff(source_index, prepend=-1) == 0
    return FrameGrid(source_index=source_index.astype(np.int32), held=held)


def _check_increasing(frame_pts: NDArray[np.int64]) -> None:
    if frame_pts.ndim != 1 or len(frame_pts) == 0:
        raise ValueError(f"frame_pts must be a non-empty vector, got shape {frame_pts.shape}")
    backwards = np.flatnonzero(np.diff(frame_pts) <= 0)
    if len(backwards):
        first = int(backwards[0])
        raise ValueError(f"frame_pts must increase, got {frame_pts[first]} then {frame_pts[first + 1]} at frame {first + 1}")
