from __future__ import annotations

import numpy as np
import torch

from pipelines.training.coefficient_sequences import CoefficientSequence, Float32Array
from pipelines.training.window_batches import COVERING_FRAMES, TrainingWindows, WindowShape, covering_windows
from pipelines.training.window_plan import WindowPlan
from tests.factories.coefficient_sequences import MemorySequences, invented_sequence, invented_source

SHAPE = WindowShape(past=3, target=10, margin=2, with_source=True)


def beta(sequence: CoefficientSequence) -> Float32Array:
    return sequence.beta


def windows_of(source: MemorySequences, buffer_frames: int = 10**9, batch: int = 4) -> TrainingWindows:
    table = source.table("train")
    return TrainingWindows(source, table, WindowPlan(table, 10, batch, 0, buffer_frames), SHAPE, beta, seed=0)


def test_shapes() -> None:
    windows = windows_of(invented_source())
    batch = windows.batch(0)
    windows.close()
    assert batch.values.shape == (4, 13, 64)
    assert batch.known.shape == (4, 13)
    assert batch.usable.shape == (4, 10)
    assert batch.source is not None
    assert batch.source.shape == (4, 64)
    assert batch.log_mel is not None
    assert batch.log_mel.shape[0] == 4


def test_streaming_gives_the_same_batch_whatever_was_read_before() -> None:
    windows = windows_of(invented_source(), buffer_frames=150)
    forward = [windows.batch(step) for step in range(30)]
    windows.close()
    other = windows_of(invented_source(), buffer_frames=150)
    again = other.batch(23)
    other.close()
    torch.testing.assert_close(forward[23].values, again.values, rtol=0, atol=0)
    torch.testing.assert_close(forward[23].source, again.source, rtol=0, atol=0)


def test_what_fits_is_read_once() -> None:
    source = invented_source()
    windows = windows_of(source)
    for step in range(100):
        windows.batch(step)
    windows.close()
    assert source.reads <= 9 + 2 * 4  # the split, and up to four clips of each speaker for source faces


def test_a_process_takes_its_rows() -> None:
    windows = windows_of(invented_source())
    batch = windows.batch(3)
    windows.close()
    shares = [batch.select(slice(rank, None, 2)) for rank in range(2)]
    assert torch.equal(torch.stack([shares[0].values[0], shares[1].values[0]]), batch.values[:2])
    assert {len(share.usable) for share in shares} == {2}


def test_without_past_hides_all_frames() -> None:
    windows = windows_of(invented_source())
    assert not windows.batch(0).without_past().known.any()
    windows.close()


def test_sequences_without_sound() -> None:
    windows = windows_of(MemorySequences([invented_sequence(0, audio=False)]))
    assert windows.batch(0).log_mel is None
    windows.close()


def test_covering_windows_cover_every_frame_once() -> None:
    sequence, start = covering_windows(np.array([70, 30, 5]))
    assert sequence.tolist() == [0, 0, 0, 1, 2]
    assert start.tolist() == [0, COVERING_FRAMES, 2 * COVERING_FRAMES, 0, 0]
