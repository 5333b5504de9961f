"""The process that encodes clips: frames come in through stdin as raw bytes, a finished file is announced on stdout.

Run as ``python -m pipelines.rendering.batch.encoding_main``. For each clip a line of JSON (`EncodingRequest`) and then its frames, each
height * width * 3 bytes of RGB. The answer is one line of JSON. A clip whose frames end early, because whoever sent them is gone, leaves
nothing behind.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.media_time import CLIP_FPS
from pipelines.rendering.batch.encoding_request import EncodingRequest
from pipelines.rendering.batch.paste_back import Picture
from pipelines.rendering.batch.thumbnails import thumbnail_of
from pipelines.video.encoding import write_video
from storage_schemas.errors import StoreError
from storage_schemas.store_trouble import store_trouble

_SOUND_SAMPLES = 65_536


class _CutOffError(Exception):
    """Stdin ended within a clip."""


class _Frames:
    """The frames of one clip as they come in; keeps a small picture of the middle one."""

    def __init__(self, stream: BinaryIO, request: EncodingRequest) -> None:
        self._stream, self._request = stream, request
        self._left = request.frames
        self._picture = None if request.picture is None else Picture.read(request.picture)
        self.thumbnail = b""

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        for index in range(self._request.frames):
            frame = self._next()
            if index == self._request.frames // 2:
                self.thumbnail = thumbnail_of(frame)
            yield frame if self._picture is None else self._picture.with_face(frame)

    def skip(self) -> None:
        """Read what is left of the clip."""
        while self._left:
            self._next()

    def _next(self) -> NDArray[np.uint8]:
        frame = np.empty((self._request.size_px, self._request.size_px, 3), np.uint8)
        view, read = frame.data.cast("B"), 0
        while read < len(view):
            count = self._stream.readinto(view[read:])  # type: ignore[attr-defined]
            if not count:
                raise _CutOffError
            read += count
        self._left -= 1
        return frame


def main() -> None:
    """Encode clips until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    cv2.setNumThreads(1)
    stream = sys.stdin.buffer
    for line in iter(stream.readline, b""):
        request = EncodingRequest(**json.loads(line))
        try:
            answer = _encoded(stream, request)
        except _CutOffError:
            Path(request.path).unlink(missing_ok=True)
            return
        answers.write(json.dumps(answer).encode() + b"\n")


def _encoded(stream: BinaryIO, request: EncodingRequest) -> dict[str, Any]:
    """Encode one clip and return the answer; whatever goes wrong, its frames have been read."""
    path = Path(request.path)
    frames = _Frames(stream, request)
    try:
        with store_trouble("write", path):
            write_video(
                path, frames, CLIP_FPS, audio=_sound(request), sample_rate_hz=request.rate_hz, metadata=request.metadata,
                crf=request.crf, preset=request.preset,
            )  # fmt: skip
        return {"bytes": path.stat().st_size, "thumbnail": base64.b64encode(frames.thumbnail).decode()}
    except _CutOffError:
        raise
    except Exception as error:
        if not isinstance(error, StoreError):
            traceback.print_exc()
        frames.skip()
        path.unlink(missing_ok=True)
        return {"error": "store" if isinstance(error, StoreError) else type(error).__name__, "message": str(error)}


def _sound(request: EncodingRequest) -> Iterator[NDArray[np.float32]]:
    """Yield exactly as much sound as there are frames; silence where the track is shorter."""
    wanted = request.frames * request.rate_hz // CLIP_FPS
    with Path(request.sound).open("rb") as file:
        for start in range(0, wanted, _SOUND_SAMPLES):
            count = min(_SOUND_SAMPLES, wanted - start)
            samples = np.frombuffer(file.read(2 * count), np.int16).astype(np.float32) / np.float32(32768)
            yield np.concatenate([samples, np.zeros(count - len(samples), np.float32)])


if __name__ == "__main__":
    main()
