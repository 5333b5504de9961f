from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.models.image_generator.mapping import windows_of
from pipelines.rendering.batch.coefficient_spool import CoefficientSpool


@pytest.mark.parametrize("window", [1, 4, 7])
def test_windows_are_those_of_the_whole_clip(tmp_path: Path, window: int) -> None:
    values = np.random.default_rng(0).normal(size=(11, 70)).astype(np.float32)
    spool = CoefficientSpool(tmp_path / "clip.f32")
    for start in (0, 4, 8):
        spool.append(values[start : start + 4, :64], values[start : start + 4, 64:])

    expected = windows_of(torch.from_numpy(values), window).numpy()
    found = np.concatenate([spool.windows(first, min(3, 11 - first), window) for first in range(0, 11, 3)])

    np.testing.assert_array_equal(found, expected)
    assert spool.sha256 == hashlib.sha256(values.tobytes()).hexdigest()
