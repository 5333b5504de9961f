"""Speech is the same every time, comes with phoneme times, and says what to install when it cannot speak."""
# ruff: noqa: RUF001 - the symbols of the International Phonetic Alphabet are meant

from __future__ import annotations

import sys

import numpy as np
import pytest

from pipelines.corpora.demo.speakers import SPEAKERS
from pipelines.corpora.demo.speech import SPEECH_RATE_HZ, Voice, require_speech, speak
from storage_schemas.errors import BadInputError

_TEXT = "We walked home through the boat."


@pytest.fixture(autouse=True)
def _espeak(request: pytest.FixtureRequest) -> None:
    if "no_espeak" not in request.fixturenames:
        pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")


@pytest.fixture
def no_espeak(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)


def test_missing_package_says_what_to_install(no_espeak: None) -> None:
    with pytest.raises(BadInputError, match=r"pip install 'flowvqtalker\[speech\]'"):
        require_speech()


def test_the_same_sentence_has_the_same_samples_whatever_was_said_before() -> None:
    voice = SPEAKERS[0].voice
    first = speak(_TEXT, voice)
    speak("Something else.", SPEAKERS[1].voice)
    again = speak(_TEXT, voice)
    assert np.array_equal(first.samples, again.samples)
    assert first.phonemes == again.phonemes


def test_phonemes_cover_the_speech_in_order() -> None:
    speech = speak(_TEXT, SPEAKERS[0].voice)
    assert 1 < speech.duration_s < 4
    assert speech.samples.dtype == np.int16
    assert np.abs(speech.samples).max() > 3000
    starts = [phoneme.start_s for phoneme in speech.phonemes]
    assert starts == sorted(starts)
    assert speech.phonemes[-1].end_s == pytest.approx(len(speech.samples) / SPEECH_RATE_HZ)
    spoken = "".join(phoneme.ipa for phoneme in speech.phonemes)
    assert "w" in spoken
    assert "ˈ" in spoken


def test_phoneme_times_agree_with_the_sound() -> None:
    speech = speak("Papa.", SPEAKERS[0].voice)
    loud = np.abs(speech.samples.astype(float))
    vowels = [p for p in speech.phonemes if p.ipa.strip("ˈˌː") in {"ɑ", "ə", "a", "ɐ"}]
    pauses = [p for p in speech.phonemes if not p.ipa]
    assert vowels
    assert pauses
    level = [loud[int(p.start_s * SPEECH_RATE_HZ) : int(p.end_s * SPEECH_RATE_HZ)].mean() for p in (vowels[0], pauses[-1])]
    assert level[0] > 10 * level[1]


@pytest.mark.parametrize("speaker", SPEAKERS, ids=lambda speaker: speaker.name)
def test_every_speaker_has_a_voice(speaker: object) -> None:
    assert speak("Hello there.", speaker.voice).duration_s > 0.5  # type: ignore[attr-defined]


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(BadInputError, match="no voice 'xx-nowhere'"):
        speak(_TEXT, Voice("xx-nowhere", 170, 50, 50))


def test_odd_texts_are_spoken_or_silent_but_never_run() -> None:
    speech = speak("; `touch x` $(reboot) '\"", SPEAKERS[0].voice)
    assert speech.duration_s >= 0
