"""The spectrogram equals a plain rendering of Wav2Lip's formula, and the filters those of librosa."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.audio import log_mel as module
from pipelines.audio.log_mel import log_mel, mel_filters
from storage_schemas.build_spec import AudioSettings

SETTINGS = AudioSettings()


def _noise(samples: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(3).standard_normal(samples)).astype(np.float32)


def _plain_filters() -> np.ndarray:
    """librosa.filters.mel(htk=False, norm="slaney") written out, one triangle at a time."""

    def to_mel(hz: float) -> float:
        return hz / (200 / 3) if hz < 1000 else 15 + np.log(hz / 1000) / (np.log(6.4) / 27)

    def to_hz(mel: float) -> float:
        return mel * 200 / 3 if mel < 15 else 1000 * np.exp((mel - 15) * np.log(6.4) / 27)

    low, high = to_mel(SETTINGS.fmin_hz), to_mel(SETTINGS.fmax_hz)
    edges = [to_hz(low + (high - low) * step / 81) for step in range(82)]
    filters = np.zeros((80, 401))
    for band in range(80):
        left, centre, right = edges[band : band + 3]
        for bin_index in range(401):
            hz = bin_index * 16000 / 800
            value = min((hz - left) / (centre - left), (right - hz) / (right - centre))
            filters[band, bin_index] = max(0.0, value) * 2 / (right - left)
    return filters


def _plain_log_mel(waveform: np.ndarray) -> np.ndarray:
    """Wav2Lip's audio.melspectrogram, one column at a time, in double precision."""
    samples = waveform.astype(np.float64)
    emphasised = np.concatenate([samples[:1], samples[1:] - 0.97 * samples[:-1]])
    padded = np.pad(emphasised, 400, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(800) / 800)
    filters = _plain_filters()
    columns = []
    for start in range(0, len(padded) - 799, 200):
        magnitudes = np.abs(np.fft.rfft(padded[start : start + 800] * window))
        level_db = 20 * np.log10(np.maximum(1e-5, filters @ magnitudes)) - 20
        columns.append(np.clip(8 * (level_db + 100) / 100 - 4, -4, 4))
    return np.array(columns)


def test_filters_are_librosas() -> None:
    np.testing.assert_allclose(mel_filters(SETTINGS), _plain_filters(), atol=1e-8)
    # Values of librosa.filters.mel(sr=16000, n_fft=800, n_mels=80, fmin=55, fmax=7600) have unit area in Hz.
    areas = mel_filters(SETTINGS).sum(axis=1) * 20
    assert np.all(np.abs(areas[10:] - 1) < 0.3)


@pytest.mark.parametrize("samples", [16000, 16123, 801, 500])
def test_equals_the_plain_formula(samples: int) -> None:
    waveform = _noise(samples)
    result = log_mel(waveform, SETTINGS)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, _plain_log_mel(waveform), atol=2e-4)


@pytest.mark.parametrize("samples", [0, 1, 2, 199, 200, 640, 16000])
def test_shape_at_the_edges(samples: int) -> None:
    assert log_mel(_noise(samples), SETTINGS).shape == (1 + samples // 200, 80)


def test_silence_is_the_floor_and_loudness_is_clipped() -> None:
    assert np.all(log_mel(np.zeros(3200, np.float32), SETTINGS) == -4)
    assert log_mel(1e6 * _noise(3200), SETTINGS).max() == 4


def test_result_does_not_depend_on_how_the_work_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    waveform = _noise(50_000)
    whole = log_mel(waveform, SETTINGS)
    monkeypatch.setattr(module, "_COLUMNS_AT_ONCE", 7)
    np.testing.assert_array_equal(log_mel(waveform, SETTINGS), whole)


def test_a_tone_is_in_its_band() -> None:
    waveform = (0.5 * np.sin(2 * np.pi * 1000 * np.arange(16000) / 16000)).astype(np.float32)
    centres_hz = mel_filters(SETTINGS).argmax(axis=1) * 20
    assert abs(centres_hz[log_mel(waveform, SETTINGS)[40].argmax()] - 1000) <= 40


def test_bad_waveforms_are_refused() -> None:
    with pytest.raises(ValueError, match="vector"):
        log_mel(np.zeros((2, 100), np.float32), SETTINGS)
    with pytest.raises(ValueError, match="not-a-numbers"):
        log_mel(np.array([0, np.nan], np.float32), SETTINGS)
