"""Landmarks parts of invented faces, packed as a build packs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.dataset.packing import pack_part
from pipelines.dataset.staging import StagedRecordingWriter
from storage_schemas.clips import RecordingOutcome
from storage_schemas.part_layout import Family, PartIndex
from tests.factories.face_landmarks import invented_clip
from tests.factories.staged_recordings import make_clip


def pack_landmarks(folder: Path, recordings: dict[str, tuple[int, ...]], key: str = "0" * 32) -> PartIndex:
    """Write a landmarks part into `folder`: by recording id, the frames of its clips; clips of 1 frame are stills."""
    staged = []
    for number, (recording_id, frames) in enumerate(sorted(recordings.items())):
        staged.append(folder.parent / f"{folder.name}-staged-{number}")
        clips = [make_clip(recording_id, position, count) for position, count in enumerate(frames)]
        with StagedRecordingWriter(staged[-1]) as writer:
            for clip in clips:
                seed = int(clip.clip_key[:6], 16)
                landmarks = invented_clip(max(clip.frames, 12), seed, speaker=seed % 3, noise=0.001).landmarks_px[: clip.frames]
                writer.add_array(clip.clip_key, "landmarks", landmarks)
                writer.add_array(clip.clip_key, "detected", np.ones(clip.frames, bool))
            writer.finish(RecordingOutcome(recording_id=recording_id, content_key=f"key of {recording_id}", clips=clips))
    return pack_part(Family.LANDMARKS, key, staged, folder)
