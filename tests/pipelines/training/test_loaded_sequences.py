from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.models.normalizing_flow.audio_encoder import column_range
from pipelines.training.coefficient_loss import encode, window_shape
from pipelines.training.loaded_sequences import LoadedSequences, emotion_index
from pipelines.training.window_batches import cut_batch
from storage_schemas.training_runs import EMOTIONS
from tests.factories.coefficient_flows import random_flow
from tests.factories.coefficient_sequences import invented_sequence

SEQUENCES = [invented_sequence(number, frames) for number, frames in enumerate((60, 33, 47))]


@pytest.fixture(scope="module")
def loaded() -> LoadedSequences:
    return LoadedSequences(SEQUENCES, [sequence.beta[:, :8] for sequence in SEQUENCES])


def test_windows_are_slices(loaded: LoadedSequences) -> None:
    windows = loaded.windows(np.array([0, 2]), np.array([10, 20]), past=3, target=8, margin=2)
    np.testing.assert_array_equal(windows.values[0], SEQUENCES[0].beta[7:18, :8])
    np.testing.assert_array_equal(windows.values[1], SEQUENCES[2].beta[17:28, :8])
    assert windows.known.all()
    assert windows.usable.all()


def test_frames_beyond_a_sequence_are_unknown_and_repeat_its_edges(loaded: LoadedSequences) -> None:
    windows = loaded.windows(np.array([1, 1]), np.array([-2, 28]), past=3, target=8, margin=2)
    assert windows.known[0].tolist() == [False] * 5 + [True] * 6
    assert windows.known[1].tolist() == [True] * 8 + [False] * 3
    np.testing.assert_array_equal(windows.values[0, 0], SEQUENCES[1].beta[0, :8])
    np.testing.assert_array_equal(windows.values[1, -1], SEQUENCES[1].beta[-1, :8])


def test_flagged_frames_do_not_count() -> None:
    usable = np.ones(60, bool)
    usable[12] = False
    sequence = SEQUENCES[0].__class__(**{**vars(SEQUENCES[0]), "usable": usable})
    windows = LoadedSequences([sequence], [sequence.beta]).windows(np.array([0]), np.array([10]), past=3, target=8, margin=0)
    assert np.flatnonzero(~windows.usable[0]).tolist() == [5]
    assert windows.known.all()


@pytest.mark.parametrize("start", [10, 13, 14, 21])
def test_the_sound_of_a_window_gives_the_context_of_the_whole_clip(loaded: LoadedSequences, start: int) -> None:
    flow = random_flow(emotions=9)
    shape = window_shape(flow, 16)
    batch = cut_batch(loaded, np.array([0]), np.array([start]), shape, None, np.random.default_rng(0))
    source = torch.zeros(1, 8)
    whole = torch.from_numpy(SEQUENCES[0].log_mel)[None]
    features = flow.audio_windows(flow.encode_audio(whole, 60))[0, start : start + 16]
    past = torch.stack([torch.from_numpy(SEQUENCES[0].beta[start + i - 3 : start + i, :8]) for i in range(16)])
    emotion = torch.nn.functional.one_hot(batch.emotion, 9).float().expand(16, -1)
    expected = flow.encode_context(features, past, source.expand(16, -1), emotion)
    found = encode(flow, batch.__class__(**{**vars(batch), "source": source}))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=1e-4)


def test_the_sound_of_a_window_has_the_columns_the_encoder_wants(loaded: LoadedSequences) -> None:
    windows = loaded.windows(np.array([0, 1, 2]), np.array([11, 1, 21]), past=3, target=8, margin=4)
    begin, end = column_range(windows.mel_frame, 16)
    assert windows.log_mel is not None
    assert windows.log_mel.shape == (3, end - begin, 80)


def test_labels() -> None:
    assert emotion_index("") == EMOTIONS.index("unlabelled")
    assert emotion_index("happy") == EMOTIONS.index("happy")
