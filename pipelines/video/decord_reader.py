"""Reading frames with decord, for the files that probing found safe; PyAV decodes alongside to date the frames and to notice damage.

decord hands over damaged pictures without a word (one flipped bit spoiled 72 of 125 frames of a test clip), so its pictures are
only passed on together with PyAV's word that the same frame decodes whole.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import ItemRejectedError
from pipelines.video.media_probe import MediaProbe
from pipelines.video.pyav_reader import decode_wanted, read_with_pyav
from storage_schemas.rejections import RejectionReason, Stage

_LOGGER = logging.getLogger(__name__)

BATCH_BYTES = 64 * 2**20
_MAX_BATCH_FRAMES = 4  # larger batches are slower: 1080p frames took 6.7 ms in fours and 11.9 ms in thirty-twos
_MIN_WANTED_SHARE = 0.5  # decord converts every frame it passes; PyAV only the wanted ones


def read_with_decord(probe: MediaProbe, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield wanted frames as `pipelines.video.reading.read_frames` says; `wanted` is not empty and the probe is decord-safe."""
    passed = int(wanted[-1]) - int(wanted[0]) + 1
    if len(wanted) < _MIN_WANTED_SHARE * passed:
        yield from read_with_pyav(probe, wanted)
        return
    pictures = _DecordPictures(probe)
    try:
        for index, _ in decode_wanted(probe, wanted):
            yield index, pictures.at(index, last=int(wanted[-1]))
    finally:
        pictures.close()


class _DecordPictures:
    """Pictures by index, fetched forward in small contiguous batches, which decord serves without seeking."""

    def __init__(self, probe: MediaProbe) -> None:
        # Imported here because most processes never need it, and never before torch (see docs/decisions.md).
        import decord  # noqa: PLC0415

        decord.logging.set_level(decord.logging.QUIET)
        self._probe = probe
        self._batch_frames = max(1, min(_MAX_BATCH_FRAMES, BATCH_BYTES // (probe.width_px * probe.height_px * 3)))
        self._first = -1
        self._batch = np.empty((0, probe.height_px, probe.width_px, 3), np.uint8)
        try:
            self._reader = decord.VideoReader(str(probe.path), ctx=decord.cpu(0), num_threads=1)
        except RuntimeError as error:
            raise self._failed("it cannot open the file") from error
        if len(self._reader) != len(probe.frame_pts):
            # Asked for frames that are not there, decord would spin for ever.
            raise self._failed(f"it counts {len(self._reader)} frames, not {len(probe.frame_pts)}")

    def at(self, index: int, *, last: int) -> NDArray[np.uint8]:
        """Return picture `index`; nothing after picture `last` will be asked for."""
        while not self._first <= index < self._first + len(self._batch):
            start = index if self._first < 0 else self._first + len(self._batch)
            self._fetch(start, min(start + self._batch_frames, last + 1))
        picture: NDArray[np.uint8] = self._batch[index - self._first]
        return picture

    def _fetch(self, start: int, end: int) -> None:
        try:
            self._batch = self._reader.get_batch(list(range(start, end))).asnumpy()
        except Exception as error:  # decord raises classes of its own and plain ones
            raise self._failed(f"frames {start} to {end - 1} cannot be read") from error
        self._first = start
        if self._batch.shape[1:3] != (self._probe.height_px, self._probe.width_px):
            raise self._failed(f"its frames are {self._batch.shape[2]} x {self._batch.shape[1]} px")

    def _failed(self, why: str) -> ItemRejectedError:
        return ItemRejectedError(
            Stage.TRACK, RejectionReason.VIDEO_UNDECODABLE, f"decord does not read this file: {why}", {"reader": "decord"}
        )

    def close(self) -> None:
        """Free the decoder and its threads at once."""
        self._reader = None
