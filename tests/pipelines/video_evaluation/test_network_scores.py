from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.models.published.syncnet import SyncNet
from pipelines.video_evaluation.network_scores import ClipScorer, load_networks, one_thread_for_judges
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import EvaluationRequest
from storage_schemas.judge_runs import JUDGED_EMOTIONS
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge

REQUEST = EvaluationRequest(generated="", reference="")


def test_without_weights_and_judges_every_column_says_why(tmp_path: Path) -> None:
    networks = load_networks(REQUEST, local_store(tmp_path))

    assert not networks.wanted.anything
    assert networks.weights == {}
    assert networks.missing["fid"] == networks.missing["sync_conf"] == networks.missing["acc_emo"] == "weights not given"
    assert "train sync" in networks.missing["sync_conf_own"]
    assert "train emotion" in networks.missing["acc_emo_own"]


def test_the_latest_judges_of_a_store_judge_windows_and_sound(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    runs = {kind: store_judge(store, kind) for kind in (RunKind.SYNC, RunKind.EMOTION)}
    networks = load_networks(REQUEST, store)
    sync, emotion = networks.judges.sync, networks.judges.emotion
    assert sync is not None
    assert emotion is not None
    random = np.random.default_rng(0)
    mouths = random.integers(0, 256, (45, *2 * [sync.expert.settings.size_px])).astype(np.uint8)
    faces = random.integers(0, 256, (30, *2 * [emotion.classifier.settings.size_px])).astype(np.uint8)
    sound = np.random.default_rng(1).normal(0, 0.1, 45 * 640).astype(np.float32)
    np.savez(tmp_path / "clip.npz", judged_mouths=mouths, judged_faces=faces, waveform=sound)
    scores = ClipScorer(networks).score(tmp_path / "clip.npz", is_true=False)

    assert networks.wanted.anything
    assert networks.wanted.judged_mouths_px == mouths.shape[1]
    assert networks.wanted.judged_faces_px == faces.shape[1]
    assert networks.weights == {
        "sync_conf_own": f"sync/{runs[RunKind.SYNC]}",
        "sync_dist_own": f"sync/{runs[RunKind.SYNC]}",
        "sync_offset_own": f"sync/{runs[RunKind.SYNC]}",
        "acc_emo_own": f"emotion/{runs[RunKind.EMOTION]}",
    }
    assert set(scores.values) == {"sync_conf_own", "sync_dist_own", "sync_offset_own"}
    assert scores.emotions["acc_emo_own"] in JUDGED_EMOTIONS


def test_a_clip_without_sound_is_judged_with_the_sound_that_is_given(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    store_judge(store, RunKind.SYNC)
    networks = load_networks(REQUEST, store)
    mouths = np.zeros((45, *2 * [networks.wanted.judged_mouths_px]), np.uint8)
    np.savez(tmp_path / "clip.npz", judged_mouths=mouths, waveform=np.zeros(0, np.float32))
    scorer = ClipScorer(networks)

    assert scorer.score(tmp_path / "clip.npz", is_true=False).values == {}
    assert "sync_conf_own" in scorer.score(tmp_path / "clip.npz", is_true=False, waveform=np.ones(45 * 640, np.float32)).values


def test_judges_leave_the_processors_to_what_measures_and_published_networks_do_not(tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        networks = load_networks(REQUEST, local_store(tmp_path))
        with one_thread_for_judges(networks):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
        networks.lips = SyncNet()
        with one_thread_for_judges(networks):
            assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_a_judge_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="sync/nobody"):
        load_networks(REQUEST.model_copy(update={"sync_judge": "sync/nobody"}), local_store(tmp_path))
    with pytest.raises(BadInputError, match="--store"):
        load_networks(REQUEST.model_copy(update={"emotion_judge": "emotion/latest"}), None)
