from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from infra.local_store import LocalObjectStore
from pipelines.dataset import array_packing, packing
from pipelines.dataset.packing import pack_part
from pipelines.dataset.staging import read_staged
from storage_schemas.clips import RecordingOutcome
from storage_schemas.errors import BuildFailedError, StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, RECORDING_FAMILIES, Family, PartIndex, RowRange
from tests.factories.file_systems import tiny_file_system
from tests.factories.staged_recordings import folder_bytes, stage_recording

KEY = "ab" * 16


@pytest.fixture
def staged(tmp_path: Path) -> list[Path]:
    """Three recordings: two clips, a rejection alone, and one long clip."""
    folders = [tmp_path / f"staged/{number}" for number in range(3)]
    for number, (folder, frames) in enumerate(zip(folders, [(5, 3), (), (150,)], strict=True)):
        stage_recording(folder, f"rec/{number}", frames)
    return folders


def _outcomes(staged: list[Path]) -> list[RecordingOutcome]:
    return [read_staged(folder).outcome for folder in staged]


def test_the_tar_is_the_recordings_members_one_after_the_other(staged: list[Path], tmp_path: Path) -> None:
    index = pack_part(Family.FRAMES, KEY, staged, tmp_path / "part")
    tar = (tmp_path / "part/frames.tar").read_bytes()
    parts = [folder / "frames.tar" for folder in staged]
    expected = b"".join(part.read_bytes()[:-1024] for part in parts if part.exists())
    assert tar == expected + bytes(1024)
    ranges = [recording.tar_bytes for recording in index.recordings]
    assert [r.start for r in ranges] == [0, ranges[0].count, ranges[0].count]
    assert [r.count for r in ranges] == [parts[0].stat().st_size - 1024, 0, parts[2].stat().st_size - 1024]
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as opened:
        assert len(opened.getnames()) == 2 * (5 + 3 + 150)


def test_the_index_describes_every_recording(staged: list[Path], tmp_path: Path) -> None:
    index = pack_part(Family.FRAMES, KEY, staged, tmp_path / "part")
    assert PartIndex.model_validate_json((tmp_path / "part" / PART_INDEX_FILE).read_bytes()) == index
    outcomes = _outcomes(staged)
    assert [r.recording_id for r in index.recordings] == ["rec/0", "rec/1", "rec/2"]
    assert [r.content_key for r in index.recordings] == [outcome.content_key for outcome in outcomes]
    assert [r.rejections for r in index.recordings] == [outcome.rejections for outcome in outcomes]
    clips = [item for recording in index.recordings for item in recording.clips]
    assert [item.clip for item in clips] == [clip for outcome in outcomes for clip in outcome.clips]
    assert [item.ranges["frames"] for item in clips] == [RowRange(start=s, count=c) for s, c in ((0, 5), (5, 3), (8, 150))]


def test_only_the_familys_own_hash_is_in_its_index(staged: list[Path], tmp_path: Path) -> None:
    for family in RECORDING_FAMILIES:
        index = pack_part(family, KEY, staged, tmp_path / family)
        for recording, outcome in zip(index.recordings, _outcomes(staged), strict=True):
            for item in recording.clips:
                expected = getattr(outcome.hashes[item.clip.clip_key], family.value)
                assert item.hashes.model_dump() == {"frames": "", "landmarks": "", "audio": ""} | {family.value: expected}


def test_objects_are_hashed(staged: list[Path], tmp_path: Path) -> None:
    for family in RECORDING_FAMILIES:
        index = pack_part(family, KEY, staged, tmp_path / family)
        files = folder_bytes(tmp_path / family)
        del files[PART_INDEX_FILE]
        assert [(o.path, o.size_bytes, o.sha256) for o in index.objects] == [
            (path, len(data), hashlib.sha256(data).hexdigest()) for path, data in sorted(files.items())
        ]


@pytest.mark.parametrize("family", [Family.LANDMARKS, Family.AUDIO])
def test_arrays_hold_every_clip(staged: list[Path], tmp_path: Path, family: Family) -> None:
    index = pack_part(family, KEY, staged, tmp_path / "part")
    group = zarr.open_group(tmp_path / f"part/{family}.zarr", mode="r")
    end: dict[str, int] = {}
    for folder, recording in zip(staged, index.recordings, strict=True):
        for item in recording.clips:
            for name, rows in item.ranges.items():
                assert rows.start == end.get(name, 0)
                end[name] = rows.start + rows.count
                stored = np.asarray(group[name][rows.start : end[name]])
                expected = np.load(folder / f"{item.clip.clip_key}.{name}.npy")
                assert stored.dtype == expected.dtype
                assert stored.tobytes() == expected.tobytes()
    assert {name: array.shape[0] for name, array in group.arrays()} == end
    for _, array in group.arrays():
        assert array.attrs["units"]


