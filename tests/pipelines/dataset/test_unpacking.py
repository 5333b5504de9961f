from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.packing import pack_part
from pipelines.dataset.staging import read_staged
from pipelines.dataset.unpacking import unpack_recording
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, RECORDING_FAMILIES, Family, PartIndex, part_path
from tests.factories.staged_recordings import folder_bytes, stage_recording
from tests.factories.stores import every_kind_of_store

FRAMES = {"rec/0": (5, 3), "rec/1": (), "rec/2": (70,), "rec/3": (1,)}


@pytest.fixture(scope="module", params=["folder", "moto"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with every_kind_of_store(request.param, tmp_path_factory.mktemp("store")) as opened:
        yield opened


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("staged")
    folders = {recording_id: root / str(number) for number, recording_id in enumerate(FRAMES)}
    for recording_id, folder in folders.items():
        families = ("frames",) if recording_id == "rec/3" else ("frames", "landmarks", "audio")
        stage_recording(folder, recording_id, FRAMES[recording_id], families)
    return folders


@pytest.fixture(scope="module")
def parts(store: ManagedStore, staged: dict[str, Path]) -> dict[Family, PartIndex]:
    indices = {}
    for number, family in enumerate(RECORDING_FAMILIES):
        out = store.scratch_folder() / "part"
        indices[family] = pack_part(family, f"{number}" * 32, list(staged.values()), out)
        store.publish_folder(out, part_path(family, indices[family].key), PART_INDEX_FILE)
    return indices


@pytest.mark.parametrize("recording_id", list(FRAMES))
def test_unpacking_undoes_packing(
    store: ManagedStore, parts: dict[Family, PartIndex], staged: dict[str, Path], tmp_path: Path, recording_id: str
) -> None:
    outcome = unpack_recording(store, parts, recording_id, tmp_path / "out")
    assert folder_bytes(tmp_path / "out") == folder_bytes(staged[recording_id])
    assert read_staged(tmp_path / "out").outcome == outcome


def test_a_repacked_part_has_the_same_bytes(
    store: ManagedStore, parts: dict[Family, PartIndex], staged: dict[str, Path], tmp_path: Path
) -> None:
    for number, recording_id in enumerate(FRAMES):
        unpack_recording(store, parts, recording_id, tmp_path / str(number))
    for family, index in parts.items():
        pack_part(family, index.key, list(staged.values()), tmp_path / f"{family}-one")
        pack_part(family, index.key, [tmp_path / str(number) for number in range(len(FRAMES))], tmp_path / f"{family}-two")
        assert folder_bytes(tmp_path / f"{family}-one") == folder_bytes(tmp_path / f"{family}-two")


def test_families_may_be_left_out(store: ManagedStore, parts: dict[Family, PartIndex], tmp_path: Path) -> None:
    some = {family: parts[family] for family in (Family.FRAMES, Family.LANDMARKS)}
    outcome = unpack_recording(store, some, "rec/2", tmp_path / "out")
    hashes = outcome.hashes[outcome.clips[0].clip_key]
    assert hashes.landmarks
    assert not hashes.audio
    with pytest.raises(BadInputError, match="without its frames part"):
        unpack_recording(store, {Family.AUDIO: parts[Family.AUDIO]}, "rec/2", tmp_path / "other")


def test_unknown_recordings_are_refused(store: ManagedStore, parts: dict[Family, PartIndex], tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="does not hold recording 'rec/9'"):
        unpack_recording(store, parts, "rec/9", tmp_path / "out")


def test_only_the_recordings_bytes_are_read(
    store: ManagedStore, parts: dict[Family, PartIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[str, int, int]] = []
    original = store.read_range

    def spy(path: str, start: int, count: int) -> bytes:
        read.append((path, start, count))
        return original(path, start, count)

    monkeypatch.setattr(store, "read_range", spy)
    unpack_recording(store, {Family.FRAMES: parts[Family.FRAMES]}, "rec/2", tmp_path / "out")
    wanted = parts[Family.FRAMES].recordings[2].tar_bytes
    assert read == [(f"{part_path(Family.FRAMES, '0' * 32)}/frames.tar", wanted.start, wanted.count)]


@pytest.mark.parametrize(
    ("family", "file", "position"),
    [(Family.FRAMES, "frames.tar", 900), (Family.FRAMES, "frames.tar", 3), (Family.LANDMARKS, "landmarks.zarr/landmarks/c/0/0/0", 300),
     (Family.LANDMARKS, "landmarks.zarr/landmarks/zarr.json", 5), (Family.AUDIO, "audio.zarr/waveform/c/0", 5000)],
)  # fmt: skip
def test_damage_is_found(
    store: ManagedStore, parts: dict[Family, PartIndex], tmp_path: Path, family: Family, file: str, position: int
) -> None:
    path = f"{part_path(family, parts[family].key)}/{file}"
    data = store.read_bytes(path)
    try:
        store.write_bytes(path, data[:position] + bytes([data[position] ^ 255]) + data[position + 1 :])
        with pytest.raises(StoreError, match="dataset verify"):
            unpack_recording(store, parts, "rec/0", tmp_path / "out")
        assert not (tmp_path / "out/outcome.json").exists()
    finally:
        store.write_bytes(path, data)


@pytest.mark.parametrize(
    ("family", "file"),
    [
        (Family.FRAMES, "frames.tar"),
        (Family.LANDMARKS, "landmarks.zarr/landmarks/c/0/0/0"),
        (Family.AUDIO, "audio.zarr/waveform/zarr.json"),
    ],
)
def test_missing_files_are_not_read_as_zeros(
    store: ManagedStore, parts: dict[Family, PartIndex], tmp_path: Path, family: Family, file: str
) -> None:
    path = f"{part_path(family, parts[family].key)}/{file}"
    data = store.read_bytes(path)
    try:
        store.delete(path)
        with pytest.raises(FileNotFoundError):
            unpack_recording(store, parts, "rec/0", tmp_path / "out")
    finally:
        store.write_bytes(path, data)
