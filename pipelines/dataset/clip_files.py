"""One clip as files that any player opens: MP4 with sound, WAV, or the JPEG of a still."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from pipelines.dataset.clip_media import ClipMedia
from pipelines.dataset.export_files import write_whole, written_whole
from pipelines.media_time import CLIP_FPS, SAMPLE_RATE_HZ
from pipelines.video.encoding import write_video


def write_clip_files(path: Path, media: ClipMedia, metadata: dict[str, str]) -> None:
    """Write a clip; the MP4 (or JPEG) comes last, so that it is there if and only if everything is.

    Args:
        path: where, without a suffix; ``.mp4``, ``.wav`` or ``.jpg`` is appended.
        media: images and sound.
        metadata: stored in the MP4.
    """
    if media.frames == 1 and media.waveform is None:
        write_whole(path.with_name(path.name + ".jpg"), next(media.images))
        return
    audio = None
    if media.waveform is not None:
        _write_wav(path.with_name(path.name + ".wav"), media.waveform)
        audio = media.waveform.astype(np.float32) / 32768
    with written_whole(path.with_name(path.name + ".mp4")) as partial:
        write_video(partial, _decoded(media.images), CLIP_FPS, audio=audio, sample_rate_hz=SAMPLE_RATE_HZ, metadata=metadata)


def _decoded(images: Iterator[bytes]) -> Iterator[npt.NDArray[np.uint8]]:
    for image in images:
        yield cv2.cvtColor(cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _write_wav(path: Path, waveform: npt.NDArray[np.int16]) -> None:
    with written_whole(path) as partial, wave.open(str(partial), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes(waveform.astype("<i2", copy=False).tobytes())
