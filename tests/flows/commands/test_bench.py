from __future__ import annotations

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from flows.command_line import app
from pipelines.rendering.rendering_benchmark import BenchmarkSettings
from storage_schemas.errors import BadInputError


def test_render_prints_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[BenchmarkSettings] = []

    def measured(settings: BenchmarkSettings, on_progress: object) -> dict[str, Any]:
        asked.append(settings)
        return {"gflop_per_frame": {"tiny": 2.9}, "frames_per_second": {"tiny": 30.0}, "device": {"tiny": "cpu"}}

    monkeypatch.setattr("pipelines.rendering.rendering_benchmark.measure_rendering", measured)
    words = [
        "bench",
        "render",
        "--preset",
        "tiny",
        "--batch",
        "2",
        "--device",
        "cpu",
        "--precision",
        "bfloat16",
        "--threads",
        "1",
        "--json",
    ]

    result = CliRunner().invoke(app, words, catch_exceptions=False)

    assert json.loads(result.stdout)["frames_per_second"] == {"tiny": 30.0}
    (settings,) = asked
    assert (settings.preset_names, settings.sizes, settings.threads) == (["tiny"], [2], 1)
    assert (settings.render.device, settings.render.precision) == ("cpu", "bfloat16")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--preset", "huge"], "unknown preset 'huge'; presets are tiny, small, paper"),
        (["--cuda-graphs"], "needs a CUDA device, found cpu"),
    ],
)
def test_render_names_what_is_wrong(words: list[str], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        CliRunner().invoke(app, ["bench", "render", "--device", "cpu", *words], catch_exceptions=False)
