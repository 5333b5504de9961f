"""What a build fits to a demo corpus follows the corpus' truth, through video, cropping, landmarks and face model."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.demo_truth_benchmark import run_demo_truth_benchmark
from pipelines.corpora.demo.corpus import write_demo_corpus

_LEAST_R = {"mouth_opening": 0.95, "mouth_width": 0.94, "eye_opening": 0.94, "brow_height": 0.95, "yaw": 0.97, "pitch": 0.8, "roll": 0.97}


@pytest.mark.slow
def test_coefficients_follow_the_truth(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs the optional extra `speech`")
    write_demo_corpus(tmp_path / "corpus", 32, seed=7)
    values = run_demo_truth_benchmark(tmp_path / "corpus", str(tmp_path / "store"))
    assert values["clips"] == 32
    found = {name: values["series"][name]["r"] for name in _LEAST_R}
    assert [name for name, least in _LEAST_R.items() if found[name] < least] == [], found
    for angle in ("yaw", "roll"):
        assert 0.8 <= values["series"][angle]["slope"] <= 1.2
    for name in ("mouth_opening", "yaw", "pitch", "roll"):
        assert values["series"][name]["r_within"] > 0.9, name
