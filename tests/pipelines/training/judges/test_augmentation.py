from __future__ import annotations

import cv2
import numpy as np
import torch

from pipelines.training.judges.augmentation import WIDER, blurred, changed_sound, hidden_squares, moved, wide_size
from storage_schemas.judge_runs import JudgeTrainingSpec

STILL = JudgeTrainingSpec(shift=0, turn=0, noise=0, mel_gain=0, mel_mask_bins=0)


def smooth_windows(clips: int, size_px: int) -> torch.Tensor:
    random = np.random.default_rng(0)
    pictures = [cv2.GaussianBlur(random.uniform(0, 255, (size_px, size_px)).astype(np.float32), (0, 0), 3) for _ in range(clips)]
    return torch.from_numpy(np.stack(pictures))[:, None].repeat(1, 2, 1, 1)


def test_without_moving_the_middle_is_seen_as_it_is_or_mirrored() -> None:
    wide = smooth_windows(16, 40)
    assert wide_size(32) == 40 == 32 * WIDER
    torch.manual_seed(0)
    seen = moved(wide, 32, STILL)
    middle = wide[..., 4:36, 4:36]
    mirrored = middle.flip(-1)
    as_it_is = (seen - middle).abs().amax(dim=(1, 2, 3)) < 0.01
    turned_round = (seen - mirrored).abs().amax(dim=(1, 2, 3)) < 0.01
    assert (as_it_is ^ turned_round).all()
    assert as_it_is.any()
    assert turned_round.any()


def test_frames_of_a_clip_are_moved_alike_and_within_what_is_stored() -> None:
    wide = smooth_windows(64, 40)
    torch.manual_seed(0)
    seen = moved(wide, 32, JudgeTrainingSpec())
    torch.testing.assert_close(seen[:, 0], seen[:, 1])
    # Nothing from beyond the stored windows: their edges are marked, and no mark is seen.
    wide[..., 0] = wide[..., -1] = wide[..., 0, :] = wide[..., -1, :] = 1e6
    torch.manual_seed(0)
    assert float(moved(wide, 32, JudgeTrainingSpec(shift=0.04, turn=0.04)).max()) < 1e5


def test_shares_of_the_windows_are_blurred_and_hidden() -> None:
    windows = smooth_windows(200, 16) + torch.randn(200, 2, 16, 16) * 40
    torch.manual_seed(0)
    changed = (blurred(windows, 0.3) != windows).flatten(1).any(dim=1).float().mean()
    assert 0.2 < float(changed) < 0.4
    assert torch.equal(blurred(windows, 0.0), windows)
    hidden = (hidden_squares(windows[:, 0], 0.5) != windows[:, 0]).flatten(1)
    assert 0.35 < float(hidden.any(dim=1).float().mean()) < 0.65
    assert float(hidden.float().mean(dim=1).max()) <= 0.25


def test_sound_keeps_its_range_and_loses_one_run_of_bins() -> None:
    mel = torch.zeros(50, 30, 80)
    torch.manual_seed(0)
    changed = changed_sound(mel, STILL.model_copy(update={"mel_mask_bins": 10}))
    assert torch.equal(changed_sound(mel, STILL), mel)
    assert set(changed.unique().tolist()) == {-4.0, 0.0}
    hidden = (changed[:, 0] == -4).int()
    assert int(hidden.sum(dim=1).max()) <= 10
    assert int((hidden.diff(dim=1) == 1).sum(dim=1).max()) <= 1
    loud = changed_sound(torch.full((20, 30, 80), 3.9), JudgeTrainingSpec())
    assert float(loud.max()) <= 4
    assert float(loud.min()) >= -4
