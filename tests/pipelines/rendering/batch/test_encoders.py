from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import av
import numpy as np
import pytest

from pipelines.rendering.batch.encoders import EncoderPool
from pipelines.rendering.batch.encoding_request import EncodingRequest
from pipelines.rendering.batch.prepared import UnusableInputError
from storage_schemas.errors import StoreError
from storage_schemas.render_results import RenderFailure

SIZE_PX, RATE_HZ = 32, 48_000


def request(folder: Path, frames: int, name: str = "clip.mp4", seconds: float = 1.0) -> EncodingRequest:
    sound = folder / "sound.s16"
    samples = np.sin(np.arange(int(seconds * RATE_HZ)) * 0.06)
    (samples * 20000).astype(np.int16).tofile(sound)
    return EncodingRequest(
        path=str(folder / name), size_px=SIZE_PX, frames=frames, sound=str(sound), rate_hz=RATE_HZ,
        metadata={"comment": "Synthetic", "description": "{}"}, preset="ultrafast",
    )  # fmt: skip


def frames(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, SIZE_PX, SIZE_PX, 3)).astype(np.uint8)


def test_clips_have_all_frames_and_sound_that_ends_with_them(tmp_path: Path) -> None:
    lengths = {"short.mp4": 1, "half.mp4": 13, "long.mp4": 40}  # the sound lasts 25 frames
    with EncoderPool(2, 8, tmp_path) as pool:
        clips = []
        for name, length in lengths.items():
            clip = pool.begin(request(tmp_path, length, name))
            for start in range(0, length, 8):
                clip.write(frames(min(8, length - start), start))
            clips.append(clip)
        encoded = [clip.done.result(timeout=60) for clip in clips]

    for found, length in zip(encoded, lengths.values(), strict=True):
        assert found.size_bytes == found.path.stat().st_size
        assert found.thumbnail.startswith(b"\xff\xd8")
        with av.open(str(found.path)) as container:
            video, sound = container.streams.video[0], container.streams.audio[0]
            assert video.frames == length
            assert container.metadata["comment"] == "Synthetic"
            for stream in (video, sound):
                assert stream.start_time == 0
                assert float(stream.duration * stream.time_base) == pytest.approx(length / 25, abs=1e-3)
            first = next(container.decode(sound))
            assert first.pts == 0
            # The tone is there from the first moment on: the encoder's own delay is not played.
            assert np.abs(first.to_ndarray()[0, :480]).max() > 0.3


def test_an_unwritable_file_is_trouble_of_the_store_and_the_next_clip_is_fine(tmp_path: Path) -> None:
    with EncoderPool(1, 8, tmp_path) as pool:
        bad = pool.begin(request(tmp_path, 4, "not/there/clip.mp4"))
        bad.write(frames(4))
        good = pool.begin(request(tmp_path, 4))
        good.write(frames(4))
        assert isinstance(bad.done.exception(timeout=60), StoreError)
        assert good.done.result(timeout=60).path.exists()


def test_a_process_that_is_killed_costs_one_clip(tmp_path: Path) -> None:
    with EncoderPool(1, 8, tmp_path) as pool:
        killed = pool.begin(request(tmp_path, 300, "killed.mp4"))
        killed.write(frames(8))
        process = wait_for_process(pool)
        os.kill(process, signal.SIGKILL)
        for length in [8] * 36 + [4]:
            killed.write(frames(length))
        error = killed.done.exception(timeout=60)
        assert isinstance(error, UnusableInputError)
        assert error.reason is RenderFailure.CRASHED
        good = pool.begin(request(tmp_path, 4))
        good.write(frames(4))
        assert good.done.result(timeout=60).path.exists()


def test_what_is_under_way_when_the_pool_is_left_in_trouble_leaves_no_process(tmp_path: Path) -> None:
    pool = EncoderPool(1, 8, tmp_path)
    clip = pool.begin(request(tmp_path, 300))
    clip.write(frames(8))
    process = wait_for_process(pool)
    pool.__exit__(KeyboardInterrupt)
    assert clip.done.exception(timeout=10) is not None
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def wait_for_process(pool: EncoderPool) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        process = pool._encoders[0]._process
        if process is not None:
            return process.pid
        time.sleep(0.01)
    raise AssertionError("no process")
