from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pipelines.generation.likelihood import ScoredClip, likelihood_report, score_clip
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.training_runs import EMOTIONS
from tests.factories.coefficient_models import blinking_clip, expression_model, speech_like_mel


def clip(name: str, *, emotion: str = "happy", log_mel: bool = True) -> CoefficientSequence:
    found = dataclasses.replace(blinking_clip(40, ()), sequence_id=name, emotion=emotion)
    return dataclasses.replace(found, log_mel=speech_like_mel(40) if log_mel else None)


def scored(name: str, level: float, best: str = "happy", emotion: str = "happy") -> ScoredClip:
    evidence = np.zeros(len(EMOTIONS))
    evidence[EMOTIONS.index(best)] = 10.0
    nll = np.full(40, level)
    nll[7] += 1.0
    return ScoredClip(clip(name, emotion=emotion), nll, evidence)


def test_the_strangest_clips_come_first() -> None:
    clips = [scored(f"clip {number}", 1.0 + 0.01 * number) for number in range(10)]
    rows = likelihood_report([*clips, scored("odd", 3.0)], EMOTIONS)

    assert rows[0].clip_id == "odd"
    assert [row.outlier for row in rows] == [True] + [False] * 10
    assert rows[0].worst_frame == 7
    assert rows[0].nll == pytest.approx(3.0 + 1 / 40, abs=1e-4)


def test_a_label_that_fits_better_is_named() -> None:
    rows = likelihood_report(
        [scored("right", 1.0), scored("wrong", 1.0, best="sad"), scored("none", 1.0, best="sad", emotion="")], EMOTIONS
    )

    assert {row.clip_id: row.better_label for row in rows} == {"right": "", "wrong": "sad", "none": "sad"}
    assert {row.clip_id: row.evidence_nats for row in rows}["wrong"] == 10.0


def test_frames_that_were_not_seen_do_not_count() -> None:
    strange = scored("a", 1.0)
    strange.sequence.usable[7] = False

    assert likelihood_report([strange], EMOTIONS)[0].nll == pytest.approx(1.0)


@pytest.mark.parametrize("emotion", ["happy", "", "contempt"])
@pytest.mark.parametrize("log_mel", [True, False])
def test_any_clip_can_be_scored(emotion: str, log_mel: bool) -> None:
    model = dataclasses.replace(expression_model(), emotions=("happy", "neutral"))
    found = score_clip(model, clip("a", emotion=emotion, log_mel=log_mel), None)

    assert found.nll.shape == (40,)
    assert np.isfinite(found.nll).all()
    assert np.isfinite(found.evidence).sum() == 2
    assert likelihood_report([found], model.emotions)[0].frames == 40


def test_no_clips_give_an_empty_report() -> None:
    assert likelihood_report([], EMOTIONS) == []
