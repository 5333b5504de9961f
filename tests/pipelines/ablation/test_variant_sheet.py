from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.ablation.variant_sheet import variant_sheet
from pipelines.rendering.frame_generator import RenderSettings
from tests.factories.ablation_reports import vqig_report
from tests.factories.image_runs import store_with_image_runs


def test_frames_of_each_variant_stand_beside_the_true_ones(tmp_path: Path) -> None:
    made = store_with_image_runs(tmp_path / "store")
    report = vqig_report(f"vqig/{made.generator}", split="train")

    sheet = np.asarray(Image.open(io.BytesIO(variant_sheet(made.store, made.version, report, RenderSettings()))))

    assert sheet.shape[1] == 110 + 3 * (128 + 4)
    columns = [sheet[26:154, 110 + number * 132 : 110 + number * 132 + 128].astype(int) for number in range(3)]
    assert all(column.std() > 0 for column in columns)
    assert np.abs(columns[1] - columns[2]).mean() > 1
