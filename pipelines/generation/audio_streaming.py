"""The samples of an audio file as they are decoded, without ever holding all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av.error
import numpy as np
from numpy.typing import NDArray

from pipelines.audio.decoding import AudioTally, decode_audio, resample_to_mono
from pipelines.media_files import choose_audio_stream, explain_unopenable, open_media, read_packets, require_regular_file
from pipelines.media_time import SAMPLE_RATE_HZ
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

Float32Array = NDArray[np.float32]
_SILENCE_AT_ONCE = 1_000_000


def stream_waveform(path: Path, rate_hz: int = SAMPLE_RATE_HZ) -> Iterator[Float32Array]:
    """Yield the samples of a file in order, mono at 16 kHz or another rate, the first at time zero.

    Gaps between timestamps are silence; where timestamps overlap the earlier samples stay. (`load_audio_file`, which holds
    everything, keeps the later ones.)

    Raises:
        ItemRejectedError: (stage AUDIO) no sound, or sound that does not decode; (stage PROBE) no media.
    """
    size_bytes = require_regular_file(path, Stage.AUDIO)
    try:
        container = open_media(path)
    except (av.error.FFmpegError, ValueError) as error:
        raise explain_unopenable(path, size_bytes, error, "audio") from error
    with container:
        stream = choose_audio_stream(container)
        if stream is None or stream.codec_context is None:
            raise ItemRejectedError(Stage.AUDIO, RejectionReason.NO_AUDIO_STREAM, "expected a sound track with a known codec, found none")
        tally = AudioTally()
        written = 0
        for chunk in resample_to_mono(decode_audio(read_packets(container, stream, []), tally), Stage.AUDIO, rate_hz=rate_hz):
            while written < chunk.start_sample:
                silence = np.zeros(min(_SILENCE_AT_ONCE, chunk.start_sample - written), np.float32)
                written += len(silence)
                yield silence
            fresh = chunk.samples[max(0, written - chunk.start_sample) :]
            written += len(fresh)
            if len(fresh):
                yield fresh
        tally.check(Stage.AUDIO)
