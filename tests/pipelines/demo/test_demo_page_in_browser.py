"""The demonstration's page in a browser: all clips together are silent, one by itself is heard."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.demo.demo_page import demo_page
from pipelines.demo.measured_renders import MeasuredRenders
from pipelines.demo.rendered_faces import RenderedFace
from storage_schemas.demo_summary import DemoRender, DemoSummary
from tests.factories.devtools_page import browser_page
from tests.factories.synthetic_video import write_numbered_frames

HEARD = "[...document.querySelectorAll('video')].map(video => !video.muted)"
PLAYING = "[...document.querySelectorAll('video')].every(video => video.currentTime > 0 && !video.paused)"


def write_page(folder: Path) -> Path:
    renders = [
        DemoRender(file=f"happy{take}.mp4", emotion="happy", reference="", seed=7, take=take, frames=25, problem="") for take in range(2)
    ]
    for name in ("happy0", "happy1", "reference"):
        write_numbered_frames(folder / f"{name}.mp4", 25)
    summary = DemoSummary(
        dataset_version="ab12", clips_accepted=24, seconds={"vqig": 1.0}, seconds_total=1.0, seconds_this_run=1.0, reused=[], models={},
        steps={}, store="store", report="report.html", portrait="none.png", renders=renders, figures={}, index="index.html",
    )  # fmt: skip
    curves = dict.fromkeys(("openings", "smiles", "brows", "turns", "loudness"), np.zeros(25))
    face = RenderedFace(25, np.ones(25, bool), np.zeros((25, 478, 2)), **curves)
    measured = MeasuredRenders(renders, {render.file: face for render in renders}, {})
    path = folder / "index.html"
    path.write_text(demo_page(summary, measured, reference="reference.mp4"), encoding="utf-8")
    return path


@pytest.mark.ui
def test_clips_play_together_in_silence_and_alone_with_sound(tmp_path: Path) -> None:
    with browser_page(tmp_path / "profile") as page:
        page.open(write_page(tmp_path), width=360)
        assert page.fits()
        assert page.value("[...document.querySelectorAll('video')].some(video => video.controls)") is False

        page.value("document.getElementById('play').click()")
        page.wait_for(PLAYING)
        assert page.value(HEARD) == [False, False, False]

        page.value("document.getElementById('stop').click()")
        page.value("document.querySelectorAll('video')[1].play()")
        page.wait_for("!document.querySelectorAll('video')[1].muted")
        assert page.value(HEARD) == [False, True, False]
