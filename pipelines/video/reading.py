"""Reading frames: one interface over decord and PyAV; upright RGB pictures in order, streaming, on one thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipelines.video.decord_reader import read_with_decord
from pipelines.video.media_probe import MediaProbe
from pipelines.video.pyav_reader import read_with_pyav

Reader = Literal["auto", "pyav"]


def read_frames(
    probe: MediaProbe, wanted: NDArray[np.signedinteger[Any]], *, reader: Reader = "auto"
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the wanted source frames of a video in order.

    Frames are identified by presentation time. Where much precedes the first wanted frame, reading starts at the key frame before it.

    Args:
        probe: what `probe_media` returned.
        wanted: integers (m,), strictly increasing indices into `probe.frame_pts`.
        reader: "auto": decord where the probe says it is safe, else PyAV; "pyav": always PyAV. Both give the same pixels.

    Yields:
        (source_index, picture): uint8 (height, width, 3) RGB, upright, contiguous, of the probe's size; the array is the caller's.

    Raises:
        ValueError: at once, if `wanted` is not strictly increasing or out of range.
        ItemRejectedError: (stage TRACK) VIDEO_UNDECODABLE if a wanted frame is missing, damaged or of another size, TRUNCATED_FILE if
            all frames from some point on are missing.
    """
    indices = np.asarray(wanted, dtype=np.int64)
    _check_wanted(indices, len(probe.frame_pts))
    if len(indices) == 0:
        return iter(())
    if reader == "auto" and probe.decord_safe:
        return read_with_decord(probe, indices)
    return read_with_pyav(probe, indices)


def _check_wanted(indices: NDArray[np.int64], frames: int) -> None:
    if indices.ndim != 1 or np.any(np.diff(indices) <= 0):
        raise ValueError("wanted must be a vector of strictly increasing frame indices")
    if len(indices) and (indices[0] < 0 or indices[-1] >= frames):
        raise ValueError(f"wanted must lie in 0..{frames - 1}, got {indices[0]}..{indices[-1]}")
