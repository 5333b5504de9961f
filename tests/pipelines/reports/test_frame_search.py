from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from pipelines.reports.frame_search import read_frame_jpeg
from storage_schemas.clips import FamilyHashes
from storage_schemas.errors import StoreError
from storage_schemas.identifiers import clip_key
from storage_schemas.part_layout import PartClip, PartRecording, RowRange, frame_name
from tests.factories.dataset_parts import SyntheticRecording


class _TarInMemory:
    """The one method of a store that is used, counting what is read."""

    uri = "memory"

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads = 0
        self.bytes_read = 0

    def read_range(self, path: str, start: int, count: int) -> bytes:
        assert path == "parts/frames/aa/aabb/frames.tar"
        block = self.data[start : start + count]
        self.reads += 1
        self.bytes_read += len(block)
        return block


def recording_in_tar(sizes: dict[str, list[int]], before_bytes: int = 0) -> tuple[_TarInMemory, PartRecording, dict[str, bytes]]:
    """Return a tar that begins with something else, and in it a recording whose clips have pictures of given sizes."""
    clips = SyntheticRecording("M003/angry/001", tuple(map(len, sizes.values()))).clips()
    clips = [clip.model_copy(update={"clip_key": clip_key(name)}) for clip, name in zip(clips, sizes, strict=True)]
    stream, pictures = io.BytesIO(), {}
    rng = np.random.default_rng(0)
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(before_bytes // 1024):
            _add(tar, f"{clip_key('other')}-{number:06d}.jpg", bytes(400))
        begin = stream.tell()
        for clip, of_clip in zip(clips, sizes.values(), strict=True):
            for index, size in enumerate(of_clip):
                name = frame_name(clip.clip_key, index)
                pictures[name] = rng.bytes(size)
                _add(tar, f"{name}.jpg", pictures[name])
                _add(tar, f"{name}.json", b"{}")
        end = stream.tell()
        _add(tar, f"{clip_key('next')}-000000.jpg", bytes(3000))
    recording = PartRecording(
        recording_id="M003/angry/001",
        content_key="",
        clips=[PartClip(clip=clip, hashes=FamilyHashes()) for clip in clips],
        tar_bytes=RowRange(start=begin, count=end - begin),
    )
    return _TarInMemory(stream.getvalue()), recording, pictures


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


SIZES = {
    "equal": {"a": [50_000] * 120},
    "several clips": {"a": [3000] * 7, "b": [90_000] * 40, "c": [1], "d": [20_000] * 60},
    "one frame": {"a": [1234]},
    "growing": {"a": [int(size) for size in np.geomspace(500, 300_000, 60)]},
    "one of several windows": {"a": [1000] * 50 + [3_000_000] + [1000] * 50},
    "huge": {"a": [1_500_000] * 3},
    "random": {"a": np.random.default_rng(3).integers(1, 120_000, 150).tolist()},
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_every_frame_is_found(sizes: dict[str, list[int]]) -> None:
    store, recording, pictures = recording_in_tar(sizes, before_bytes=300_000)

    for item in recording.clips:
        for index in range(item.clip.frames):
            found = read_frame_jpeg(store, "aabb", recording, item.clip.clip_key, index)  # type: ignore[arg-type]
            assert found == pictures[frame_name(item.clip.clip_key, index)]


def test_little_of_a_long_recording_is_read() -> None:
    sizes = np.random.default_rng(1).normal(20_000, 4000, 2000).clip(1000).astype(int).tolist()
    store, recording, _ = recording_in_tar({"a": sizes})

    for index in (0, 1000, 1999, 333):
        store.reads = store.bytes_read = 0
        read_frame_jpeg(store, "aabb", recording, clip_key("a"), index)  # type: ignore[arg-type]
        assert store.reads <= 5
        assert store.bytes_read < 2**21


def test_bytes_that_look_like_a_header_are_not_taken_for_one() -> None:
    header = tarfile.TarInfo(f"{clip_key('a')}-000001.jpg").tobuf(tarfile.USTAR_FORMAT)
    spoiled = header[:150] + b"x" + header[151:]
    store, recording, pictures = recording_in_tar({"a": [512 * 3] * 4})
    place = store.data.index(pictures[frame_name(clip_key("a"), 0)])
    store.data = store.data[:place] + spoiled + store.data[place + 512 :]

    assert read_frame_jpeg(store, "aabb", recording, clip_key("a"), 1) == pictures[frame_name(clip_key("a"), 1)]  # type: ignore[arg-type]


def test_a_frame_that_is_not_there_is_a_store_error() -> None:
    store, recording, _ = recording_in_tar({"a": [2000] * 30})
    store.data = store.data.replace(f"{frame_name(clip_key('a'), 17)}.jpg".encode(), b"something-else.jpg")

    with pytest.raises(StoreError, match="expected frame 17 of clip"):
        read_frame_jpeg(store, "aabb", recording, clip_key("a"), 17)  # type: ignore[arg-type]
    store.data = b""
    with pytest.raises(StoreError, match="found none"):
        read_frame_jpeg(store, "aabb", recording, clip_key("a"), 3)  # type: ignore[arg-type]
