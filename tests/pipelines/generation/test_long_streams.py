"""Memory of a long stream."""

from __future__ import annotations

import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from pipelines.generation.audio_features import AudioFile
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import GenerationRequest, SequenceChunk
from tests.factories.coefficient_models import blink_model, expression_model, pose_model


def write_long_wav(path: Path, seconds: int) -> Path:
    rng = np.random.default_rng(0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        for _ in range(seconds):
            file.writeframes((3000 * rng.normal(size=16000)).clip(-32000, 32000).astype("<i2").tobytes())
    return path


def peak_bytes(path: Path) -> tuple[int, int]:
    """Return the most memory that Python and numpy hold while a file is streamed, and its frames."""
    generator = CoefficientGenerator(expression_model(steps=1, blinks=blink_model()), pose_model())
    tracemalloc.start()
    frames = 0
    for chunk in generator.stream([GenerationRequest("long", AudioFile(path))], chunk_frames=250):
        assert isinstance(chunk, SequenceChunk)
        frames += len(chunk.beta)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, frames


@pytest.mark.slow
def test_ten_minutes_take_no_more_memory_than_one(tmp_path: Path) -> None:
    short, _ = peak_bytes(write_long_wav(tmp_path / "short.wav", 60))
    long, frames = peak_bytes(write_long_wav(tmp_path / "long.wav", 600))

    assert frames == 15000
    assert long < short + 2_000_000
