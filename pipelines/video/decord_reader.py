"""Reading frames with decord, for the files that probing found safe; PyAV decodes alongside to date the frames and to notice damage.

decord hands over damaged pictures without a word (one flipped bit spoiled 72 of 125 frames of a test clip), so its pictures are
only passed on together with PyAV's word that the same frame decodes whole. It also decodes ahead without bound while its caller
thinks (1080p with 40 ms of thought a frame: 5 GB after 400 frames), which is why probing lets only short, small videos through.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.errors import ItemRejectedError
from pipelines.video.media_probe import MediaProbe
from pipelines.video.pyav_reader import decode_wanted, read_with_pyav
from storage_schemas.rejections import RejectionReason, Stage

_MIN_WANTED_SHARE = 0.5  # decord converts every frame it passes; PyAV only the wanted ones


def read_with_decord(probe: MediaProbe, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield wanted frames as `pipelines.video.reading.read_frames` says; `wanted` is not empty and the probe is decord-safe."""
    passed = int(wanted[-1]) - int(wanted[0]) + 1
    if len(wanted) < _MIN_WANTED_SHARE * passed:
        yield from read_with_pyav(probe, wanted)
        return
    pictures = _DecordPictures(probe, int(wanted[0]))
    try:
        for index, _ in decode_wanted(probe, wanted):
            yield index, pictures.at(index)
    finally:
        pictures.close()


class _DecordPictures:
    """Pictures by index, forward only, one at a time: batches decode even further ahead and are slower."""

    def __init__(self, probe: MediaProbe, first: int) -> None:
        # Imported here because most processes never need it.
        import decord  # noqa: PLC0415

        decord.logging.set_level(decord.logging.QUIET)
        self._shape = (probe.height_px, probe.width_px, 3)
        self._next = first
        try:
            self._reader = decord.VideoReader(str(probe.path), ctx=decord.cpu(0), num_threads=1)
        except RuntimeError as error:
            raise self._failed("it cannot open the file") from error
        if len(self._reader) != len(probe.frame_pts):
            # Asked for frames that are not there, decord would spin for ever.
            raise self._failed(f"it counts {len(self._reader)} frames, not {len(probe.frame_pts)}")
        if first > 0:
            self._seek(first)

    def _seek(self, index: int) -> None:
        try:
            self._reader.seek_accurate(index)
        except Exception as error:  # see `_advance`
            raise self._failed(f"it cannot seek to frame {index}") from error

    def at(self, index: int) -> NDArray[np.uint8]:
        """Return picture `index`, which is not before the last one returned."""
        while self._next < index:
            self._advance()
        return self._advance()

    def _advance(self) -> NDArray[np.uint8]:
        try:
            picture: NDArray[np.uint8] = self._reader.next().asnumpy()
        except Exception as error:  # its own errors are plain Exceptions, and the end is a StopIteration, which a generator must not raise
            raise self._failed(f"frame {self._next} cannot be read") from error
        if picture.shape != self._shape:
            raise self._failed(f"frame {self._next} has {picture.shape[1]} x {picture.shape[0]} px")
        self._next += 1
        return picture

    def _failed(self, why: str) -> ItemRejectedError:
        return ItemRejectedError(
            Stage.TRACK, RejectionReason.VIDEO_UNDECODABLE, f"decord does not read this file: {why}", {"reader": "decord"}
        )

    def close(self) -> None:
        """Free the decoder and its threads at once."""
        self._reader = None
