"""Reading frames with decord, for the files that probing found safe; PyAV decodes alongside to date the frames and to notice damage.

decord hands over damaged pictures without a word (one flipped bit spoiled 72 of 125 frames of a test clip), so its pictures are
only passed on together with PyAV's word that the same frame decodes whole. It also decodes ahead without bound while its caller
thinks (1080p with 40 ms of thought a frame: 5 GB after 400 frames), which is why probing lets only short, small videos through.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from pipelines.video.media_probe import MediaProbe
from pipelines.video.pyav_reader import convert, decode_wanted, read_with_pyav

_LOGGER = logging.getLogger(__name__)

_MIN_WANTED_SHARE = 0.5  # decord converts every frame it passes; PyAV only the wanted ones


def read_with_decord(probe: MediaProbe, wanted: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield wanted frames as `pipelines.video.reading.read_frames` says; `wanted` is not empty and the probe is decord-safe."""
    passed = int(wanted[-1]) - int(wanted[0]) + 1
    if len(wanted) < _MIN_WANTED_SHARE * passed:
        yield from read_with_pyav(probe, wanted)
        return
    reformatter = VideoReformatter()
    pictures = _DecordPictures(probe, int(wanted[0]))
    try:
        for index, frame in decode_wanted(probe, wanted):
            picture = pictures.at(index)
            yield index, picture if picture is not None else convert(frame, probe.rotation_deg, reformatter)
    finally:
        pictures.close()


class _DecordPictures:
    """Pictures by index, forward only, one at a time: batches decode even further ahead and are slower.

    Where decord fails (its FFmpeg is older and stricter) there are none from then on: PyAV's frame is the same picture.
    """

    def __init__(self, probe: MediaProbe, first: int) -> None:
        # Imported here because most processes never need it.
        import decord  # noqa: PLC0415

        decord.logging.set_level(decord.logging.QUIET)
        self._shape = (probe.height_px, probe.width_px, 3)
        self._next = first
        self._reader: Any = None
        try:
            self._reader = decord.VideoReader(str(probe.path), ctx=decord.cpu(0), num_threads=1)
            if len(self._reader) != len(probe.frame_pts):
                # Asked for frames that are not there, decord would spin for ever.
                self._give_up(f"it counts {len(self._reader)} frames, not {len(probe.frame_pts)}")
            elif first > 0:
                self._reader.seek_accurate(first)
        except Exception as error:
            self._give_up(f"it cannot open the file at frame {first}: {type(error).__name__}")

    def at(self, index: int) -> NDArray[np.uint8] | None:
        """Return picture `index`, which is not before the last one returned; None if decord has failed."""
        while self._next < index:
            self._advance()
        return self._advance()

    def _advance(self) -> NDArray[np.uint8] | None:
        self._next += 1
        if self._reader is None:
            return None
        try:
            picture: NDArray[np.uint8] = self._reader.next().asnumpy()
        except Exception as error:  # its own are plain ones, and the end is a StopIteration, which a generator must not raise
            self._give_up(f"frame {self._next - 1} cannot be read: {type(error).__name__}")
            return None
        if picture.shape != self._shape:
            self._give_up(f"frame {self._next - 1} has {picture.shape[1]} x {picture.shape[0]} px")
            return None
        return picture

    def _give_up(self, why: str) -> None:
        _LOGGER.debug("decord does not read this file, PyAV goes on: %s", why)
        self.close()

    def close(self) -> None:
        """Free the decoder and its threads at once."""
        self._reader = None
