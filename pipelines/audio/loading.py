"""The sound of a recording on its video's clock: mono, 16 kHz, from time zero to the end of the video."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.decoding import AudioChunk
from pipelines.audio.sound_files import read_sound
from pipelines.media_time import SAMPLE_RATE_HZ, SAMPLES_PER_FRAME, seconds_to_samples
from pipelines.video.frame_grid import grid_phase_s, slot_count
from pipelines.video.media_probe import MediaProbe

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
    for chunk in read_sound(probe.audio_path or probe.path, zero_s=zero_s):
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
    for chunk in read_sound(path):
        if chunk.start_sample >= longest:
            break
        pieces.append(chunk)
    end = max((piece.start_sample + len(piece.samples) for piece in pieces), default=0)
    timeline = np.zeros(max(0, min(end, longest)), np.float32)
    for piece in pieces:
        _place(piece, timeline)
    return timeline


def _place(chunk: AudioChunk, timeline: NDArray[np.float32]) -> None:
    """Write a chunk where it belongs; of two chunks that overlap the later one stays."""
    start = max(chunk.start_sample, 0)
    end = min(chunk.start_sample + len(chunk.samples), len(timeline))
    if end > start:
        timeline[start:end] = chunk.samples[start - chunk.start_sample : end - chunk.start_sample]
