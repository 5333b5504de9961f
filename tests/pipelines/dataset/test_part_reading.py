from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.packing import pack_part
from pipelines.dataset.part_reading import iterate_clip_frames, read_clip_audio, read_clip_landmarks, read_part_index
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartClip, PartIndex, RowRange, part_path
from tests.factories.staged_recordings import stage_recording
from tests.factories.stores import every_kind_of_store

KEYS = {Family.FRAMES: "f" * 32, Family.LANDMARKS: "a" * 32, Family.AUDIO: "b" * 32}


@pytest.fixture(scope="module", params=["folder", "moto"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with every_kind_of_store(request.param, tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    root = tmp_path_factory.mktemp("staged")
    for number, frames in enumerate([(5, 3, 2), (), (140,)]):
        stage_recording(root / str(number), f"rec/{number}", frames)
    return [root / str(number) for number in range(3)]


@pytest.fixture(scope="module")
def indices(store: ManagedStore, staged: list[Path]) -> dict[Family, PartIndex]:
    packed = {}
    for family, key in KEYS.items():
        out = store.scratch_folder() / "part"
        packed[family] = pack_part(family, key, staged, out)
        store.publish_folder(out, part_path(family, key), PART_INDEX_FILE)
    return packed


def _clips(index: PartIndex) -> list[tuple[int, PartClip]]:
    return [(number, item) for number, recording in enumerate(index.recordings) for item in recording.clips]


def test_the_index_is_read_back(store: ManagedStore, indices: dict[Family, PartIndex]) -> None:
    for family, index in indices.items():
        assert read_part_index(store, family, KEYS[family]) == index
    with pytest.raises(FileNotFoundError):
        read_part_index(store, Family.FRAMES, "0" * 32)


def test_landmarks_of_every_clip(store: ManagedStore, indices: dict[Family, PartIndex], staged: list[Path]) -> None:
    for number, item in _clips(indices[Family.LANDMARKS]):
        landmarks, detected = read_clip_landmarks(store, KEYS[Family.LANDMARKS], item.ranges["landmarks"])
        np.testing.assert_array_equal(landmarks, np.load(staged[number] / f"{item.clip.clip_key}.landmarks.npy"))
        np.testing.assert_array_equal(detected, np.load(staged[number] / f"{item.clip.clip_key}.detected.npy"))
        assert (landmarks.dtype, detected.dtype) == (np.float32, np.bool_)


def test_audio_of_every_clip(store: ManagedStore, indices: dict[Family, PartIndex], staged: list[Path]) -> None:
    for number, item in _clips(indices[Family.AUDIO]):
        waveform, log_mel = read_clip_audio(store, KEYS[Family.AUDIO], item.ranges["waveform"], item.ranges["log_mel"])
        np.testing.assert_array_equal(waveform, np.load(staged[number] / f"{item.clip.clip_key}.waveform.npy"))
        np.testing.assert_array_equal(log_mel, np.load(staged[number] / f"{item.clip.clip_key}.log_mel.npy"))


def test_a_window_of_a_clip(store: ManagedStore, indices: dict[Family, PartIndex], staged: list[Path]) -> None:
    number, item = _clips(indices[Family.LANDMARKS])[-1]
    start = item.ranges["landmarks"].start
    landmarks, _ = read_clip_landmarks(store, KEYS[Family.LANDMARKS], RowRange(start=start + 60, count=70))
    np.testing.assert_array_equal(landmarks, np.load(staged[number] / f"{item.clip.clip_key}.landmarks.npy")[60:130])


def test_frames_of_every_clip(store: ManagedStore, indices: dict[Family, PartIndex], staged: list[Path]) -> None:
    for number, item in _clips(indices[Family.FRAMES]):
        frames = list(iterate_clip_frames(store, KEYS[Family.FRAMES], item.clip.clip_key))
        with tarfile.open(staged[number] / "frames.tar") as tar:
            images = [tar.extractfile(m).read() for m in tar if m.name.startswith(item.clip.clip_key) and m.name.endswith(".jpg")]  # type: ignore[union-attr]
        assert [frame.jpeg for frame in frames] == images
        assert [frame.index for frame in frames] == list(range(item.clip.frames))
        assert [frame.metadata for frame in frames] == [
            {"clip_id": item.clip.clip_id, "frame": index, "held": False} for index in range(item.clip.frames)
        ]


def test_what_is_not_there_is_named(store: ManagedStore, indices: dict[Family, PartIndex]) -> None:
    with pytest.raises(BadInputError, match="has no clip 0000"):
        list(iterate_clip_frames(store, KEYS[Family.FRAMES], "0" * 16))
    with pytest.raises(BadInputError, match="rows 100 to 9999 were asked for, it has 150"):
        read_clip_landmarks(store, KEYS[Family.LANDMARKS], RowRange(start=100, count=9899))
    with pytest.raises(FileNotFoundError, match="no array is at"):
        read_clip_landmarks(store, "0" * 32, RowRange(start=0, count=1))


def test_a_damaged_index_is_named(store: ManagedStore) -> None:
    store.write_bytes(f"{part_path(Family.FRAMES, 'd' * 32)}/part.json", b'{"key": 1}')
    with pytest.raises(StoreError, match="expected the index of a part"):
        read_part_index(store, Family.FRAMES, "d" * 32)
