"""Staged recordings with made-up content, small and different for every seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.dataset.staging import StagedRecordingWriter
from storage_schemas.clips import Clip, RecordingOutcome
from storage_schemas.identifiers import clip_key, content_hash
from storage_schemas.rejections import Rejection, RejectionReason, Stage

ALL_FAMILIES = ("frames", "landmarks", "audio")


def make_clip(recording_id: str, number: int, frames: int) -> Clip:
    """Return a clip with plausible numbers."""
    clip_id = f"{recording_id}_{number:03d}"
    return Clip(
        clip_id=clip_id, clip_key=clip_key(clip_id), recording_id=recording_id, frames=frames, source_start_s=number * 10 + 0.04,
        window_x_px=1 / 3, window_y_px=2.5, window_size_px=300.25, window_source="tracked", source_width_px=1920, source_height_px=1080,
        source_fps=29.97, frames_held=1, face_height_px=211.7, detection_rate=0.99,
    )  # fmt: skip


def stage_recording(
    folder: Path, recording_id: str, frames: tuple[int, ...] = (5, 3), families: tuple[str, ...] = ALL_FAMILIES, seed: int = 0
) -> RecordingOutcome:
    """Write a staged recording with one clip for each number of frames; with no clip it has a rejection instead."""
    clips = [make_clip(recording_id, number, count) for number, count in enumerate(frames)]
    with StagedRecordingWriter(folder) as writer:
        for clip in clips:
            generator = np.random.default_rng([seed, int(clip.clip_key, 16)])
            if "frames" in families:
                for index in range(clip.frames):
                    writer.add_frame(clip.clip_key, index, make_jpeg(generator), {"clip_id": clip.clip_id, "frame": index, "held": False})
            if "landmarks" in families:
                landmarks, detected = make_landmarks(generator, clip.frames)
                writer.add_array(clip.clip_key, "landmarks", landmarks)
                writer.add_array(clip.clip_key, "detected", detected)
            if "audio" in families:
                writer.add_array(clip.clip_key, "waveform", generator.integers(-9999, 9999, clip.frames * 640).astype(np.int16))
                log_mel = generator.normal(size=(1 + clip.frames * 640 // 200, 80)).astype(np.float32)
                writer.add_array(clip.clip_key, "log_mel", log_mel)
        return writer.finish(
            RecordingOutcome(
                recording_id=recording_id,
                content_key=content_hash([recording_id, seed]),
                clips=clips,
                rejections=[] if clips else [make_rejection(recording_id)],
            )
        )


def make_jpeg(generator: np.random.Generator) -> bytes:
    """Return bytes that begin and end like a JPEG."""
    return b"\xff\xd8" + generator.bytes(int(generator.integers(400, 1600))) + b"\xff\xd9"


def make_landmarks(generator: np.random.Generator, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Return landmarks float32 (frames, 478, 3) and detected bool (frames,), undetected in the middle frame of five or more."""
    landmarks = generator.uniform(0, 512, (frames, 478, 3)).astype(np.float32)
    detected = np.ones(frames, bool)
    if frames >= 5:
        detected[frames // 2] = False
        landmarks[frames // 2] = np.nan
    return landmarks, detected


def make_rejection(recording_id: str) -> Rejection:
    """Return the rejection of a whole recording."""
    return Rejection(
        item_id=recording_id, recording_id=recording_id, stage=Stage.TRACK, reason=RejectionReason.NO_FACE,
        message="expected a face, found none in 25 frames", details={"frames": 25},
    )  # fmt: skip


def folder_bytes(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder by its relative path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
