"""Judges from their runs, and what they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from pipelines.judging.loading import load_judges
from pipelines.judging.sync_judge import LARGEST_OFFSET, LEAST_FRAMES
from storage_schemas.errors import BadInputError, StoreError
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge
from tests.factories.talking_faces import TalkingFace, talking_face


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        store_judge(opened, RunKind.SYNC)
        store_judge(opened, RunKind.EMOTION)
        yield opened


@pytest.fixture(scope="module")
def clip() -> TalkingFace:
    return talking_face(3)


def test_judges_score_a_clip(store: ManagedStore, clip: TalkingFace) -> None:
    judges = load_judges(store, "latest", "emotion/latest")
    score = judges.sync_scores(clip.frames, clip.landmarks_px, clip.waveform)
    assert score is not None
    assert abs(score.offset_frames) <= LARGEST_OFFSET
    assert 0 <= score.distance <= 2
    assert score.confidence >= 0
    probabilities = judges.emotion_scores(clip.frames, clip.landmarks_px)
    assert probabilities is not None
    assert probabilities.shape == (8,)
    assert probabilities.sum() == pytest.approx(1.0)


def test_whole_numbers_and_shares_are_the_same_sound(store: ManagedStore, clip: TalkingFace) -> None:
    judges = load_judges(store, "latest", None)
    floats = (clip.waveform / 32768).astype(np.float32)
    assert judges.sync_scores(clip.frames, clip.landmarks_px, floats) == judges.sync_scores(clip.frames, clip.landmarks_px, clip.waveform)


def test_clips_that_cannot_be_judged(store: ManagedStore, clip: TalkingFace) -> None:
    judges = load_judges(store, "latest", "latest")
    nowhere = np.full_like(clip.landmarks_px, np.nan)
    assert judges.sync_scores(clip.frames, nowhere, clip.waveform) is None
    assert judges.emotion_scores(clip.frames, nowhere) is None
    short = slice(0, LEAST_FRAMES - 1)
    assert judges.sync_scores(clip.frames[short], clip.landmarks_px[short], clip.waveform) is None


def test_judges_that_are_not_there(store: ManagedStore, clip: TalkingFace) -> None:
    judges = load_judges(store, None, None)
    with pytest.raises(BadInputError, match="no sync expert"):
        judges.sync_scores(clip.frames, clip.landmarks_px, clip.waveform)
    with pytest.raises(BadInputError, match="no emotion judge"):
        judges.emotion_scores(clip.frames, clip.landmarks_px)
    with pytest.raises(BadInputError, match="0 finished runs"):
        load_judges(store, "sync/ffff", None)
    with pytest.raises(BadInputError, match="expected a run of sync"):
        load_judges(store, "expflow/latest", None)


def test_damage_is_found(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        run_id = store_judge(store, RunKind.EMOTION)
        store.write_bytes(f"runs/emotion/{run_id}/weights.safetensors", b"nothing")
        with pytest.raises(StoreError, match="SHA-256"):
            load_judges(store, None, run_id)
