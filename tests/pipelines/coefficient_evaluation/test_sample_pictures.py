from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.coefficient_evaluation.sample_pictures import draw_samples


def test_a_panel_for_each_curve(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    curves = {name: (rng.standard_normal((4, 50)), rng.standard_normal(48)) for name in ("mouth", "eyes", "yaw")}
    draw_samples(tmp_path / "samples.png", "a sentence, happy", rng.standard_normal((160, 80)), curves)

    with Image.open(tmp_path / "samples.png") as picture:
        assert picture.height == 4 * 165
