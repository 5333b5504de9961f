"""Stored parts with real tars and Zarr arrays, made directly from the byte layout so that they do not share code with packing."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import zarr

from pipelines.dataset.clip_rows import SPLIT_RECORDING_SCHEMA, BuiltPart, StoredIndex
from storage_schemas.build_spec import BuildSpec, CropSettings
from storage_schemas.clips import Clip, FamilyHashes
from storage_schemas.identifiers import canonical_json_bytes, clip_key
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import (
    Family,
    PartClip,
    PartIndex,
    PartObject,
    PartRecording,
    RowRange,
    frame_name,
    part_path,
)
from storage_schemas.recordings import Recording
from storage_schemas.rejections import Rejection

CROP_PX = 64
SPEC = BuildSpec(name="synthetic", crop=CropSettings(size_px=CROP_PX))


@dataclass
class SyntheticRecording:
    """A recording with clips of the given numbers of frames; `lacking` names families that hold none of its clips."""

    recording_id: str
    frame_counts: tuple[int, ...] = (3,)
    speaker: str = "M003"
    emotion: str = "angry"
    split: str = "train"
    is_still: bool = False
    seed: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    lacking: frozenset[Family] = frozenset()

    def recording(self) -> Recording:
        """Return the recording as a corpus lists it."""
        sha256 = hashlib.sha256(f"{self.recording_id} {self.seed}".encode()).hexdigest()
        return Recording(
            recording_id=self.recording_id, video=f"{self.recording_id}.mp4", speaker=self.speaker, emotion=self.emotion, level=1,
            is_still=self.is_still, video_sha256=sha256, licence="public domain",
        )  # fmt: skip

    def clips(self) -> list[Clip]:
        """Return what tracking would have decided."""
        starts = np.cumsum([0, *self.frame_counts])
        return [self._clip(number, count, float(starts[number]) / 25) for number, count in enumerate(self.frame_counts)]

    def _clip(self, number: int, frames: int, start_s: float) -> Clip:
        clip_id = f"{self.recording_id}_{number:03d}"
        return Clip(
            clip_id=clip_id, clip_key=clip_key(clip_id), recording_id=self.recording_id, frames=frames, source_start_s=start_s,
            window_x_px=10.5, window_y_px=20.25, window_size_px=300.0, window_source="tracked", source_width_px=1920,
            source_height_px=1080, source_fps=29.97, face_height_px=180.0, detection_rate=1.0,
        )  # fmt: skip


def split_table(recordings: Iterable[SyntheticRecording]) -> pa.Table:
    """Return recordings as a table in SPLIT_RECORDING_SCHEMA."""
    rows = [item.recording().model_dump(mode="json") | {"split": item.split} for item in recordings]
    return pa.Table.from_pylist(rows, schema=SPLIT_RECORDING_SCHEMA)


def store_part(store: ObjectStore, recordings: list[SyntheticRecording]) -> BuiltPart:
    """Make the three families of a part, put them into the store, and return the part as a build would."""
    key = hashlib.sha256(canonical_json_bytes([item.recording().content_key() for item in recordings])).hexdigest()
    makers = {Family.FRAMES: _make_frames, Family.LANDMARKS: _make_landmarks, Family.AUDIO: _make_audio}
    indices = {}
    for family, make in makers.items():
        folder = store.scratch_folder()
        entries = make(folder, recordings)
        indices[family] = _publish(store, folder, PartIndex(family=family, key=key, recordings=entries, objects=_objects(folder)))
    return BuiltPart(split_table(recordings), indices)


def store_parts(store: ObjectStore, recordings: list[SyntheticRecording], per_part: int = 2) -> list[BuiltPart]:
    """Make parts of a few recordings each; recordings must be sorted."""
    return [store_part(store, recordings[start : start + per_part]) for start in range(0, len(recordings), per_part)]


def _publish(store: ObjectStore, folder: Path, index: PartIndex) -> StoredIndex:
    data = canonical_json_bytes(index.model_dump(mode="json"))
    (folder / "part.json").write_bytes(data)
    store.publish_folder(folder, part_path(index.family, index.key), last="part.json")
    return StoredIndex.from_bytes(data)


def _objects(folder: Path) -> list[PartObject]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return [
        PartObject(path=str(path.relative_to(folder)), size_bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
        for path in paths
    ]


def _generator(clip: Clip, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, int(clip.clip_key, 16)])


def jpeg(seed: int, size_px: int = CROP_PX) -> bytes:
    """Return a small JPEG of noise."""
    image = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    encoded = cv2.imencode(".jpg", cv2.resize(image, (size_px, size_px), interpolation=cv2.INTER_NEAREST))[1]
    return bytes(encoded.tobytes())


def _make_frames(folder: Path, recordings: list[SyntheticRecording]) -> list[PartRecording]:
    entries, sample = [], 0
    with tarfile.open(folder / "frames.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for item in recordings:
            clips, begin = [], tar.offset
            for clip in [] if Family.FRAMES in item.lacking else item.clips():
                digest = hashlib.sha256()
                for number in range(clip.frames):
                    image = jpeg(number + 1000 * item.seed)
                    digest.update(image)
                    _add(tar, f"{frame_name(clip.clip_key, number)}.jpg", image)
                    _add(tar, f"{frame_name(clip.clip_key, number)}.json", canonical_json_bytes({"frame": number}))
                ranges = {"frames": RowRange(start=sample, count=clip.frames)}
                clips.append(PartClip(clip=clip, hashes=FamilyHashes(frames=digest.hexdigest()), ranges=ranges))
                sample += clip.frames
            tar_bytes = RowRange(start=begin, count=tar.offset - begin)
            entries.append(_entry(item, clips).model_copy(update={"tar_bytes": tar_bytes}))
    return entries


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o444
    tar.addfile(member, io.BytesIO(data))


def _make_landmarks(folder: Path, recordings: list[SyntheticRecording]) -> list[PartRecording]:
    entries, rows, flags = [], [np.zeros((0, 478, 3), np.float32)], [np.zeros(0, bool)]
    start = 0
    for item in recordings:
        clips = []
        for clip in [] if item.is_still or Family.LANDMARKS in item.lacking else item.clips():
            points = _generator(clip, item.seed).random((clip.frames, 478, 3), np.float32)
            detected = np.ones(clip.frames, bool)
            rows.append(points)
            flags.append(detected)
            hashes = FamilyHashes(landmarks=hashlib.sha256(points.tobytes() + detected.tobytes()).hexdigest())
            span = RowRange(start=start, count=clip.frames)
            clips.append(PartClip(clip=clip, hashes=hashes, ranges={"landmarks": span, "detected": span}))
            start += clip.frames
        entries.append(_entry(item, clips))
    _write_arrays(folder / "landmarks.zarr", {"landmarks": np.concatenate(rows), "detected": np.concatenate(flags)})
    return entries


def _make_audio(folder: Path, recordings: list[SyntheticRecording]) -> list[PartRecording]:
    entries, waves, mels = [], [np.zeros(0, np.int16)], [np.zeros((0, 80), np.float32)]
    sample, column = 0, 0
    for item in recordings:
        clips = []
        for clip in [] if item.is_still or Family.AUDIO in item.lacking else item.clips():
            random = _generator(clip, item.seed)
            wave = random.integers(-3000, 3000, clip.frames * 640, dtype=np.int16)
            mel = random.random((1 + len(wave) // 200, 80), np.float32)
            waves.append(wave)
            mels.append(mel)
            hashes = FamilyHashes(audio=hashlib.sha256(wave.tobytes() + mel.tobytes()).hexdigest())
            ranges = {"waveform": RowRange(start=sample, count=len(wave)), "log_mel": RowRange(start=column, count=len(mel))}
            clips.append(PartClip(clip=clip, hashes=hashes, ranges=ranges))
            sample, column = sample + len(wave), column + len(mel)
        entries.append(_entry(item, clips))
    _write_arrays(folder / "audio.zarr", {"waveform": np.concatenate(waves), "log_mel": np.concatenate(mels)})
    return entries


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    if not any(len(values) for values in arrays.values()):
        return
    group = zarr.create_group(path, zarr_format=3)
    for name, values in arrays.items():
        group.create_array(name, data=values, chunks=(max(1, len(values)), *values.shape[1:]))


def _entry(item: SyntheticRecording, clips: list[PartClip]) -> PartRecording:
    recording = item.recording()
    return PartRecording(recording_id=item.recording_id, content_key=recording.content_key(), clips=clips, rejections=item.rejections)
