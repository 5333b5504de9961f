from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from pipelines.dataset.staging import StagedRecordingWriter, read_array_header, read_staged, write_array
from storage_schemas.clips import RecordingOutcome
from storage_schemas.errors import BuildFailedError, StoreError
from tests.factories.staged_recordings import folder_bytes, make_clip, make_landmarks, make_rejection, stage_recording


def test_what_is_staged_can_be_read(tmp_path: Path) -> None:
    outcome = stage_recording(tmp_path / "s", "M003/front/angry/level_1/001")
    staged = read_staged(tmp_path / "s")
    assert staged.outcome == outcome
    with tarfile.open(staged.frames_tar, "r:") as tar:
        members = tar.getmembers()
        names = [member.name for member in members]
        first = tar.extractfile(names[1])
        assert first is not None
        assert first.read() == f'{{"clip_id":"{outcome.clips[0].clip_id}","frame":0,"held":false}}'.encode()
    keys = [clip.clip_key for clip in outcome.clips]
    expected = [
        f"{key}-{index:06d}.{suffix}"
        for key, count in zip(keys, (5, 3), strict=True)
        for index in range(count)
        for suffix in ("jpg", "json")
    ]
    assert names == expected
    assert {(m.mtime, m.mode, m.uid, m.gid, m.uname, m.gname, m.isreg()) for m in members} == {(0, 0o444, 0, 0, "", "", True)}


def test_the_tar_is_what_pythons_tarfile_writes(tmp_path: Path) -> None:
    stage_recording(tmp_path / "s", "a", frames=(2,))
    written = (tmp_path / "s/frames.tar").read_bytes()
    expected = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(written)) as source,
        tarfile.open(fileobj=expected, mode="w", format=tarfile.USTAR_FORMAT) as target,
    ):
        for member in source:
            target.addfile(member, source.extractfile(member))
    assert expected.getvalue().startswith(written)
    assert not expected.getvalue()[len(written) :].strip(b"\0")  # tarfile only pads further


def test_hashes_cover_the_decoded_content(tmp_path: Path) -> None:
    outcome = stage_recording(tmp_path / "s", "a", frames=(6,))
    key = outcome.clips[0].clip_key
    with tarfile.open(tmp_path / "s/frames.tar") as tar:
        images = b"".join(tar.extractfile(m).read() for m in tar if m.name.endswith(".jpg"))  # type: ignore[union-attr]
    arrays = {name: np.load(tmp_path / f"s/{key}.{name}.npy") for name in ("landmarks", "detected", "waveform", "log_mel")}
    hashes = outcome.hashes[key]
    assert hashes.frames == hashlib.sha256(images).hexdigest()
    assert hashes.landmarks == hashlib.sha256(arrays["landmarks"].tobytes() + arrays["detected"].tobytes()).hexdigest()
    assert hashes.audio == hashlib.sha256(arrays["waveform"].tobytes() + arrays["log_mel"].tobytes()).hexdigest()


def test_the_same_recording_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in "ab":
        stage_recording(tmp_path / name, "x")
    assert folder_bytes(tmp_path / "a") == folder_bytes(tmp_path / "b")


def test_a_recording_without_clips_has_only_its_outcome(tmp_path: Path) -> None:
    stage_recording(tmp_path / "s", "x", frames=())
    assert list(folder_bytes(tmp_path / "s")) == ["outcome.json"]
    assert read_staged(tmp_path / "s").outcome.rejections == [make_rejection("x")]


@pytest.mark.parametrize(
    ("families", "expected"),
    [(("frames",), (True, False, False)), (("audio",), (False, False, True)), (("frames", "landmarks"), (True, True, False))],
)
def test_hashes_are_empty_for_families_that_are_not_there(tmp_path: Path, families: tuple[str, ...], expected: tuple[bool, ...]) -> None:
    outcome = stage_recording(tmp_path / "s", "x", frames=(1,), families=families)
    hashes = outcome.hashes[outcome.clips[0].clip_key]
    assert (bool(hashes.frames), bool(hashes.landmarks), bool(hashes.audio)) == expected


def test_an_unfinished_recording_is_none(tmp_path: Path) -> None:
    with StagedRecordingWriter(tmp_path / "s") as writer:
        writer.add_frame("0" * 16, 0, b"jpeg", {})
    with pytest.raises(FileNotFoundError):
        read_staged(tmp_path / "s")