def test_chunks_and_shards_are_as_laid_down(staged: list[Path], tmp_path: Path) -> None:
    for family in (Family.LANDMARKS, Family.AUDIO):
        pack_part(family, KEY, staged, tmp_path / family)
    arrays = {
        p.name: zarr.open_array(p, mode="r") for f in ("landmarks", "audio") for p in (tmp_path / f / f"{f}.zarr").iterdir() if p.is_dir()
    }
    assert {name: (array.chunks[0], array.shards[0]) for name, array in arrays.items() if array.shards} == {
        "landmarks": (64, 4096), "detected": (4096, 262_144), "waveform": (16_000, 4_096_000), "log_mel": (256, 16_384),
    }  # fmt: skip


def test_rows_cross_zarr_shards(staged: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small Zarr shards, so that clips begin and end inside them and one clip spans several."""

    small = tuple(
        dataclasses.replace(layout, rows_per_chunk=7, chunks_per_zarr_shard=3) for layout in array_packing.arrays_of(Family.LANDMARKS)
    )
    monkeypatch.setattr(array_packing, "arrays_of", lambda _: small)
    pack_part(Family.LANDMARKS, KEY, staged, tmp_path / "part")
    stored = np.asarray(zarr.open_array(tmp_path / "part/landmarks.zarr/landmarks", mode="r")[:])
    keys = [clip.clip_key for outcome in _outcomes(staged) for clip in outcome.clips]
    expected = np.concatenate([np.load(next(tmp_path.glob(f"staged/*/{key}.landmarks.npy"))) for key in keys])
    assert stored.tobytes() == expected.tobytes()
    assert len(list((tmp_path / "part/landmarks.zarr/landmarks/c").iterdir())) == -(-158 // 21)


PACK_SCRIPT = """
import sys
from pathlib import Path
from pipelines.dataset.packing import pack_part
from storage_schemas.part_layout import Family
pack_part(Family(sys.argv[1]), sys.argv[2], [Path(folder) for folder in sys.argv[4:]], Path(sys.argv[3]))
"""


@pytest.mark.parametrize("family", RECORDING_FAMILIES)
def test_the_same_recordings_give_the_same_bytes_in_another_process(staged: list[Path], tmp_path: Path, family: Family) -> None:
    pack_part(family, KEY, staged, tmp_path / "here")
    arguments = [family.value, KEY, str(tmp_path / "there"), *map(str, staged)]
    subprocess.run([sys.executable, "-c", PACK_SCRIPT, *arguments], check=True, cwd=Path(__file__).parents[3])
    assert folder_bytes(tmp_path / "here") == folder_bytes(tmp_path / "there")


def test_a_part_without_clips_has_only_its_index(tmp_path: Path) -> None:
    stage_recording(tmp_path / "s", "x", ())
    for family in RECORDING_FAMILIES:
        index = pack_part(family, KEY, [tmp_path / "s"], tmp_path / family)
        assert list(folder_bytes(tmp_path / family)) == [PART_INDEX_FILE]
        assert index.objects == []
        assert index.recordings[0].rejections


def test_a_clip_is_only_in_its_families(tmp_path: Path) -> None:
    stage_recording(tmp_path / "still", "a", (1,), families=("frames",))
    stage_recording(tmp_path / "video", "b", (4,))
    staged = [tmp_path / "still", tmp_path / "video"]
    index = pack_part(Family.LANDMARKS, KEY, staged, tmp_path / "part")
    assert [len(recording.clips) for recording in index.recordings] == [0, 1]
    assert index.recordings[1].clips[0].ranges["landmarks"] == RowRange(start=0, count=4)


def _rewrite(folder: Path, name: str, change: Any) -> None:  # noqa: ANN401
    path = next(folder.glob(f"*.{name}.npy"))
    values = np.load(path)
    np.save(path, change(values))


@pytest.mark.parametrize(
    ("family", "name", "change", "message"),
    [
        (Family.LANDMARKS, "landmarks", lambda a: a[:, :470], r"landmarks must be float32 \(5, 478, 3\), found float32 \(5, 470, 3\)"),
        (Family.LANDMARKS, "landmarks", lambda a: a.astype(np.float64), "found float64"),
        (Family.LANDMARKS, "landmarks", lambda a: a[:-1], r"found float32 \(4, 478, 3\)"),
        (Family.LANDMARKS, "landmarks", lambda a: np.full_like(a, np.inf), "frame 0 must be finite, since detected is True"),
        (Family.LANDMARKS, "landmarks", np.nan_to_num, "frame 2 must be NaN, since detected is False"),
        (Family.AUDIO, "waveform", lambda a: a[:-1], r"waveform must be int16 \(3200\), found int16 \(3199,\)"),
        (Family.AUDIO, "log_mel", lambda a: a[:, :40], "log_mel must be float32"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path: Path, family: Family, name: str, change: Any, message: str) -> None:  # noqa: ANN401
    stage_recording(tmp_path / "s", "x", (5,))
    _rewrite(tmp_path / "s", name, change)
    with pytest.raises(BuildFailedError, match=message):
        pack_part(family, KEY, [tmp_path / "s"], tmp_path / "part")
    assert not (tmp_path / "part" / PART_INDEX_FILE).exists()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-1024], "expected the end of the archive"),
        (lambda data: data[:512] + b"x" * 512 + data[1024:-2048], "expected the end of the archive|found no tar header"),
        (lambda data: b"other" + data[5:], "found no tar header"),
        (lambda data: data[:2000], "found no tar header|expected the end"),
        (lambda data: data[:-1024] + data, "expected the end of the archive"),
    ],
)
def test_a_damaged_staged_tar_is_refused(tmp_path: Path, damage: Any, message: str) -> None:  # noqa: ANN401
    stage_recording(tmp_path / "s", "x", (3,))
    tar = tmp_path / "s/frames.tar"
    tar.write_bytes(damage(tar.read_bytes()))
    with pytest.raises(BuildFailedError, match=message):
        pack_part(Family.FRAMES, KEY, [tmp_path / "s"], tmp_path / "part")


def test_missing_files_are_named(tmp_path: Path) -> None:
    stage_recording(tmp_path / "s", "x", (3,))
    (tmp_path / "s/frames.tar").unlink()
    next((tmp_path / "s").glob("*.log_mel.npy")).unlink()
    with pytest.raises(BuildFailedError, match=r"its outcome has frames, but .* is not there"):
        pack_part(Family.FRAMES, KEY, [tmp_path / "s"], tmp_path / "1")
    with pytest.raises(BuildFailedError, match=r"log_mel\.npy is not there"):
        pack_part(Family.AUDIO, KEY, [tmp_path / "s"], tmp_path / "2")
    with pytest.raises(FileNotFoundError):
        pack_part(Family.AUDIO, KEY, [tmp_path / "nothing"], tmp_path / "3")


def test_the_same_recording_twice_is_refused(tmp_path: Path) -> None:
    stage_recording(tmp_path / "s", "x", (3,))
    with pytest.raises(BuildFailedError, match="have the same key"):
        pack_part(Family.FRAMES, KEY, [tmp_path / "s"] * 2, tmp_path / "part")


def test_the_index_is_written_last(staged: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for family, module, name in [(Family.FRAMES, packing, "_pack_frames"), (Family.AUDIO, packing, "write_family_arrays")]:
        monkeypatch.setattr(module, name, fail)
        with pytest.raises(StoreError, match=r"cannot write .*: no space left"):
            pack_part(family, KEY, staged, tmp_path / family)
        assert not (tmp_path / family / PART_INDEX_FILE).exists()


@pytest.mark.parametrize("family", RECORDING_FAMILIES)
def test_a_full_disk_is_named_and_nothing_is_published(tmp_path: Path, family: Family) -> None:
    stage_recording(tmp_path / "s", "x", (300,))
    with tiny_file_system("192k") as disk, LocalObjectStore(disk) as store:
        with pytest.raises(StoreError, match=r"cannot write .*: no space left .*; free some space"):
            pack_part(family, KEY, [tmp_path / "s"], store.scratch_folder() / "part")
        assert list(store.list_objects("")) == []
        store.close()
        assert list((disk / "scratch").iterdir()) == []


def test_part_json_is_canonical(staged: list[Path], tmp_path: Path) -> None:
    pack_part(Family.FRAMES, KEY, staged, tmp_path / "part")
    data = (tmp_path / "part" / PART_INDEX_FILE).read_bytes()
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


WEBDATASET_SCRIPT = """
import json, sys, warnings
warnings.simplefilter("ignore")
import webdataset
samples = [
    {"key": s["__key__"], "members": sorted(k for k in s if not k.startswith("__")), "jpg": len(s["jpg"]), "json": json.loads(s["json"])}
    for s in webdataset.WebDataset(sys.argv[1], shardshuffle=False)
]
print(json.dumps(samples))
"""


def test_webdataset_reads_the_frames(staged: list[Path], tmp_path: Path) -> None:
    index = pack_part(Family.FRAMES, KEY, staged, tmp_path / "part")
    environment = os.environ | {"WDS_SECURE": "1", "WDS_PYTORCH_WEIGHTS_ONLY": "1"}
    command = [sys.executable, "-c", WEBDATASET_SCRIPT, str(tmp_path / "part/frames.tar")]
    samples = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    clips = [item.clip for recording in index.recordings for item in recording.clips]
    assert [sample["key"] for sample in samples] == [f"{clip.clip_key}-{k:06d}" for clip in clips for k in range(clip.frames)]
    assert all(sample["members"] == ["jpg", "json"] for sample in samples)
    assert [sample["json"]["frame"] for sample in samples] == [k for clip in clips for k in range(clip.frames)]
    with tarfile.open(tmp_path / "part/frames.tar") as tar:
        assert [sample["jpg"] for sample in samples] == [member.size for member in tar if member.name.endswith(".jpg")]
