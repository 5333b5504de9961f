from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.models.published.syncnet import FRAMES, SyncNet
from pipelines.video_evaluation.sync_scoring import score_sync

_CPU = torch.device("cpu")


class LoudnessIsBrightness(SyncNet):
    """What is seen is how bright the first frame is, what is heard how loud the first steps are."""

    def __init__(self) -> None:
        torch.nn.Module.__init__(self)

    def sight(self, pictures: Tensor) -> Tensor:
        return pictures[:, 0, 0, 0, :1]

    def sound(self, coefficients: Tensor) -> Tensor:
        return coefficients[:, 0, 0, :1] * 10


def clip(late: int) -> tuple[np.ndarray, np.ndarray]:
    """Return lips (60, 2, 2, 3) that are as bright as the sound is loud, and the sound, late by some frames."""
    levels = np.random.default_rng(0).uniform(2, 20, 60)
    tone = np.sin(np.arange(640) * 0.7)
    # The log energy of a tone of amplitude a has 2 log a more than that of amplitude 1.
    amplitude = np.exp(levels / 20)
    sound = np.concatenate([np.zeros(late * 640), *(value * tone for value in amplitude)])[: 60 * 640] / 4096
    lips = np.zeros((60, 2, 2, 3), np.uint8)
    lips[..., 2] = np.round(levels + 100)[:, None, None].astype(np.uint8)
    return lips, sound


@pytest.mark.parametrize("late", [0, 1, 5, 10])
def test_sound_that_comes_late_has_that_offset(late: int) -> None:
    lips, sound = clip(late)
    found = score_sync(LoudnessIsBrightness(), lips, sound, _CPU)

    assert found is not None
    assert found.offset_frames == -late
    assert found.confidence > 0


def test_the_published_sizes_go_through_and_short_clips_have_no_score() -> None:
    torch.manual_seed(0)
    network = SyncNet().eval()
    lips = np.random.default_rng(0).integers(0, 256, (FRAMES + 2, 224, 224, 3)).astype(np.uint8)
    found = score_sync(network, lips, np.random.default_rng(1).normal(0, 0.1, 640 * (FRAMES + 2)), _CPU)

    assert found is not None
    assert np.isfinite([found.confidence, found.distance]).all()
    assert score_sync(network, lips[:FRAMES], np.zeros(640 * FRAMES), _CPU) is None
    assert score_sync(network, lips, np.zeros(0), _CPU) is None
