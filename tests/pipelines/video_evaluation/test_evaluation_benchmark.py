from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.video_evaluation.evaluation_benchmark import new_judges
from pipelines.video_evaluation.group_measuring import measure_group
from pipelines.video_evaluation.plain_evaluation import PlainEvaluation
from storage_schemas.evaluation_requests import EvaluationSettings, GroupRequest
from tests.factories.face_videos import face_pictures, write_face_video


def test_the_straightforward_loop_finds_the_same_figures(tmp_path: Path) -> None:
    # Smaller pictures are enlarged before the face is looked for, which the loop does not do.
    true = write_face_video(tmp_path / "true.mp4", face_pictures(side_px=256))
    made = write_face_video(tmp_path / "made.mp4", face_pictures(side_px=256, shift_px=5))
    settings = EvaluationSettings(cpbd_every=4)
    loop = PlainEvaluation(settings, new_judges())
    plain = loop.figures([(made, true)])
    request = GroupRequest(reference_kind="video", reference=str(true), videos=[str(made)], settings=settings, out_folder=str(tmp_path))
    figures = measure_group(request).videos[0].figures

    assert figures is not None
    assert plain["ssim"] == pytest.approx(figures.ssim_sum / figures.frames)
    assert plain["psnr"] == pytest.approx(figures.psnr_sum / figures.frames)
    assert plain["m_lmd"] == pytest.approx(figures.m_lmd_sum / figures.lmd_frames)
    assert plain["f_lmd"] == pytest.approx(figures.f_lmd_sum / figures.lmd_frames)
    assert plain["cpbd"] == pytest.approx(figures.made.cpbd_sum / figures.made.cpbd_frames)
    assert plain["identity_shape"] == pytest.approx(figures.identity_shape)
    assert {"decoding", "landmarks", "sharpness", "judges", "SSIM and PSNR"} < set(loop.seconds)
