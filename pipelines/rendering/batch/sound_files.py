"""Decoding the sound of a row once, to raw samples on disk: at 16 kHz for the networks, and as the clip is to play it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.generation.audio_streaming import stream_waveform
from pipelines.media_time import SAMPLE_RATE_HZ
from pipelines.rendering.batch.prepared import PreparedSound, Sound, UnusableInputError
from storage_schemas.render_results import RenderFailure

SPEECH_FILE = "speech.s16"
TRACK_FILE = "track.s16"
TRACK_RATE_HZ = 48_000
LONGEST_S = 24 * 3600


def write_sound(path: Path, folder: Path, on_progress: Callable[[float], None]) -> dict[str, Any]:
    """Decode a file's sound twice, to raw files in a folder.

    Args:
        path: any sound file, or a video with sound.
        folder: where the files go.
        on_progress: called with the seconds handled.

    Returns:
        JSON values for `prepared_sound`.

    Raises:
        UnusableInputError: it is empty, or longer than a day.
        ItemRejectedError: it cannot be decoded.
    """
    speech = _write(folder / SPEECH_FILE, stream_waveform(path), SAMPLE_RATE_HZ, path, on_progress)
    if not speech:
        raise UnusableInputError(RenderFailure.BAD_AUDIO, f"audio {path}: expected sound, found a track without samples; record it again")
    track = _write(folder / TRACK_FILE, stream_waveform(path, TRACK_RATE_HZ), TRACK_RATE_HZ, path, on_progress)
    return {"speech": speech, "track": track}


def prepared_sound(values: dict[str, Any], folder: Path) -> PreparedSound:
    """Return what `write_sound` wrote."""
    return PreparedSound(
        Sound(folder / SPEECH_FILE, SAMPLE_RATE_HZ, values["speech"]), Sound(folder / TRACK_FILE, TRACK_RATE_HZ, values["track"])
    )


def _write(path: Path, chunks: Iterable[NDArray[np.float32]], rate_hz: int, source: Path, on_progress: Callable[[float], None]) -> int:
    """Write chunks as int16 and return the number of samples."""
    samples = 0
    with path.open("wb") as file:
        for chunk in chunks:
            file.write((np.clip(chunk, -1, 32767 / 32768) * 32768).round().astype(np.int16).tobytes())
            samples += len(chunk)
            if samples > LONGEST_S * rate_hz:
                raise UnusableInputError(RenderFailure.BAD_AUDIO, f"audio {source}: expected at most a day of sound; cut it")
            on_progress(samples / rate_hz)
    return samples
