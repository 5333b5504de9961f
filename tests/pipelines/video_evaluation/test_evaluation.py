from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipelines.judging.loading import Judges, network_fields, new_sync_expert
from pipelines.judging.sync_judge import LEAST_FRAMES, SyncJudge
from pipelines.models.published.emotion_fan import EmotionFan
from pipelines.models.published.inception import FidInception
from pipelines.models.published.syncnet import SyncNet
from pipelines.video_evaluation import measuring_pool
from pipelines.video_evaluation.evaluation import evaluate_videos, protocol_id
from pipelines.video_evaluation.group_measuring import handle
from pipelines.video_evaluation.leaderboard import report_bytes
from pipelines.video_evaluation.network_scores import EvaluationNetworks
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import METRICS, EvaluationReport, EvaluationRequest
from storage_schemas.evaluation_requests import EvaluationSettings
from tests.factories.face_videos import FRAMES, face_pictures, write_face_video
from tests.factories.judge_runs import SYNC_SIZES

SETTINGS = EvaluationSettings(cpbd_every=10)


@pytest.fixture(scope="module")
def true_videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("true")
    write_face_video(folder / "speaker" / "one.mp4")
    write_face_video(folder / "speaker" / "two.mp4", face_pictures(shift_px=8))
    return folder


class InThisProcess:
    """Measures where it is called: starting a process takes seconds."""

    def __init__(self, *_: object) -> None:
        pass

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass

    def run(self, request: dict[str, object], _: object) -> dict[str, object]:
        return handle(request, lambda _: None)


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring_pool, "IsolatedProcess", InThisProcess)


def evaluated(generated: Path, reference: Path, scratch: Path, **changes: object) -> EvaluationReport:
    request = EvaluationRequest(generated=str(generated), reference=str(reference), workers=1, settings=SETTINGS)
    return evaluate_videos(request.model_copy(update=changes), None, scratch)


@pytest.mark.usefixtures("in_this_process")
def test_the_ground_truth_against_itself_is_the_ideal_row_and_the_same_bytes_twice(true_videos: Path, tmp_path: Path) -> None:
    report, again = (evaluated(true_videos, true_videos, tmp_path) for _ in range(2))

    assert report.metrics == report.ground_truth
    assert {name: report.metrics[name] for name in ("ssim", "psnr", "m_lmd", "f_lmd", "identity_shape")} == {
        "ssim": 1.0, "psnr": 100.0, "m_lmd": 0.0, "f_lmd": 0.0, "identity_shape": 1.0,
    }  # fmt: skip
    assert (report.pairs, report.pairs_expected, report.frames, report.warnings) == (2, 2, 2 * FRAMES, [])
    assert list(report.metrics) == list(METRICS)
    assert report.missing["fid"] == report.missing["sync_conf"] == report.missing["acc_emo"] == "weights not given"
    assert set(report.missing) == {name for name, value in report.metrics.items() if value is None}
    assert report_bytes(again) == report_bytes(report)


