"""Mouth shapes follow the phonemes, without delay."""
# ruff: noqa: RUF001 - the symbols of the International Phonetic Alphabet are meant

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.speech import Phoneme
from pipelines.corpora.demo.visemes import VISEME_FIELDS, is_stressed, mouth_curves, shapes_of


def test_known_sounds_have_their_shapes() -> None:
    assert shapes_of("m")[0].seal == 1
    assert shapes_of("ˈuː")[0].round > 0.8
    assert shapes_of("ˈɑː")[0].jaw > 0.5
    assert shapes_of("")[0].jaw == 0


def test_a_diphthong_has_two_shapes() -> None:
    first, second = shapes_of("ˈaɪ")
    assert first.jaw > second.jaw


def test_stress_marks() -> None:
    assert is_stressed("ˈɛ")
    assert not is_stressed("ˌɛ")


def test_curves_peak_in_the_middle_of_their_phoneme() -> None:
    phonemes = [Phoneme("", 0.0, 0.4), Phoneme("ɑ", 0.4, 0.6), Phoneme("m", 0.6, 0.7), Phoneme("ɑ", 0.7, 0.9), Phoneme("", 0.9, 1.4)]
    curves = mouth_curves(phonemes, 40, lead_s=0.2)
    assert set(curves) == set(VISEME_FIELDS)
    assert abs(int(np.argmax(curves["jaw"][:20])) - (0.2 + 0.5) * 25) <= 1
    assert curves["seal"].max() > 0.85
    assert abs(int(np.argmax(curves["seal"])) - (0.2 + 0.65) * 25) <= 1
    assert curves["jaw"][-3:] == pytest.approx(0, abs=1e-3)
