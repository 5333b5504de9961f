"""Values are those of `mfcc` of python_speech_features 0.6, on which SyncNet was trained, computed once for the same sound."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.video_evaluation.cepstrum import STEP_SAMPLES, cepstral_coefficients

SOUND = np.round(3000 * np.sin(np.arange(1600) / 9)).astype(np.int16)
FIRST = [16.2697, 21.3267, 10.3392, 1.5087, -7.667, -17.0641, -23.599, -28.0827, -28.4055, -25.5738, -19.6722, -12.7112, -5.8961]
FIFTH = [16.2559, 32.2536, 21.4638, 10.8811, -0.2916, -10.8397, -18.3315, -22.9023, -23.1454, -20.3763, -14.5163, -7.6584, -1.3628]


def test_values_of_the_published_front_end() -> None:
    found = cepstral_coefficients(SOUND)

    assert found.shape == (9, 13)
    assert found[0] == pytest.approx(FIRST, abs=1e-4)
    assert found[4] == pytest.approx(FIFTH, abs=1e-4)


@pytest.mark.parametrize(("samples", "steps"), [(16000, 99), (300, 1), (400, 1), (401, 2)])
def test_a_hundred_steps_a_second(samples: int, steps: int) -> None:
    assert STEP_SAMPLES == 160
    assert cepstral_coefficients(np.ones(samples)).shape == (steps, 13)


def test_silence_is_a_number() -> None:
    assert np.isfinite(cepstral_coefficients(np.zeros(1600))).all()