def test_odd_videos_have_a_rule_each_and_are_named(true_videos: Path, tmp_path: Path) -> None:
    true = tmp_path / "true"
    names = ("plain", "faster", "small", "short", "silent", "faceless", "flicker", "broken", "missing")
    for name in names:
        shutil.copy(true_videos / "speaker" / "one.mp4", tmp_path / "copy.mp4")
        true.mkdir(exist_ok=True)
        shutil.copy(tmp_path / "copy.mp4", true / f"{name}.mp4")
    made = tmp_path / "made"
    write_face_video(made / "plain.mp4")
    write_face_video(made / "faster.mp4", [picture for picture in face_pictures() for _ in range(2)], fps=50)
    write_face_video(made / "small.mp4", face_pictures(side_px=128))
    write_face_video(made / "short.mp4", face_pictures(FRAMES - 4))
    write_face_video(made / "silent.mp4", sound=False)
    write_face_video(made / "faceless.mp4", face_pictures(faceless=tuple(range(FRAMES))))
    write_face_video(made / "flicker.mp4", face_pictures(faceless=(3, 4)))
    (made / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42 and no more")
    write_face_video(made / "stranger.mp4", face_pictures(2))

    report = evaluated(made, true, tmp_path)
    rules = {warning.rule: warning.names for warning in report.warnings}

    assert rules.pop("frames_without_face") == ["flicker.mp4"]
    assert rules == {
        "without_video": ["missing"],
        "without_clip": ["stranger.mp4"],
        "unmeasured": ["broken.mp4", "faceless.mp4"],
        "other_fps": ["faster.mp4"],
        "other_length": ["short.mp4"],
        "without_sound": ["silent.mp4"],
    }
    assert (report.pairs, report.pairs_expected) == (6, 9)
    videos = {video.video: video for video in report.videos}
    assert "no face" in videos["faceless.mp4"].problem
    assert videos["broken.mp4"].problem
    assert {name: videos[f"{name}.mp4"].frames for name in ("plain", "faster", "small", "short", "silent", "flicker")} == {
        "plain": FRAMES, "faster": FRAMES, "small": FRAMES, "short": FRAMES - 4, "silent": FRAMES, "flicker": FRAMES,
    }  # fmt: skip
    assert videos["flicker.mp4"].frames_without_face >= 1
    assert videos["plain.mp4"].metrics["ssim"] == 1.0
    # Twice the rate, the same pictures at the same times.
    assert videos["faster.mp4"].metrics["ssim"] == pytest.approx(1.0, abs=0.02)
    assert videos["flicker.mp4"].metrics["ssim"] < videos["plain.mp4"].metrics["ssim"]
    # The average is over all frames of all videos that were measured.
    weights = [videos[video].frames for video in videos if not videos[video].problem]
    values = [videos[video].metrics["ssim"] for video in videos if not videos[video].problem]
    assert report.metrics["ssim"] == pytest.approx(np.average(values, weights=weights), abs=1e-5)


@pytest.mark.usefixtures("in_this_process")
def test_several_takes_share_their_clip_and_have_a_diversity(true_videos: Path, tmp_path: Path) -> None:
    made = tmp_path / "made"
    for take, shift in enumerate((0, 4)):
        write_face_video(made / f"one-{take:03d}.mp4", face_pictures(shift_px=shift))
    table = tmp_path / "pairs.csv"
    table.write_text("video,reference,emotion\none-000.mp4,speaker/one,happy\none-001.mp4,speaker/one.mp4,sad\n")
    report = evaluated(made, true_videos, tmp_path, pairs=str(table), method="two takes")

    assert (report.method, report.pairs, report.pairs_expected) == ("two takes", 2, 2)
    assert report.metrics["take_diversity"] is not None
    assert [video.emotion for video in report.videos] == ["happy", "sad"]


@pytest.mark.usefixtures("in_this_process")
def test_videos_that_cannot_be_judged_for_lip_sync_are_named(tmp_path: Path) -> None:
    long = face_pictures(LEAST_FRAMES + 2)
    for side in ("true", "made"):
        write_face_video(tmp_path / side / "long.mp4", long)
        write_face_video(tmp_path / side / "short.mp4", long[: LEAST_FRAMES - 2])
        write_face_video(tmp_path / side / "silent.mp4", long, sound=False)
    judges = Judges(sync=SyncJudge(new_sync_expert(network_fields(SYNC_SIZES)).eval(), "untrained"))
    request = EvaluationRequest(generated=str(tmp_path / "made"), reference=str(tmp_path / "true"), workers=1, settings=SETTINGS)
    networks = EvaluationNetworks(torch.device("cpu"), judges=judges)
    report = evaluate_videos(request, None, tmp_path, networks=networks)

    assert report.metrics["sync_conf_own"] is not None
    assert {warning.rule: warning.names for warning in report.warnings} == {
        "without_sound": ["silent.mp4"],
        "not_heard": ["short.mp4", "silent.mp4"],
    }
    without = evaluate_videos(request, None, tmp_path, networks=EvaluationNetworks(torch.device("cpu")))
    assert "not_heard" not in {warning.rule for warning in without.warnings}


@pytest.mark.usefixtures("in_this_process")
def test_published_networks_are_asked_where_their_weights_are_given(true_videos: Path, tmp_path: Path) -> None:
    torch.manual_seed(0)
    files = {"fid_weights": FidInception(), "syncnet_weights": SyncNet(), "emotion_weights": EmotionFan()}
    for name, network in files.items():
        save_file(network.state_dict(), tmp_path / f"{name}.safetensors")
    paths = {name: str(tmp_path / f"{name}.safetensors") for name in files}
    table = tmp_path / "pairs.csv"
    table.write_text("video,reference,emotion\nspeaker/one.mp4,speaker/one,happy\n")
    report = evaluated(true_videos, true_videos, tmp_path, pairs=str(table), **paths)

    assert report.metrics["fid"] == pytest.approx(0, abs=1e-4)
    assert report.metrics["sync_conf"] == report.ground_truth["sync_conf"] is not None
    assert report.metrics["sync_dist"] is not None
    assert report.metrics["acc_emo"] in (0.0, 1.0)
    assert set(report.weights) == {"fid", "sync_conf", "sync_dist", "sync_offset", "acc_emo"}
    assert all(len(digest) == 64 for digest in report.weights.values())


@pytest.mark.usefixtures("in_this_process")
def test_nothing_that_pairs_is_an_error_that_says_what_to_do(true_videos: Path, tmp_path: Path) -> None:
    write_face_video(tmp_path / "made" / "stranger.mp4", face_pictures(2))

    with pytest.raises(BadInputError, match="none of the 1 videos"):
        evaluated(tmp_path / "made", true_videos, tmp_path)
    with pytest.raises(BadInputError, match="--store"):
        evaluated(true_videos, Path("latest"), tmp_path)
    with pytest.raises(BadInputError, match="has no splits"):
        evaluated(true_videos, true_videos, tmp_path, split="test")


def test_every_setting_is_part_of_the_protocol() -> None:
    settings = EvaluationSettings()
    changed = [settings.model_copy(update={name: getattr(settings, name) + 1}) for name in EvaluationSettings.model_fields]

    assert len({protocol_id(one) for one in (settings, *changed)}) == len(changed) + 1
