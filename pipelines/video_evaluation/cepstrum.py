"""The cepstral coefficients that SyncNet hears: 13 a hundredth of a second, as `python_speech_features.mfcc` makes them by default.

Reference: Davis and Mermelstein 1980; the filter bank after HTK.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

Floats = NDArray[np.float64]

STEP_SAMPLES = 160
_WINDOW_SAMPLES = 400
_SPECTRUM = 512
_FILTERS = 26
_COEFFICIENTS = 13
_LIFTER = 22
_EMPHASIS = 0.97
_RATE_HZ = 16000


def cepstral_coefficients(waveform: NDArray[Any]) -> Floats:
    """Return (steps, 13) coefficients of a waveform (samples,) at 16 kHz in the scale of 16-bit samples; the first is the log energy."""
    signal = np.asarray(waveform, np.float64)
    frames = _frames(np.append(signal[:1], signal[1:] - _EMPHASIS * signal[:-1]))
    power = np.square(np.abs(np.fft.rfft(frames, _SPECTRUM))) / _SPECTRUM
    tiny = np.finfo(float).eps
    energy = power.sum(axis=1)
    bands = power @ _filter_bank().T
    found = dct(np.log(np.where(bands == 0, tiny, bands)), type=2, axis=1, norm="ortho")[:, :_COEFFICIENTS]
    found *= 1 + _LIFTER / 2 * np.sin(np.pi * np.arange(_COEFFICIENTS) / _LIFTER)
    found[:, 0] = np.log(np.where(energy == 0, tiny, energy))
    return np.asarray(found)


def _frames(signal: Floats) -> Floats:
    steps = 1 + max(0, int(np.ceil((len(signal) - _WINDOW_SAMPLES) / STEP_SAMPLES)))
    padded = np.concatenate([signal, np.zeros(max(0, (steps - 1) * STEP_SAMPLES + _WINDOW_SAMPLES - len(signal)))])
    return np.lib.stride_tricks.sliding_window_view(padded, _WINDOW_SAMPLES)[::STEP_SAMPLES][:steps]


@lru_cache(maxsize=1)
def _filter_bank() -> Floats:
    """Return (26, 257) triangles whose corners are evenly spaced in mel."""
    mel = np.linspace(0, 2595 * np.log10(1 + _RATE_HZ / 2 / 700), _FILTERS + 2)
    bins = np.floor((_SPECTRUM + 1) * 700 * (10 ** (mel / 2595) - 1) / _RATE_HZ)
    bank = np.zeros((_FILTERS, _SPECTRUM // 2 + 1))
    for number in range(_FILTERS):
        low, middle, high = (int(value) for value in bins[number : number + 3])
        bank[number, low:middle] = (np.arange(low, middle) - bins[number]) / (bins[number + 1] - bins[number])
        bank[number, middle:high] = (bins[number + 2] - np.arange(middle, high)) / (bins[number + 2] - bins[number + 1])
    return bank
