from __future__ import annotations

import numpy as np
import orjson
import pytest

from pipelines.blinks.detection import detect_blinks
from pipelines.blinks.model import BlinkModel
from storage_schemas.errors import BadInputError
from tests.factories.coefficient_models import blink_model, blinking_clip


def test_taking_blinks_out_leaves_open_eyes_and_everything_else() -> None:
    model = blink_model()
    clip, still = blinking_clip(150, (30, 90), seed=3), blinking_clip(150, (), seed=3)
    without = model.remove(clip.beta)

    assert detect_blinks(model.openness.curve(without)) == []
    np.testing.assert_allclose(without, still.beta, atol=0.12)
    quiet = np.r_[0:26, 40:86, 100:150]
    np.testing.assert_array_equal(without[quiet], clip.beta[quiet])


def test_blinks_that_were_taken_out_can_be_put_back_exactly() -> None:
    model = blink_model()
    clip = blinking_clip(150, (0, 30, 90), seed=3)

    np.testing.assert_allclose(model.apply(model.remove(clip.beta), model.closures(clip.beta)), clip.beta, atol=1e-6)


def test_a_whole_blink_shuts_narrow_and_wide_eyes() -> None:
    model = blink_model()
    beta = np.zeros((3, 64), np.float32)
    beta[:, 3] = (-0.5, 0.0, 0.5)
    shut = model.openness.curve(model.apply(beta, np.ones(3)))

    np.testing.assert_allclose(shut, model.closed, atol=1e-4)


def test_no_blinks_change_nothing() -> None:
    beta = np.random.default_rng(0).normal(size=(40, 64)).astype(np.float32)

    np.testing.assert_array_equal(blink_model().apply(beta, np.zeros(40)), beta)


def test_json_gives_the_model_again() -> None:
    model = blink_model()
    again = BlinkModel.from_json(orjson.loads(orjson.dumps(model.as_json())))

    assert again.as_json() == model.as_json()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"format": 9}, "format 9"), ({"direction": [1.0]}, r"\(1,\)"), ({"closed": None}, "TypeError"), ({"shapes": [[1.0]]}, r"\(1, 1\)")],
)
def test_other_values_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        BlinkModel.from_json({**blink_model().as_json(), **change})
