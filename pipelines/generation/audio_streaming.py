"""The samples of an audio file as they are decoded, without ever holding all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.sound_files import read_sound
from pipelines.media_time import SAMPLE_RATE_HZ

Float32Array = NDArray[np.float32]
_SILENCE_AT_ONCE = 1_000_000


def stream_waveform(path: Path, rate_hz: int = SAMPLE_RATE_HZ) -> Iterator[Float32Array]:
    """Yield the samples of a file in order, mono at 16 kHz or another rate, the first at time zero.

    Gaps between timestamps are silence; where timestamps overlap the earlier samples stay. (`load_audio_file`, which holds
    everything, keeps the later ones.)

    Raises:
        ItemRejectedError: (stage AUDIO) no sound, or sound that does not decode; (stage PROBE) no media.
    """
    written = 0
    for chunk in read_sound(path, rate_hz=rate_hz):
        while written < chunk.start_sample:
            silence = np.zeros(min(_SILENCE_AT_ONCE, chunk.start_sample - written), np.float32)
            written += len(silence)
            yield silence
        fresh = chunk.samples[max(0, written - chunk.start_sample) :]
        written += len(fresh)
        if len(fresh):
            yield fresh
