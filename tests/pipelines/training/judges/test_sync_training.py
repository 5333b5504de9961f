from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipelines.judging.sync_judge import LARGEST_OFFSET, clip_log_mel, first_columns
from pipelines.models.sync_expert.network import SyncExpert
from pipelines.models.sync_expert.settings import FRAMES, MEL_COLUMNS
from pipelines.training.judges.loaded_windows import TalkingMouth
from pipelines.training.judges.sync_training import SyncLoss, offset_cosines, offset_loss, sync_batch
from storage_schemas.judge_runs import JudgeTrainingSpec
from tests.factories.judge_runs import SYNC_SIZES

RUNS = 6
ONE_OF_TWO = torch.tensor([True, False])


def numbered_clip(frames: int) -> TalkingMouth:
    """Return a clip whose pictures and sound say which frame and column they are."""
    windows = np.broadcast_to(np.arange(frames, dtype=np.uint8)[:, None, None], (frames, 20, 20)).copy()
    columns = np.arange(1 + frames * 640 // 200, dtype=np.float32)
    return TalkingMouth(windows, np.repeat(columns[:, None], 80, axis=1))


@pytest.mark.parametrize("start", [-2, 3, 28, 38])
def test_windows_have_their_own_frames_and_sound(start: int) -> None:
    batch = sync_batch([numbered_clip(40), numbered_clip(30)], np.array([start, start]), RUNS)
    assert batch.windows.shape == (2, RUNS + FRAMES - 1, 20, 20)
    assert batch.first.shape == (RUNS + 2 * LARGEST_OFFSET,)
    for clip, frames in enumerate((40, 30)):
        for run in range(RUNS):
            inside = 0 <= start + run <= frames - FRAMES
            assert bool(batch.seen[clip, run]) == inside
            if inside:
                assert int(batch.windows[clip, run, 0, 0]) == start + run
        for number in range(RUNS + 2 * LARGEST_OFFSET):
            frame = start + number - LARGEST_OFFSET
            assert bool(batch.heard[clip, number]) == (0 <= frame <= frames - FRAMES)
            if batch.heard[clip, number]:
                first = int(batch.first[number])
                expected = int(first_columns(np.array([frame]))[0])
                assert batch.log_mel[clip, first : first + MEL_COLUMNS, 0].tolist() == list(range(expected, expected + MEL_COLUMNS))


def test_a_clip_without_a_face_counts_for_nothing() -> None:
    batch = sync_batch([replace(numbered_clip(40), seen=False), numbered_clip(40)], np.array([3, 3]), RUNS)
    assert not batch.seen[0].any()
    assert batch.seen[1].all()


def test_the_middle_of_the_cosines_is_the_sound_of_the_same_time() -> None:
    torch.manual_seed(0)
    expert = SyncExpert(SYNC_SIZES).eval()
    wave = np.random.default_rng(0).normal(0, 3000, 60 * 640).astype(np.int16)
    mel = torch.from_numpy(clip_log_mel(wave, 60))
    pictures = torch.randn(1, RUNS + FRAMES - 1, SYNC_SIZES.size_px, SYNC_SIZES.size_px)
    first = torch.from_numpy(first_columns(np.arange(RUNS + 2 * LARGEST_OFFSET)))
    cosines = offset_cosines(expert, pictures, mel[None], first)
    runs = pictures[0].unfold(0, FRAMES, 1).permute(0, 3, 1, 2)
    mouths, sounds = expert.embed_mouths(runs), expert.embed_sounds(mel[None], first)[0]
    torch.testing.assert_close(cosines[0, :, LARGEST_OFFSET], (mouths * sounds[LARGEST_OFFSET : LARGEST_OFFSET + RUNS]).sum(dim=1))
    torch.testing.assert_close(cosines[0, 2, LARGEST_OFFSET + 3], (mouths[2] * sounds[LARGEST_OFFSET + 5]).sum())


def test_the_right_offset_has_the_least_loss() -> None:
    heard = torch.ones(1, 2 * LARGEST_OFFSET + 1, dtype=torch.bool)
    losses = [float(offset_loss(10.0 * torch.eye(2 * LARGEST_OFFSET + 1)[offset][None], heard, 0.1, heard[:, 0])) for offset in range(31)]
    assert losses.index(min(losses)) == LARGEST_OFFSET
    assert losses[LARGEST_OFFSET - 1] == pytest.approx(losses[LARGEST_OFFSET + 1])
    assert losses[LARGEST_OFFSET - 1] < losses[LARGEST_OFFSET - 2]


def test_what_is_not_heard_does_not_count() -> None:
    heard = torch.ones(2, 2 * LARGEST_OFFSET + 1, dtype=torch.bool)
    heard[:, :10] = False
    logits = torch.randn(2, 2 * LARGEST_OFFSET + 1)
    other = logits.clone()
    other[:, :10] += 100
    assert float(offset_loss(logits, heard, 0.1, ONE_OF_TWO)) == pytest.approx(float(offset_loss(other, heard, 0.1, ONE_OF_TWO)))
    other[1] += torch.randn(2 * LARGEST_OFFSET + 1)  # neither does what is not counted
    assert float(offset_loss(logits, heard, 0.1, ONE_OF_TWO)) == pytest.approx(float(offset_loss(other, heard, 0.1, ONE_OF_TWO)))
    assert float(offset_loss(logits, heard, 0.1, torch.tensor([False, False]))) == 0


def test_the_loss_of_a_batch_is_finite_and_reaches_both_sides() -> None:
    torch.manual_seed(0)
    expert = SyncExpert(SYNC_SIZES)
    random = np.random.default_rng(0)
    clip = TalkingMouth(random.integers(0, 255, (30, 20, 20), dtype=np.uint8), random.normal(0, 1, (97, 80)).astype(np.float32))
    losses = SyncLoss(expert, JudgeTrainingSpec())(sync_batch([clip, replace(clip, seen=False)], np.array([-2, -2]), RUNS))
    losses["loss"].backward()
    assert all(bool(torch.isfinite(value)) for value in losses.values())
    for side in (expert.picture_side, expert.sound_trunk, expert.sound_side):
        assert all(parameter.grad is not None and torch.isfinite(parameter.grad).all() for parameter in side.parameters())
