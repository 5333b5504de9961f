"""Log-mel spectrograms as Wav2Lip, SadTalker, EDTalk and SAAS compute them, 80 columns a second, without librosa.

Reference: hparams.py and audio.py of Rudrabha/Wav2Lip (librosa 0.7: centred STFT with reflected edges, periodic Hann window,
magnitudes not powers, Slaney mel filters of unit area).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import scipy.fft
import scipy.signal
import scipy.sparse
from numpy.typing import NDArray

from storage_schemas.build_spec import AudioSettings

_COLUMNS_AT_ONCE = 4096  # 26 MB of windows at n_fft 800: hours of sound in bounded memory


def log_mel(waveform: NDArray[np.float32], settings: AudioSettings) -> NDArray[np.float32]:
    """Return the normalised log-mel spectrogram of a waveform.

    Column c is centred on sample c * hop_samples. The result does not depend on the number of threads or on how the work is cut.

    Args:
        waveform: float32 (samples,), mono at `settings.sample_rate_hz`, nominally -1..1.
        settings: window, mel and level parameters.

    Returns:
        float32 (1 + samples // hop_samples, n_mels), within +-max_abs_value; silence is -max_abs_value.

    Raises:
        ValueError: if the waveform is not a vector or holds a sample that is not finite.
    """
    if waveform.ndim != 1:
        raise ValueError(f"waveform must be a vector, got shape {waveform.shape}")
    if not np.isfinite(waveform).all():
        raise ValueError("waveform holds infinities or not-a-numbers")
    filters = _sparse_filters(settings)
    result = np.empty((1 + len(waveform) // settings.hop_samples, settings.n_mels), np.float32)
    for start, windows in _windows(_padded(waveform, settings), len(result), settings):
        magnitudes = np.abs(scipy.fft.rfft(windows, axis=1))
        # A sparse product adds in a fixed order; a dense one would round differently with the number of rows and threads.
        result[start : start + len(windows)] = (filters @ magnitudes.T).T
    return _normalised_levels(result, settings)


def mel_filters(settings: AudioSettings) -> NDArray[np.float32]:
    """Return the Slaney mel filter bank: float32 (n_mels, 1 + n_fft // 2), as librosa.filters.mel gives by default.

    Reference: Slaney, Auditory Toolbox (1998): linear below 1 kHz, logarithmic above, triangles of unit area.
    """
    bins_hz = np.linspace(0.0, settings.sample_rate_hz / 2, 1 + settings.n_fft // 2)
    edges_mel = np.linspace(_hz_to_mel(settings.fmin_hz), _hz_to_mel(settings.fmax_hz), settings.n_mels + 2)
    edges_hz = _mel_to_hz(edges_mel)
    widths_hz = np.diff(edges_hz)
    ramps = edges_hz[:, None] - bins_hz[None, :]
    rising, falling = -ramps[:-2] / widths_hz[:-1, None], ramps[2:] / widths_hz[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2.0 / (edges_hz[2:] - edges_hz[:-2]))[:, None]).astype(np.float32)
    return filters


_LINEAR_HZ_PER_MEL = 200.0 / 3
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _hz_to_mel(hz: float) -> float:
    return float(_LOG_FROM_MEL + np.log(hz / _LOG_FROM_HZ) / _LOG_STEP) if hz >= _LOG_FROM_HZ else hz / _LINEAR_HZ_PER_MEL


def _mel_to_hz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mels - _LOG_FROM_MEL))
    return np.where(mels >= _LOG_FROM_MEL, logarithmic, mels * _LINEAR_HZ_PER_MEL)


@lru_cache(maxsize=4)
def _sparse_filters(settings: AudioSettings) -> scipy.sparse.csr_matrix:
    return scipy.sparse.csr_matrix(mel_filters(settings))


def _padded(waveform: NDArray[np.float32], settings: AudioSettings) -> NDArray[np.float32]:
    """Apply pre-emphasis, then reflect the edges so that the first window is centred on sample 0."""
    half = settings.n_fft // 2
    if len(waveform) == 0:
        return np.zeros(2 * half, np.float32)
    emphasised = scipy.signal.lfilter(
        np.array([1.0, -settings.preemphasis], np.float32), np.ones(1, np.float32), waveform.astype(np.float32)
    )
    return np.pad(emphasised, half, mode="reflect")


def _windows(padded: NDArray[np.float32], columns: int, settings: AudioSettings) -> Iterator[tuple[int, NDArray[np.float32]]]:
    window = scipy.signal.get_window("hann", settings.n_fft, fftbins=True).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(padded, settings.n_fft)[:: settings.hop_samples][:columns]
    for start in range(0, columns, _COLUMNS_AT_ONCE):
        yield start, frames[start : start + _COLUMNS_AT_ONCE] * window


def _normalised_levels(mel: NDArray[np.float32], settings: AudioSettings) -> NDArray[np.float32]:
    """Turn magnitudes into decibels, then min_level_db..0 into -max_abs_value..max_abs_value, clipped; in place."""
    floor = np.float32(10.0 ** (settings.min_level_db / 20.0))
    levels_db: NDArray[np.float32] = np.maximum(mel, floor, out=mel)
    np.log10(levels_db, out=levels_db)
    levels_db *= np.float32(20.0)
    levels_db -= np.float32(settings.ref_level_db)
    levels_db -= np.float32(settings.min_level_db)
    levels_db *= np.float32(2.0 * settings.max_abs_value / -settings.min_level_db)
    levels_db -= np.float32(settings.max_abs_value)
    np.clip(levels_db, -settings.max_abs_value, settings.max_abs_value, out=levels_db)
    return levels_db
