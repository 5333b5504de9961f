"""What a sound track really holds: it is decoded as a whole, which is cheap, so that nothing later finds it broken."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from av.audio.stream import AudioStream
from av.container import InputContainer

from pipelines.audio.decoding import AudioTally, decode_audio, resample_to_mono
from pipelines.container_layout import read_layout
from pipelines.media_files import choose_audio_stream, open_or_explain, read_packets, require_regular_file
from pipelines.media_time import SAMPLE_RATE_HZ
from storage_schemas.build_spec import LimitSettings
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage


@dataclass(frozen=True)
class AudioProbe:
    """A sound track that decodes.

    Attributes:
        codec: FFmpeg's name of the codec.
        duration_s: decoded sound in seconds, silence of gaps not counted.
        damaged_packets: packets that will be silence.
    """

    codec: str
    duration_s: float
    damaged_packets: int


def probe_audio(path: Path, limits: LimitSettings) -> AudioProbe | None:
    """Decode the sound track of a file and measure it.

    Args:
        path: an audio file, or a video with sound.
        limits: longest duration.

    Returns:
        What was found; None if the file has no audio stream.

    Raises:
        ItemRejectedError: the file is not usable (see `require_regular_file`, `explain_unopenable`), UNSUPPORTED_CODEC, AUDIO_UNDECODABLE,
            AUDIO_TOO_SHORT (no sample), TRUNCATED_FILE or DURATION_OUT_OF_RANGE.
    """
    size_bytes = require_regular_file(path)
    with open_or_explain(path, size_bytes, "audio") as container:
        stream = choose_audio_stream(container)
        if stream is None:
            return None
        if stream.codec_context is None:
            raise ItemRejectedError(
                Stage.PROBE, RejectionReason.UNSUPPORTED_CODEC, "expected a known audio codec, found one without a decoder"
            )
        return _decode_whole(container, stream, path, size_bytes, limits)


def _decode_whole(container: InputContainer, stream: AudioStream, path: Path, size_bytes: int, limits: LimitSettings) -> AudioProbe:
    tally, samples = AudioTally(), 0
    problems: list[str] = []
    for chunk in resample_to_mono(decode_audio(read_packets(container, stream, problems), tally), Stage.PROBE):
        samples += len(chunk.samples)
        reached_s = max(samples, chunk.start_sample) / SAMPLE_RATE_HZ
        if reached_s > limits.max_duration_s:
            message = f"expected at most {limits.max_duration_s:g} s of sound, found more"
            raise ItemRejectedError(Stage.PROBE, RejectionReason.DURATION_OUT_OF_RANGE, message, {"max_duration_s": limits.max_duration_s})
    _check_whole(stream, tally, read_layout(path, size_bytes).missing_share, problems)
    tally.check(Stage.PROBE)
    if samples == 0:
        message = f"expected sound, found an audio stream with {tally.packets} packets and no sample"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.AUDIO_TOO_SHORT, message, {"packets": tally.packets})
    return AudioProbe(stream.codec_context.name, float(Fraction(samples, SAMPLE_RATE_HZ)), tally.damaged)


def _check_whole(stream: AudioStream, tally: AudioTally, missing_bytes_share: float, problems: list[str]) -> None:
    """Raise if the end of the file, and with it of the sound, is missing, or if the packets cannot all be read."""
    if missing_bytes_share > 0:
        # Raw sound is stored sample by sample in the index but read in blocks, so the two counts compare for compressed sound only.
        counted = stream.frames if not stream.codec_context.name.startswith("pcm_") else 0
        missing = max(0, counted - tally.packets) / counted if counted else missing_bytes_share
        if missing > 0:
            message = f"expected the sound to its end, found a file shorter than it declares: {missing:.1%} is missing"
            raise ItemRejectedError(Stage.PROBE, RejectionReason.TRUNCATED_FILE, message, {"missing_share": round(missing, 6)})
    if problems:
        message = f"expected to read the sound to its end, stopped after {tally.packets} packets ({problems[0]})"
        raise ItemRejectedError(Stage.PROBE, RejectionReason.AUDIO_UNDECODABLE, message, {"packets": tally.packets})
