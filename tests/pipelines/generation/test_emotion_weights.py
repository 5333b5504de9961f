from __future__ import annotations

import numpy as np
import pytest

from pipelines.generation.emotion_weights import emotion_weights, parse_emotion
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import EMOTIONS

HAPPY, NEUTRAL, SAD = (EMOTIONS.index(label) for label in ("happy", "neutral", "sad"))


def test_a_label_has_all_the_weight() -> None:
    weights = emotion_weights("happy", 1.0, EMOTIONS)

    assert weights.dtype == np.float32
    assert weights[HAPPY] == weights.sum() == 1


def test_a_mixture_adds_up_to_one() -> None:
    weights = emotion_weights({"happy": 3, "sad": 1}, 1.0, EMOTIONS)

    assert (weights[HAPPY], weights[SAD]) == (0.75, 0.25)


def test_intensity_goes_to_neutral() -> None:
    weights = emotion_weights("happy", 0.25, EMOTIONS)

    assert (weights[HAPPY], weights[NEUTRAL]) == (0.25, 0.75)


def test_intensity_above_one_goes_on_away_from_neutral() -> None:
    weights = emotion_weights("happy", 1.5, EMOTIONS)

    assert (weights[HAPPY], weights[NEUTRAL]) == (1.5, -0.5)
    assert weights.sum() == 1.0
    np.testing.assert_array_equal(emotion_weights("neutral", 1.5, EMOTIONS), emotion_weights("neutral", 1.0, EMOTIONS))


@pytest.mark.parametrize(
    ("emotion", "intensity", "known", "message"),
    [
        ("hapy", 1.0, EMOTIONS, "did you mean 'happy'"),
        ("sad", 1.0, ("happy", "neutral"), "trained on no 'sad' clips; it knows happy, neutral"),
        ("happy", 0.5, ("happy",), "trained on no 'neutral'"),
        ("happy", -0.1, EMOTIONS, "intensity"),
        ("happy", 2.1, EMOTIONS, "intensity"),
        ("happy", float("nan"), EMOTIONS, "intensity"),
        ({"happy": 0.0}, 1.0, EMOTIONS, "positive"),
        ({"happy": float("nan")}, 1.0, EMOTIONS, "positive"),
    ],
)
def test_what_cannot_be_is_named(emotion: str | dict[str, float], intensity: float, known: tuple[str, ...], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        emotion_weights(emotion, intensity, known)


def test_labels_and_mixtures_are_read_from_text() -> None:
    assert parse_emotion(" happy ") == "happy"
    assert parse_emotion("happy:0.7, sad:0.3") == {"happy": 0.7, "sad": 0.3}


@pytest.mark.parametrize("text", ["happy:much", "happy,sad", "happy:0.5,sad"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match=r"happy:0\.7,sad:0\.3"):
        parse_emotion(text)
