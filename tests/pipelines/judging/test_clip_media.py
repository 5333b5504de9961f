from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.judging.clip_media import MediaReader, VersionMedia, media_rows
from pipelines.judging.face_windows import FACE, MOUTH
from storage_schemas.errors import StoreError
from storage_schemas.part_layout import Family
from tests.factories.dataset_versions import local_store
from tests.factories.talking_faces import talking_face
from tests.factories.talking_versions import TalkingRecording, publish_talking, talking_part

RECORDINGS = (TalkingRecording(0), TalkingRecording(1, "validation", frames=12), TalkingRecording(2, label="unlabelled", seen=False))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ManagedStore]:
    with local_store(tmp_path / "store") as opened:
        yield opened


def test_clips_have_what_was_stored(store: ManagedStore) -> None:
    source = VersionMedia(store, publish_talking(store, RECORDINGS).dataset_version)
    (clip,) = source.read(source.table("validation"), [0])
    face = talking_face(1, 12)
    assert (clip.clip_id, clip.emotion, len(clip.jpegs)) == ("talk/001_000", "contempt", 12)
    assert (clip.waveform == face.waveform).all()
    assert clip.track is not None
    assert abs(clip.track.scale[0]) == pytest.approx(float(np.linalg.norm(face.landmarks_px[0, 263] - face.landmarks_px[0, 33])), rel=0.02)
    assert clip.windows(MOUTH, 16).shape == (12, 16, 16)
    assert (clip.windows(FACE, 16, np.array([3, 7])) == clip.windows(FACE, 16)[[3, 7]]).all()


def test_tables_have_what_is_asked_for(store: ManagedStore) -> None:
    source = VersionMedia(store, publish_talking(store, RECORDINGS).dataset_version)
    assert len(source.table("train")) == 2
    assert len(source.table("train", emotions=["angry"])) == 1
    assert len(source.table("validation", with_sound=True)) == 1
    assert len(source.table("validation", least_frames=13)) == 0
    (_, unseen) = source.read(source.table("train"), [0, 1])
    assert unseen.track is None
    with pytest.raises(ValueError, match="talk/002_000 has no frame with a face"):
        unseen.windows(FACE, 16)


def test_a_part_knows_where_its_clips_are(store: ManagedStore) -> None:
    keys = {family: stored.index.key for family, stored in talking_part(store, RECORDINGS).indices.items()}
    rows = media_rows(store, keys)
    first, second, third = MediaReader(store).read(rows)
    assert [clip.clip_id for clip in (first, second, third)] == ["talk/000_000", "talk/001_000", "talk/002_000"]
    assert (second.waveform == talking_face(1, 12).waveform).all()
    assert third.track is None
    soundless = MediaReader(store).read(media_rows(store, {**keys, Family.AUDIO: ""}))
    assert not len(soundless[0].waveform)


def test_damage_is_found(store: ManagedStore) -> None:
    version = publish_talking(store, RECORDINGS).dataset_version
    source = VersionMedia(store, version)
    table = source.table("validation")
    store.delete_folder(f"parts/audio/{table.column('audio_part')[0][:2]}")
    with pytest.raises(StoreError, match="run `flowvqtalker dataset verify`"):
        source.read(table, [0])
