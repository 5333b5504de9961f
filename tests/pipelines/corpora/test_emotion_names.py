"""Every spelling in use means one emotion."""

from __future__ import annotations

import pytest

from pipelines.corpora.emotion_names import known_emotions, parse_emotion
from storage_schemas.identifiers import Emotion


@pytest.mark.parametrize("emotion", list(Emotion))
def test_canonical_names(emotion: Emotion) -> None:
    assert parse_emotion(emotion.value) is emotion
    assert parse_emotion(f"  {emotion.value.upper()} ") is emotion
    assert emotion.value in known_emotions()


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("ang", Emotion.ANGRY),
        ("anger", Emotion.ANGRY),
        ("Disgust", Emotion.DISGUSTED),
        ("sur", Emotion.SURPRISED),
        ("", Emotion.UNLABELLED),
    ],
)
def test_aliases(text: str, emotion: Emotion) -> None:
    assert parse_emotion(text) is emotion


def test_unknown() -> None:
    assert parse_emotion("furious") is None
