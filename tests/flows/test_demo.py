"""The demonstration as a whole: what it leaves, that it may be stopped, and that it finds again what is done."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flows.demo import STAGES, Advance, check_portrait, run_demo
from storage_schemas.demo_summary import DemoSettings, DemoSummary, TrainingShare
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import RunKind

_SETTINGS = DemoSettings(clips=8, speakers=2, takes=1, trainings={kind: TrainingShare(steps=4, max_minutes=0) for kind in RunKind})


class Watcher:
    """Remembers what it was told, and stops the demonstration in a stage."""

    def __init__(self, stops_in: str = "") -> None:
        self.seen: list[str] = []
        self._stops_in = stops_in

    @contextmanager
    def stage(self, name: str, number: int, count: int) -> Iterator[Advance]:
        assert (number, count) == (STAGES.index(name) + 1, len(STAGES))
        self.seen.append(name)

        def advance(done: int, total: int, note: str) -> None:
            if name == self._stops_in and done:
                raise KeyboardInterrupt

        yield advance


@pytest.mark.slow
def test_the_demonstration_may_be_stopped_and_leaves_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("espeakng_loader", reason="the optional extra `speech` is not installed")
    monkeypatch.setenv("FLOWVQTALKER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    out = tmp_path / "an output"
    for stage in ("corpus", "expflow"):
        with pytest.raises(KeyboardInterrupt):
            run_demo(out, _SETTINGS, Watcher(stage))

    first = run_demo(out, _SETTINGS, watcher := Watcher())
    again = run_demo(out, _SETTINGS, Watcher())

    assert watcher.seen == list(STAGES)
    assert again.reused == list(STAGES[:-1])
    assert again.model_dump(exclude={"seconds", "seconds_total", "seconds_this_run", "reused"}) == first.model_dump(
        exclude={"seconds", "seconds_total", "seconds_this_run", "reused"}
    )
    assert DemoSummary.model_validate(json.loads((out / "summary.json").read_text())) == again
    assert first.failed() == []
    assert [render.emotion for render in first.renders if not render.reference] == sorted(
        ["angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised"]
    )
    for place in (first.report, first.index, first.portrait, "sheet.png", *(render.file for render in first.renders)):
        assert (out / place).stat().st_size > 0, place


def test_a_picture_without_a_face_is_refused_at_once(tmp_path: Path) -> None:
    Image.fromarray(np.full((200, 200, 3), 120, np.uint8)).save(tmp_path / "wall.png")
    (tmp_path / "words.png").write_text("words")

    for name, message in (("wall.png", "found no face"), ("words.png", "expected a picture"), ("none.png", "found nothing")):
        with pytest.raises(BadInputError, match=message):
            check_portrait(tmp_path / name)