def test_a_damaged_outcome_is_named(tmp_path: Path) -> None:
    (tmp_path / "outcome.json").write_bytes(b'{"recording_id": 3}')
    with pytest.raises(BuildFailedError, match="expected the outcome of a recording"):
        read_staged(tmp_path)


def test_frames_must_come_in_order(tmp_path: Path) -> None:
    with StagedRecordingWriter(tmp_path / "s") as writer:
        writer.add_frame("a" * 16, 0, b"x", {})
        with pytest.raises(BuildFailedError, match="expected frame 1, got frame 2"):
            writer.add_frame("a" * 16, 2, b"x", {})
        writer.add_frame("b" * 16, 0, b"x", {})
        with pytest.raises(BuildFailedError, match="must come in one run"):
            writer.add_frame("a" * 16, 1, b"x", {})


def test_arrays_are_checked(tmp_path: Path) -> None:
    landmarks, detected = make_landmarks(np.random.default_rng(0), 4)
    with StagedRecordingWriter(tmp_path / "s") as writer:
        with pytest.raises(BuildFailedError, match="expected each of"):
            writer.add_array("a" * 16, "detected", detected)
        with pytest.raises(BuildFailedError, match=r"landmarks must be float32 .* found float64"):
            writer.add_array("a" * 16, "landmarks", landmarks.astype(np.float64))
        writer.add_array("a" * 16, "landmarks", landmarks)
        with pytest.raises(BuildFailedError, match="expected each of"):
            writer.add_array("a" * 16, "landmarks", landmarks)


def _outcome(frames: int) -> RecordingOutcome:
    return RecordingOutcome(recording_id="r", content_key="c", clips=[make_clip("r", 0, frames)])


def test_finish_compares_with_the_outcome(tmp_path: Path) -> None:
    key = make_clip("r", 0, 1).clip_key
    with StagedRecordingWriter(tmp_path / "1") as writer:
        writer.add_frame(key, 0, b"x", {})
        with pytest.raises(BuildFailedError, match="says 2 frames, 1 were written"):
            writer.finish(_outcome(2))
    with StagedRecordingWriter(tmp_path / "2") as writer:
        writer.add_frame("f" * 16, 0, b"x", {})
        with pytest.raises(BuildFailedError, match="frames came for"):
            writer.finish(_outcome(1))
    with StagedRecordingWriter(tmp_path / "3") as writer:
        writer.add_array(key, "landmarks", np.zeros((2, 478, 3), np.float32))
        with pytest.raises(BuildFailedError, match="detected was not written"):
            writer.finish(_outcome(2))
    with StagedRecordingWriter(tmp_path / "4") as writer:
        writer.add_array(key, "waveform", np.zeros(641, np.int16))
        writer.add_array(key, "log_mel", np.zeros((4, 80), np.float32))
        with pytest.raises(BuildFailedError, match=r"waveform must be int16 \(640\), found int16 \(641,\)"):
            writer.finish(_outcome(1))


def test_a_full_disk_says_so(tmp_path: Path) -> None:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("/dev/full does not exist on this system")
    folder = tmp_path / "s"
    with StagedRecordingWriter(folder) as writer:
        (folder / "frames.tar").symlink_to(device)
        writer._tar = (folder / "frames.tar").open("wb", buffering=1024)
        with pytest.raises(StoreError, match=r"cannot write .*frames\.tar: no space left .*free some space"):
            writer.add_frame("a" * 16, 0, bytes(5000), {})
        writer._tar = None


@pytest.mark.parametrize(
    "values", [np.zeros((3, 478, 3), np.float32), np.array([True, False]), np.arange(7, dtype=np.int16), np.zeros((0, 80), np.float32)]
)
def test_npy_files_are_numpys_own(tmp_path: Path, values: np.ndarray) -> None:
    with (tmp_path / "ours.npy").open("wb") as stream:
        write_array(stream, values)
    np.save(tmp_path / "numpys.npy", values)
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpys.npy").read_bytes()
    header = read_array_header(tmp_path / "ours.npy")
    assert (header.shape, header.dtype) == (values.shape, values.dtype)


def test_other_files_are_no_arrays(tmp_path: Path) -> None:
    (tmp_path / "x.npy").write_bytes(b"text")
    with pytest.raises(BuildFailedError, match=r"expected an \.npy file"):
        read_array_header(tmp_path / "x.npy")
