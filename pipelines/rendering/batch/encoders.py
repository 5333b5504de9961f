"""Encoding processes behind bounded queues: frames go in as they are made, files come out, and whoever makes frames seldom waits."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from typing import IO

import numpy as np
from numpy.typing import NDArray

from pipelines.rendering.batch.encoding_request import EncodingRequest
from pipelines.rendering.batch.prepared import UnusableInputError
from storage_schemas.errors import StoreError
from storage_schemas.render_results import RenderFailure

_MODULE = "pipelines.rendering.batch.encoding_main"
_QUEUED_FRAMES = 64
_PIPE_BYTES = 1 << 20
_F_SETPIPE_SZ = 1031


@dataclass(frozen=True)
class EncodedClip:
    """A finished local file, its size, and a JPEG of its middle frame."""

    path: Path
    size_bytes: int
    thumbnail: bytes


class EncodingClip:
    """A clip that is being encoded; `done` is resolved with an `EncodedClip`, or an UnusableInputError or StoreError."""

    def __init__(self, request: EncodingRequest, encoder: _Encoder) -> None:
        self.request = request
        self.done: Future[EncodedClip] = Future()
        self._encoder = encoder

    def write(self, frames: NDArray[np.uint8]) -> None:
        """Add frames (n, size, size, 3); waits while the encoder's queue is full."""
        self._encoder.put(frames)


class EncoderPool:
    """Encoding processes; a context manager that ends them.

    Args:
        count: processes.
        batch_frames: about how many frames come at a time.
        log_folder: for what native libraries say.
    """

    def __init__(self, count: int, batch_frames: int, log_folder: Path) -> None:
        queued = max(2, _QUEUED_FRAMES // batch_frames)
        self._encoders = [_Encoder(log_folder / f"encode-{number}.log", queued) for number in range(count)]

    def __enter__(self) -> EncoderPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for encoder in self._encoders:
            encoder.end(at_once=kind is not None)
        for encoder in self._encoders:
            encoder.join()

    def begin(self, request: EncodingRequest) -> EncodingClip:
        """Give a clip to the encoder with the least to do; all its frames must follow."""
        encoder = min(self._encoders, key=lambda encoder: encoder.load)
        clip = EncodingClip(request, encoder)
        encoder.begin(clip)
        return clip


class _Encoder:
    """One process and the thread that feeds it."""

    def __init__(self, log_file: Path, queued: int) -> None:
        self._log_file = log_file
        self._queue: Queue[EncodingClip | NDArray[np.uint8] | None] = Queue(queued)
        self._frames_left = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._at_once = False
        self._thread = threading.Thread(target=self._run, name="encoder", daemon=True)
        self._thread.start()

    @property
    def load(self) -> int:
        """Frames that are still to be encoded, roughly."""
        return self._frames_left

    def begin(self, clip: EncodingClip) -> None:
        self._frames_left += clip.request.frames
        self._queue.put(clip)

    def put(self, frames: NDArray[np.uint8]) -> None:
        self._queue.put(frames)

    def end(self, *, at_once: bool) -> None:
        self._at_once = at_once
        if at_once and self._process is not None:
            self._process.kill()
        self._queue.put(None)

    def join(self) -> None:
        self._thread.join()
        if self._process is not None:
            _close(self._process.stdin)
            self._process.wait()
            _close(self._process.stdout)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if not isinstance(item, EncodingClip):
                raise TypeError("frames without a clip")
            self._handle(item)

    def _handle(self, clip: EncodingClip) -> None:
        problem: BaseException | None = None
        answer = b""
        left = clip.request.frames
        try:
            process = self._started()
            stdin = _pipe(process.stdin)
            stdin.write(json.dumps(asdict(clip.request)).encode() + b"\n")
            while left:
                frames = self._taken()
                left -= len(frames)
                stdin.write(np.ascontiguousarray(frames).data.cast("B"))
            stdin.flush()
            answer = _pipe(process.stdout).readline()
        except (BrokenPipeError, OSError) as error:
            problem = error
        except _StoppedError as error:
            clip.done.set_exception(error)
            self._queue.put(None)
            return
        while left:  # of a process that is gone
            try:
                left -= len(self._taken())
            except _StoppedError:
                self._queue.put(None)
                break
        self._frames_left -= clip.request.frames
        _resolve(clip, answer, problem)

    def _taken(self) -> NDArray[np.uint8]:
        frames = self._queue.get()
        if not isinstance(frames, np.ndarray):
            raise _StoppedError
        return frames

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            if self._at_once:
                raise _StoppedError
            with self._log_file.open("ab") as log:
                self._process = subprocess.Popen(  # noqa: S603 - fixed argument list, no shell
                    [sys.executable, "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, pipesize=_PIPE_BYTES
                )
        return self._process


class _StoppedError(Exception):
    """The pool was closed within a clip."""


def _resolve(clip: EncodingClip, answer: bytes, problem: BaseException | None) -> None:
    if not answer:
        message = f"the process that encoded the clip is gone ({problem or 'no answer'}); run the list again"
        clip.done.set_exception(UnusableInputError(RenderFailure.CRASHED, message))
        return
    values = json.loads(answer)
    if values.get("error") == "store":
        clip.done.set_exception(StoreError(values["message"]))
    elif "error" in values:
        message = f"the clip could not be encoded: {values['error']}: {values['message']}"
        clip.done.set_exception(UnusableInputError(RenderFailure.ENCODING_FAILED, message))
    else:
        clip.done.set_result(EncodedClip(Path(clip.request.path), values["bytes"], base64.b64decode(values["thumbnail"])))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise BrokenPipeError("no pipe")
    return stream


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        try:
            stream.close()
        except OSError:  # the process was gone before its input was flushed
            return
