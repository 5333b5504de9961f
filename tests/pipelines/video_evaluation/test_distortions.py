from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage import data

from pipelines.image_evaluation.cpbd import cpbd, luma
from pipelines.video_evaluation.clip_material import ClipMaterial, read_video
from pipelines.video_evaluation.distortion_chart import draw_distortions
from pipelines.video_evaluation.distortions import DISTORTIONS, Distortion, DistortionCurves, LabelledClip, measure_distortions
from pipelines.video_evaluation.network_scores import ClipScorer, EvaluationNetworks
from storage_schemas.evaluation_requests import EvaluationSettings, GroupRequest
from tests.factories.face_videos import face_pictures, write_face_video

SETTINGS = EvaluationSettings(cpbd_every=6)


def moving(clip: ClipMaterial, scale: float) -> ClipMaterial:
    """Return a clip whose mouth opens and whose head nods, in its landmarks; its pictures stay."""
    landmarks = np.repeat(clip.landmarks_px[:1], 12, axis=0).copy()
    curve = np.sin(np.arange(12) / 3) * scale
    landmarks[:, [13, 14, 17, 87, 317], 1] += curve[:, None]
    landmarks[..., 1] += 3 * curve[:, None]
    pictures = list(clip.pictures())

    def played() -> Iterator[NDArray[np.uint8]]:
        yield from (pictures[number % len(pictures)] for number in range(12))

    return ClipMaterial(played, landmarks, np.zeros(12 * 640, np.float32), clip.width_px, clip.height_px, 25.0, 0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[LabelledClip]:
    folder = tmp_path_factory.mktemp("clips")
    read = [read_video(write_face_video(folder / f"{shift}.mp4", face_pictures(6, side_px=512, shift_px=shift)), 6) for shift in (0, 12)]
    return [LabelledClip(emotion, emotion, clip) for clip, emotion in zip(read, ("happy", "sad"), strict=True)]


@pytest.fixture(scope="module")
def clips(recorded: list[LabelledClip]) -> list[LabelledClip]:
    return [replace(clip, material=moving(clip.material, scale)) for clip, scale in zip(recorded, (1.0, 2.0), strict=True)]


def curves_of(name: str, clips: list[LabelledClip], monkeypatch: pytest.MonkeyPatch) -> DistortionCurves:
    monkeypatch.setattr("pipelines.video_evaluation.distortions.DISTORTIONS", {name: DISTORTIONS[name]})
    request = GroupRequest(reference_kind="stored", reference="", videos=[], settings=SETTINGS, out_folder="")
    (found,) = measure_distortions(clips, request, ClipScorer(EvaluationNetworks(torch.device("cpu"))), lambda _done, _total, _note: None)
    return found


@pytest.mark.parametrize("name", ["blur", "noise"])
def test_pictures_get_worse_at_every_step(name: str, recorded: list[LabelledClip], monkeypatch: pytest.MonkeyPatch) -> None:
    found = curves_of(name, recorded, monkeypatch)

    assert len(found.steps) >= 6
    assert (found.is_monotone("ssim"), found.is_monotone("psnr")) == (True, True)


@pytest.mark.parametrize(("name", "metrics"), [("picture delay", ("m_lmd", "f_lmd")), ("shake", ("jitter",))])
def test_movements_get_worse_at_every_step(
    name: str, metrics: tuple[str, ...], clips: list[LabelledClip], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = curves_of(name, clips, monkeypatch)

    assert len(found.steps) >= 6
    assert [found.is_monotone(metric) for metric in metrics] == [True] * len(metrics)


def test_freezing_and_exchanging_clips_end_where_they_should(clips: list[LabelledClip], monkeypatch: pytest.MonkeyPatch) -> None:
    freezing = curves_of("frozen pose", clips, monkeypatch)
    frozen = freezing.curves
    swapped = curves_of("swapped emotions", clips, monkeypatch)

    assert frozen["pose_diversity"][-1] == frozen["expression_diversity"][-1] == 0
    assert frozen["expression_diversity"][0] > 0
    assert [freezing.is_monotone(metric) for metric in ("pose_diversity", "expression_diversity")] == [True, True]
    assert swapped.curves["ssim"][0] == 1.0
    assert swapped.is_monotone("f_lmd")


def test_every_distortion_begins_with_none_and_has_five_steps_or_more() -> None:
    assert {distortion.steps[0] for distortion in DISTORTIONS.values()} == {0.0}
    assert min(len(distortion.steps) for distortion in DISTORTIONS.values()) >= 5
    delays = DISTORTIONS["sound delay"]
    assert isinstance(delays, Distortion)
    assert delays.steps[1] == 1
    assert delays.steps[-1] == 10
    assert {"sync_offset_own", "sync_offset"} <= set(delays.moves)


def test_blur_lowers_cpbd_at_every_step_on_a_picture_with_edges() -> None:
    picture = luma(np.asarray(data.astronaut()[:256, 100:356]))
    values = [cpbd(picture), *(cpbd(np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))) for sigma in (0.5, 1, 1.5, 2, 3))]

    assert (np.diff(values) < 0).all()


def test_late_sound_begins_with_silence(clips: list[LabelledClip]) -> None:
    clip = clips[0].material
    sound = np.arange(1, 12 * 640 + 1, dtype=np.float32)
    change = DISTORTIONS["sound delay"].change
    assert change is not None
    late = change(ClipMaterial(clip.pictures, clip.landmarks_px, sound, 1, 1, 25.0, 0), 2.0).waveform

    assert late is not None
    assert len(late) == len(sound)
    assert not late[:1280].any()
    assert late[1280] == 1


def test_the_chart_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    found = [
        DistortionCurves("blur", (0.0, 1.0, 2.0), {"ssim": [1.0, 0.8, 0.7]}, {"ssim": -1}),
        DistortionCurves("sound late", (0.0, 1.0), {}, {"sync_offset_own": 1}),
    ]
    draw_distortions(tmp_path / "chart.png", found)
    first = (tmp_path / "chart.png").read_bytes()
    draw_distortions(tmp_path / "chart.png", found)

    assert (tmp_path / "chart.png").read_bytes() == first
    assert Image.open(tmp_path / "chart.png").width > 300


def test_a_step_the_wrong_way_is_found() -> None:
    curves = DistortionCurves("blur", (0.0, 1.0, 2.0), {"ssim": [1.0, 0.8, 0.81], "psnr": [5.0, 5.0, 5.0]}, {"ssim": -1, "psnr": -1})

    assert not curves.is_monotone("ssim")
    assert not curves.is_monotone("psnr")


def test_a_frozen_clip_moves_as_it_did_in_the_middle_and_stands_still_at_both_ends() -> None:
    landmarks = np.arange(12, dtype=np.float32)[:, None, None] * np.ones((1, 478, 3), np.float32)
    clip = ClipMaterial(lambda: iter([]), landmarks, None, 64, 64, 25.0, 0)
    freeze = DISTORTIONS["frozen pose"].change
    assert freeze is not None
    shown = {share: freeze(clip, share).landmarks_px[:, 0, 0].astype(int).tolist() for share in (0.0, 0.5, 1.0)}

    assert shown == {0.0: list(range(12)), 0.5: [6, 6, 6, 3, 4, 5, 6, 7, 8, 6, 6, 6], 1.0: [6] * 12}
