"""A published version of drawn talking faces, whose lips follow their sound and whose brows their label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from infra.managed_store import ManagedStore
from pipelines.audio.log_mel import log_mel
from pipelines.dataset.clip_rows import BuiltPart, ClipFilter, StoredIndex
from pipelines.dataset.packing import pack_part
from pipelines.dataset.publishing import VersionContent, publish_version
from pipelines.dataset.staging import StagedRecordingWriter
from pipelines.judging.planted_offsets import delayed
from storage_schemas.build_spec import AudioSettings, CropSettings
from storage_schemas.clips import RecordingOutcome
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.judge_runs import JUDGED_EMOTIONS
from storage_schemas.part_layout import PART_INDEX_FILE, Family, part_path
from tests.factories.dataset_parts import SPEC, SyntheticRecording, split_table
from tests.factories.dataset_versions import CREATED, description
from tests.factories.talking_faces import SIZE_PX, talking_face

_FAMILIES = (Family.FRAMES, Family.LANDMARKS, Family.AUDIO)


@dataclass(frozen=True)
class TalkingRecording:
    """One recording with one clip.

    Attributes:
        seed: of the face; decides what it shows and says.
        split: of the version.
        late: frames by which its sound is late.
        label: that it is given; empty: what it shows.
        frames: of the clip.
        seen: whether its face was found.
    """

    seed: int
    split: str = "train"
    late: int = 0
    label: str = ""
    frames: int = 40
    seen: bool = True

    def listed(self) -> SyntheticRecording:
        """Return it as a corpus lists it."""
        label = self.label or JUDGED_EMOTIONS[self.seed % len(JUDGED_EMOTIONS)]
        return SyntheticRecording(f"talk/{self.seed:03d}", (self.frames,), emotion=label, split=self.split, seed=self.seed)


def talking_part(store: ManagedStore, recordings: Sequence[TalkingRecording]) -> BuiltPart:
    """Put a part of recordings, sorted by seed, into a store."""
    scratch = store.scratch_folder()
    staged = []
    for recording in recordings:
        staged.append(scratch / f"staged-{recording.seed}")
        _stage(staged[-1], recording)
    indices = {}
    for family in _FAMILIES:
        key = f"{recordings[0].seed:031x}{_FAMILIES.index(family)}"
        out = scratch / family.value
        pack_part(family, key, staged, out)
        store.publish_folder(out, part_path(family, key), PART_INDEX_FILE)
        indices[family] = StoredIndex.from_bytes(store.read_bytes(f"{part_path(family, key)}/{PART_INDEX_FILE}"))
    return BuiltPart(split_table([recording.listed() for recording in recordings]), indices)


def publish_talking(store: ManagedStore, recordings: Sequence[TalkingRecording], filters: Sequence[ClipFilter] = ()) -> VersionManifest:
    """Publish a version of one part."""
    content = VersionContent([talking_part(store, recordings)], (), filters)
    return publish_version(store, description(SPEC.model_copy(update={"crop": CropSettings(size_px=SIZE_PX)})), content, created=CREATED)


def _stage(folder: Path, recording: TalkingRecording) -> None:
    listed, face = recording.listed(), talking_face(recording.seed, recording.frames)
    (clip,) = listed.clips()
    waveform = delayed(face.waveform, recording.late)
    landmarks = face.landmarks_px if recording.seen else np.full_like(face.landmarks_px, np.nan)
    with StagedRecordingWriter(folder) as writer:
        for number, frame in enumerate(face.frames):
            jpeg = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
            writer.add_frame(clip.clip_key, number, jpeg, {"frame": number})
        writer.add_array(clip.clip_key, "landmarks", landmarks)
        writer.add_array(clip.clip_key, "detected", np.full(recording.frames, recording.seen))
        writer.add_array(clip.clip_key, "waveform", waveform)
        writer.add_array(clip.clip_key, "log_mel", log_mel((waveform / 32768).astype(np.float32), AudioSettings()))
        content_key = listed.recording().content_key()
        writer.finish(RecordingOutcome(recording_id=listed.recording_id, content_key=content_key, clips=[clip], rejections=[]))
