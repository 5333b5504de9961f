"""The sound of a recording on its video's clock: mono, 16 kHz, from time zero to the end of the video."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
from numpy.typing import NDArray

from pipelines.audio.decoding import AudioChunk, AudioTally, decode_audio, resample_to_mono
from pipelines.media_files import choose_audio_stream, explain_unopenable, open_media, read_packets, require_regular_file
from pipelines.media_time import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME, seconds_to_samples
from pipelines.video.frame_grid import grid_phase_s, slot_count
from pipelines.video.media_probe import MediaProbe
from storage_schemas.errors import ItemRejectedError
from storage_schemas.rejections import RejectionReason, Stage

DEFAULT_MAX_DURATION_S = 4 * 3600.0


def load_waveform(probe: MediaProbe) -> NDArray[np.float32]:
    """Return a recording's sound on the clock of its video's 25 fps grid.

    Sound of the video file is placed by its own timestamps relative to the first displayed frame: a track that starts late has
    silence before it, one that starts early is cut. A separate audio file starts at time zero. Gaps and damaged packets are silence.

    Args:
        probe: what `probe_media` returned, which says where the sound is.

    Returns:
        float32 (640 * slots,), nominally -1..1; slot k of the grid begins at sample 640 k.
        Zeros if the recording has no sound.

    Raises:
        ItemRejectedError: (stage AUDIO) AUDIO_UNDECODABLE, or as `require_regular_file` if the file has changed since.
    """
    timeline = np.zeros(slot_count(probe.frame_pts, probe.time_base) * SAMPLES_PER_FRAME, np.float32)
    if not probe.has_audio:
        return timeline
    zero_s = None if probe.audio_path is not None else int(probe.frame_pts[0]) * probe.time_base
    lead = seconds_to_samples(grid_phase_s(probe.frame_pts, probe.time_base))
    for chunk in _read_chunks(probe.audio_path or probe.path, zero_s):
        on_grid = replace(chunk, start_sample=chunk.start_sample - lead)
        if on_grid.start_sample >= len(timeline):
            break
        _place(on_grid, timeline)
    return timeline


def load_audio_file(path: Path, max_duration_s: float = DEFAULT_MAX_DURATION_S) -> NDArray[np.float32]:
    """Return a whole audio file as mono 16 kHz, its first sample at time zero.

    Args:
        path: audio file, or a video with sound.
        max_duration_s: what follows is left out.

    Returns:
        float32 (samples,), nominally -1..1.

    Raises:
        ItemRejectedError: (stage AUDIO) if the file has no audio or its audio does not decode; (stage PROBE) if it is no media.
    """
    longest = int(max_duration_s * SAMPLE_RATE_HZ)
    pieces: list[AudioChunk] = []
    for chunk in _read_chunks(path, None):
        if chunk.start_sample >= longest:
            break
        pieces.append(chunk)
    end = max((piece.start_sample + len(piece.samples) for piece in pieces), default=0)
    timeline = np.zeros(max(0, min(end, longest)), np.float32)
    for piece in pieces:
        _place(piece, timeline)
    return timeline


def _read_chunks(path: Path, zero_s: Fraction | None) -> Iterator[AudioChunk]:
    """Decode the sound track of a file; when it has been read to its end, check how much of it was damaged."""
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
        yield from resample_to_mono(decode_audio(read_packets(container, stream, []), tally), Stage.AUDIO, zero_s=zero_s)
        tally.check(Stage.AUDIO)


def _place(chunk: AudioChunk, timeline: NDArray[np.float32]) -> None:
    """Write a chunk where it belongs; of two chunks that overlap the later one stays."""
    start = max(chunk.start_sample, 0)
    end = min(chunk.start_sample + len(chunk.samples), len(timeline))
    if end > start:
        timeline[start:end] = chunk.samples[start - chunk.start_sample : end - chunk.start_sample]
