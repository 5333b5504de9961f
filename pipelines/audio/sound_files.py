"""Opening the sound track of a file and decoding it piece by piece."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from pipelines.audio.decoding import AudioChunk, AudioTally, decode_audio, resample_to_mono
from pipelines.media_files import choose_audio_stream, open_or_explain, read_packets, require_regular_file
from pipelines.media_time import SAMPLE_RATE_HZ
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage


def read_sound(path: Path, *, zero_s: Fraction | None = None, rate_hz: int = SAMPLE_RATE_HZ) -> Iterator[AudioChunk]:
    """Yield the sound of a file as mono chunks in decoding order; at its end, check how much of it was damaged.

    Args:
        path: audio file, or a video with sound.
        zero_s: time zero on the file's own clock in seconds; None: the first frame's time.
        rate_hz: samples a second of what comes out.

    Raises:
        ItemRejectedError: (stage AUDIO) no sound, or sound that does not decode; (stage PROBE) no media, or as `require_regular_file`.
    """
    size_bytes = require_regular_file(path, Stage.AUDIO)
    with open_or_explain(path, size_bytes, "audio") as container:
        stream = choose_audio_stream(container)
        if stream is None or stream.codec_context is None:
            raise ItemRejectedError(Stage.AUDIO, RejectionReason.NO_AUDIO_STREAM, "expected a sound track with a known codec, found none")
        tally = AudioTally()
        frames = decode_audio(read_packets(container, stream, []), tally)
        yield from resample_to_mono(frames, Stage.AUDIO, zero_s=zero_s, rate_hz=rate_hz)
        tally.check(Stage.AUDIO)
