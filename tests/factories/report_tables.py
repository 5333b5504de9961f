"""Manifests and tables of made-up dataset versions, of any size, for reports."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import cv2
import numpy as np
import pyarrow as pa

from storage_schemas.build_spec import BuildSpec, CropSettings, Layout
from storage_schemas.clips import CLIP_SCHEMA
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.identifiers import Emotion, clip_key
from storage_schemas.rejections import REJECTION_SCHEMA, RejectionReason, Stage

EMOTIONS = [emotion.value for emotion in Emotion if emotion is not Emotion.UNLABELLED]


def example_manifest(clips: int = 240, rejections: int = 12, name: str = "made-up") -> VersionManifest:
    """Return a manifest whose counts fit `clip_batches(clips)` and `rejection_batches(rejections)`."""
    return VersionManifest(
        dataset_version="0123456789abcdef",
        recipe="ab" * 32,
        spec=BuildSpec(name=name, layout=Layout.MEAD, crop=CropSettings(size_px=256)),
        stage_versions={"tracking": 1, "frames": 1},
        software={"av": "18.1.0", "numpy": "1.26.4"},
        model_hashes={"face_landmark_with_attention.tflite": "cd" * 32},
        content={"clips": "1", "rejections": "2", "objects": "3"},
        counts={
            "recordings": clips + rejections,
            "recordings_kept": clips,
            "clips": clips,
            "rejections": rejections,
            "frames": 75 * clips,
            "objects": 99,
            "bytes": 1_234_567_890,
            "clips_train": clips,
        },
        keep_rates={"recordings": 0.95, "no_audio_stream": 0.99, "no_face": 0.98, "several_faces": 0.9997, "filter:sync": 0.91},
        files={"clips": "4", "rejections": "5", "objects": "6"},
        created="2026-01-02T03:04:05Z",
    )


def clip_batches(clips: int, speakers: int = 12, batch_rows: int = 4096, seed: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield `clips` rows of CLIP_SCHEMA in batches: durations, face sizes and frame rates as a mixed corpus has them."""
    for start in range(0, clips, batch_rows):
        rng = np.random.default_rng([seed, start])
        yield _clip_batch(np.arange(start, min(clips, start + batch_rows)), speakers, rng)


def _clip_batch(numbers: np.ndarray, speakers: int, rng: np.random.Generator) -> pa.RecordBatch:
    count = len(numbers)
    speaker = [f"M{number % speakers:03d}" for number in numbers]
    emotion = [EMOTIONS[number // speakers % len(EMOTIONS)] for number in numbers]
    clip_ids = [f"{speaker[i]}/front/{emotion[i]}/level_1/{numbers[i]:06d}_000" for i in range(count)]
    frames = np.maximum(25, rng.gamma(4.0, 25.0, count)).astype(np.int32)
    values = {
        "clip_id": clip_ids,
        "clip_key": [clip_key(clip_id) for clip_id in clip_ids],
        "speaker": speaker,
        "emotion": emotion,
        "split": [{0: "test", 1: "validation"}.get(number % speakers % 10, "train") for number in numbers],
        "licence": [""] * count,
        "frames": frames,
        "duration_s": frames / 25.0,
        "source_width_px": np.where(rng.random(count) < 0.8, 1920, 1280).astype(np.int32),
        "source_height_px": np.where(rng.random(count) < 0.8, 1080, 720).astype(np.int32),
        "source_fps": rng.choice([25.0, 29.97003, 23.976024, 59.94006], count, p=[0.2, 0.6, 0.15, 0.05]),
        "face_height_px": rng.normal(420.0, 90.0, count).clip(48.0),
        "detection_rate": 1.0 - rng.exponential(0.004, count).clip(0.0, 0.05),
        "frames_part": [f"{number // 16:016x}" for number in numbers],
        "landmarks_part": [f"{number // 16:016x}" for number in numbers],
        "landmarks_start": np.zeros(count, np.int64),
    }
    columns = [pa.array(values[field.name], field.type) if field.name in values else pa.nulls(count, field.type) for field in CLIP_SCHEMA]
    return pa.RecordBatch.from_arrays(columns, schema=CLIP_SCHEMA)


def rejection_batch(rows: list[tuple[str, RejectionReason, str]]) -> pa.RecordBatch:
    """Return rows of REJECTION_SCHEMA from (item id, reason, message)."""
    return pa.RecordBatch.from_pylist(
        [
            {
                "item_id": item,
                "recording_id": item,
                "stage": Stage.TRACK.value,
                "reason": reason.value,
                "message": message,
                "details_json": '{"faces":2,"share":0.51234567}',
                "start_s": 1.5,
                "end_s": 3.25,
                "source_video": f"videos/{item}.mp4",
                "source_sha256": hashlib.sha256(item.encode()).hexdigest(),
            }
            for item, reason, message in rows
        ],
        schema=REJECTION_SCHEMA,
    )


def rejection_batches(rejections: int, batch_rows: int = 4096) -> Iterator[pa.RecordBatch]:
    """Yield rejections that go through all reasons in turn."""
    reasons = list(RejectionReason)
    for start in range(0, rejections, batch_rows):
        numbers = range(start, min(rejections, start + batch_rows))
        yield rejection_batch([(f"rec/{n:07d}", reasons[n % len(reasons)], f"expected one thing, found {n}") for n in numbers])


def plain_crop_jpeg(side_px: int = 256, grey: int = 128) -> bytes:
    """Return a JPEG of one grey."""
    return cv2.imencode(".jpg", np.full((side_px, side_px, 3), grey, np.uint8))[1].tobytes()
