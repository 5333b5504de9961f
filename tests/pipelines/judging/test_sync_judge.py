"""What a perfect expert would find: the sign of offsets, and what is compared."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from pipelines.judging.sync_judge import LARGEST_OFFSET, clip_log_mel, first_columns, offset_distances, score_of


def unit(seed: int, count: int) -> torch.Tensor:
    return functional.normalize(torch.randn(count, 24, generator=torch.Generator().manual_seed(seed)), dim=1)


@pytest.mark.parametrize("late", [-12, -3, 0, 1, 15])
def test_sound_that_comes_later_has_a_positive_offset(late: int) -> None:
    mouths = unit(0, 60)
    sounds = unit(1, 60)
    for frame in range(60):
        if 0 <= frame + late < 60:
            sounds[frame + late] = mouths[frame]
    score = score_of(offset_distances(mouths, sounds))
    assert score.offset_frames == late
    assert score.distance == pytest.approx(0.0, abs=1e-5)
    assert score.confidence > 1


def test_all_pairs_that_there_are_count() -> None:
    mouths, sounds = unit(0, 30), unit(1, 30)
    distances = offset_distances(mouths, sounds)
    assert distances.shape == (2 * LARGEST_OFFSET + 1,)
    assert distances[LARGEST_OFFSET + 4] == pytest.approx(float((mouths[:26] - sounds[4:]).norm(dim=1).mean()), rel=1e-5)
    assert distances[LARGEST_OFFSET - 4] == pytest.approx(float((mouths[4:] - sounds[:26]).norm(dim=1).mean()), rel=1e-5)


def test_nothing_stands_out_of_what_does_not_belong_together() -> None:
    assert score_of(offset_distances(unit(0, 400), unit(1, 400))).confidence < 0.05


def test_sound_is_as_long_as_the_pictures() -> None:
    wave = (np.random.default_rng(0).normal(0, 2000, 30 * 640)).astype(np.int16)
    assert len(clip_log_mel(wave, 30)) == 97
    assert len(clip_log_mel(wave, 20)) == 65
    longer = clip_log_mel(wave, 40)
    assert len(longer) == 129
    assert (longer[100:] == -4).all()


def test_windows_of_sound_begin_with_their_frames() -> None:
    assert first_columns(np.arange(6)).tolist() == [0, 3, 6, 10, 13, 16]
