from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from pipelines.audio.loading import load_audio_file
from pipelines.audio.log_mel import log_mel
from pipelines.generation.audio_features import AudioFile, GuardedAudio, MelAudio, WaveformAudio
from storage_schemas.build_spec import AudioSettings
from storage_schemas.errors import BadInputError, ItemRejectedError
from tests.factories.coefficient_models import speech_like_mel


def speech_like(seconds: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    samples = round(seconds * 16000)
    return (0.3 * rng.normal(size=samples) * np.abs(np.sin(np.arange(samples) / 3000))).astype(np.float32)


def write_wav(path: Path, waveform: np.ndarray, rate_hz: int = 16000) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(waveform, -1, 1) * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("seconds", [0.01, 1.0, 7.3])
def test_a_file_in_pieces_is_the_file_as_a_whole(tmp_path: Path, seconds: float) -> None:
    path = write_wav(tmp_path / "speech.wav", speech_like(seconds))
    whole = log_mel(load_audio_file(path), AudioSettings())
    audio = AudioFile(path)
    pieces = [audio.read(first, min(first + 37, audio.columns)) for first in range(0, audio.columns, 37)]

    assert audio.columns == len(whole)
    assert audio.frames == max(1, round(seconds * 25 + 1e-9))
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-3)


def test_going_back_reads_the_same(tmp_path: Path) -> None:
    audio = AudioFile(write_wav(tmp_path / "speech.wav", speech_like(30.0)))
    first = audio.read(100, 200)
    audio.read(2000, 2100)

    np.testing.assert_array_equal(audio.read(100, 200), first)


def test_a_long_file_is_never_held(tmp_path: Path) -> None:
    audio = AudioFile(write_wav(tmp_path / "speech.wav", speech_like(60.0)))
    largest = 0
    for first in range(0, audio.columns, 100):
        audio.read(first, min(first + 100, audio.columns))
        largest = max(largest, len(audio._held))

    assert largest < 5 * 16000


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "speech.wav", speech_like(5.0))
    audio = AudioFile(path)
    write_wav(path, speech_like(1.0))

    with pytest.raises(BadInputError, match="has changed"):
        audio.read(300, 400)


def test_a_guard_gives_silence_and_remembers(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "speech.wav", speech_like(5.0))
    guarded = GuardedAudio(AudioFile(path))
    path.unlink()
    path.mkdir()

    mel = guarded.read(0, 10)
    mel_later = guarded.read(10, 20)

    assert mel.shape == mel_later.shape == (10, 80)
    assert (mel == -4).all()
    assert str(path) in guarded.problem or "regular file" in guarded.problem


def test_a_waveform_gives_its_log_mel() -> None:
    waveform = speech_like(2.0)
    audio = WaveformAudio(waveform)

    np.testing.assert_array_equal(audio.read(0, audio.columns), log_mel(waveform, AudioSettings()))
    assert audio.frames == 50


def test_a_log_mel_knows_its_length() -> None:
    assert [MelAudio(speech_like_mel(frames)).frames for frames in (5, 25, 100)] == [5, 25, 100]


@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros(0, np.float32), "empty"),
        (np.zeros((2, 100), np.float32), "expected samples"),
        (np.array([0, np.nan, 0], np.float32), "not-a-numbers"),
        (np.array([np.inf], np.float32), "infinities"),
    ],
)
def test_unusable_samples_are_named(waveform: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        WaveformAudio(waveform)


def test_an_empty_file_and_one_that_is_no_sound_are_named(tmp_path: Path) -> None:
    write_wav(tmp_path / "empty.wav", np.zeros(0))
    (tmp_path / "text.wav").write_text("not a sound")

    with pytest.raises((BadInputError, ItemRejectedError), match=r"empty|track|audio"):
        AudioFile(tmp_path / "empty.wav")
    with pytest.raises(ItemRejectedError):
        AudioFile(tmp_path / "text.wav")


def test_silence_is_fine() -> None:
    audio = WaveformAudio(np.zeros(16000, np.float32))

    assert (audio.read(0, 10) == -4).all()
