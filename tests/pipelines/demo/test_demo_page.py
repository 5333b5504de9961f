from __future__ import annotations

import re

import numpy as np

from pipelines.demo.demo_page import demo_page
from pipelines.demo.measured_renders import MeasuredRenders, contact_sheet
from pipelines.demo.rendered_faces import RenderedFace
from storage_schemas.demo_summary import DemoEvaluation, DemoRender, DemoSummary


def face(seed: int, frames: int = 40) -> RenderedFace:
    rng = np.random.default_rng(seed)
    curves = {name: rng.normal(size=frames) for name in ("openings", "smiles", "brows", "turns", "loudness")}
    return RenderedFace(frames, np.ones(frames, bool), rng.normal(size=(frames, 478, 2)), **curves)


def example() -> tuple[DemoSummary, MeasuredRenders]:
    rows = [("happy", 0, ""), ("happy", 1, ""), ("sad", 0, ""), ("angry", 0, "corpus/a.mp4")]
    renders = [
        DemoRender(file=f"renders/{emotion}{take}.mp4", emotion=emotion, reference=reference, seed=7, take=take, frames=40, problem="")
        for emotion, take, reference in rows
    ]
    renders.append(DemoRender(file="", emotion="sad", reference="", seed=7, take=1, frames=0, problem="bad_audio: <b>no sound</b>"))
    summary = DemoSummary(
        dataset_version="ab12", clips_accepted=24, seconds={"corpus": 12.0, "vqig": 100.0}, seconds_total=112.0, seconds_this_run=112.0,
        reused=[], models={"vqig": "vqig/12"}, steps={"vqig": 400}, store="store", report="store/versions/ab12/report.html",
        portrait="script/portrait.png", renders=renders, figures={"jitter": 1.25, "none": None}, index="index.html",
    )  # fmt: skip
    faces = {render.file: face(number) for number, render in enumerate(renders) if render.file}
    pictures = {name: np.full((64, 64, 3), 90, np.uint8) for name in faces}
    return summary, MeasuredRenders(renders, faces, pictures)


def test_the_page_shows_clips_curves_and_what_failed() -> None:
    summary, measured = example()

    page = demo_page(summary, measured, reference="corpus/a.mp4")

    assert re.findall(r'<video src="(renders/[^"]+)"', page) == [
        "renders/happy0.mp4",
        "renders/happy1.mp4",
        "renders/sad0.mp4",
        "renders/angry0.mp4",
    ]
    assert page.count('<path class="take2"') == 3
    assert "&lt;b&gt;no sound" in page
    assert "store/runs/vqig/12/curves.png" in page
    assert "1.25" in page
    assert not re.search(r"(src|href)=\"https?:", page)


def test_the_page_has_the_table_with_the_ground_truth() -> None:
    summary, measured = example()
    evaluation = DemoEvaluation(
        pairs=7, pairs_expected=8, evaluation_set="12ab", metrics={"ssim": 0.8123, "fid": None, "sync_conf_own": None},
        ground_truth={"ssim": 1.0, "fid": None, "sync_conf_own": None}, leaderboard="store/evaluations/12ab/leaderboard.html",
        missing={"fid": "weights not given", "sync_conf_own": "no judge was trained"},
    )  # fmt: skip
    page = demo_page(summary.model_copy(update={"evaluation": evaluation}), measured, reference="corpus/a.mp4")

    assert '<tr><td>SSIM ↑</td><td class="number">0.812</td><td class="number">1.000</td></tr>' in page
    assert page.count('<td class="number">n/a (weights not given)</td>') == 2
    assert "7 of 8 clips" in page
    assert 'href="store/evaluations/12ab/leaderboard.html"' in page
    assert "rendered, against the true ones" not in demo_page(summary, measured, reference="corpus/a.mp4")


def test_the_sheet_has_a_column_for_each_emotion() -> None:
    _, measured = example()

    sheet = contact_sheet(measured)

    assert sheet is not None
    assert sheet.shape == (320, 320, 3)
    assert sheet[:, :160].all()
    assert not sheet[160:, 160:].any()


def test_takes_are_compared_and_lost_faces_left_out() -> None:
    first, second = face(1), face(2)
    first.landmarks[5] = np.nan

    assert first.distance_percent(first) == 0
    assert (first.distance_percent(second) or 0) > 10
    assert -1 <= (first.mouth_sound_r() or 0) <= 1
