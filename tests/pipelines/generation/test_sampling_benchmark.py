from __future__ import annotations

import pytest

from pipelines.generation import sampling_benchmark


def test_the_keys_are_presets_and_batch_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling_benchmark, "_LEAST_S", 0.0)
    monkeypatch.setattr(sampling_benchmark, "_LENGTHS", (5, 20))
    seen: list[tuple[int, int]] = []

    values = sampling_benchmark.measure_sampling(
        "cpu", batch_sizes=(1, 2), preset_names=("tiny",), on_progress=lambda done, total: seen.append((done, total))
    )

    assert set(values["frames_per_second"]) == set(values["with_pose"]) == {"tiny"}
    assert set(values["frames_per_second"]["tiny"]) == {"1", "2"}
    assert min(values["frames_per_second"]["tiny"].values()) > 0
    assert values["linear_in_length"]["tiny"] > 0
    assert values["device"].startswith("cpu")
    assert seen == [(done, 5) for done in range(1, 6)]
