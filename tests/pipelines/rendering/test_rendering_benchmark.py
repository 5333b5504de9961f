from __future__ import annotations

import pytest

from pipelines.rendering import rendering_benchmark
from pipelines.rendering.frame_generator import RenderSettings
from pipelines.rendering.rendering_benchmark import BenchmarkSettings, matrix_rate_tflops, measure_rendering
from tests.factories.rendering_models import small_rendering_model


def test_the_figures_of_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendering_benchmark, "random_model", lambda _name: small_rendering_model())
    monkeypatch.setattr(rendering_benchmark, "_LEAST_S", 0.0)
    steps: list[tuple[int, int]] = []

    values = measure_rendering(
        BenchmarkSettings(batch_sizes=(1, 2), preset_names=("tiny",)), on_progress=lambda done, total: steps.append((done, total))
    )

    assert steps == [(1, 2), (2, 2)]
    assert 0 < values["gflop_per_frame"]["tiny"] < 0.1
    by_batch = values["frames_per_second_by_batch"]["tiny"]
    assert set(by_batch) == {"1", "2"}
    assert values["frames_per_second"]["tiny"] == max(by_batch.values()) > 0
    assert values["device"]["tiny"].startswith("cpu")
    assert values["peak_memory_mb"]["tiny"] > 0
    assert values["motion_field_ms_per_frame"]["tiny"] > 0
    assert 0 < values["utilisation"]["tiny"] < 1
    assert values["codeformer_times_gflop"] == {}


def test_the_rate_of_matrix_products() -> None:
    assert matrix_rate_tflops(RenderSettings(), side=128) > 1e-4


@pytest.mark.slow
def test_the_paper_s_sizes_against_codeformer() -> None:
    values = measure_rendering(BenchmarkSettings(batch_sizes=(1,), preset_names=("paper",)))

    assert values["gflop_per_frame"]["paper"] <= 270
    assert values["codeformer_times_gflop"]["paper"] >= 3
    assert values["codeformer_times_speed"]["paper"] >= 3
