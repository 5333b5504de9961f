"""Clips of a dataset version as local files for measuring processes, which then need nothing that reads stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.dataset.part_reading import iterate_clip_frames, read_clip_audio, read_clip_landmarks
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange


def stage_clip(store: ObjectStore, clip: dict[str, object], path: Path) -> None:
    """Copy frames, landmarks and sound of a dataset version's clip to a local file.

    Args:
        store: with the version.
        clip: its row of the clips table.
        path: npz file to write.

    Raises:
        StoreError: a part is damaged.
        FileNotFoundError: a part is missing.
    """
    jpegs = [frame.jpeg for frame in iterate_clip_frames(store, str(clip["frames_part"]), str(clip["clip_key"]))]
    landmarks, detected = read_clip_landmarks(store, str(clip["landmarks_part"]), _rows(clip, "landmarks_start", "frames"))
    waveform = np.zeros(0, np.int16)
    if clip["audio_part"]:
        ranges = _rows(clip, "waveform_start", "waveform_samples"), _rows(clip, "log_mel_start", "log_mel_frames")
        waveform, _ = read_clip_audio(store, str(clip["audio_part"]), *ranges)
    landmarks = np.where(detected[:, None, None], landmarks, np.nan).astype(np.float32)
    ends = np.cumsum([len(jpeg) for jpeg in jpegs])
    np.savez(path, jpegs=np.frombuffer(b"".join(jpegs), np.uint8), ends=ends, landmarks=landmarks, waveform=waveform)


def _rows(clip: dict[str, object], start: str, count: str) -> RowRange:
    return RowRange(start=int(str(clip[start])), count=int(str(clip[count])))
