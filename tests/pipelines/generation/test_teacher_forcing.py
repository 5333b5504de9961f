from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.generation import teacher_forcing
from pipelines.generation.audio_features import MelAudio
from pipelines.generation.emotion_weights import emotion_weights
from pipelines.generation.teacher_forcing import RecordedSequence, frame_log_likelihoods, sequence_latents, silent_audio
from storage_schemas.training_runs import EMOTIONS
from tests.factories.coefficient_models import random_flow, speech_like_mel

HAPPY = emotion_weights("happy", 1.0, EMOTIONS)


def recorded(frames: int = 30) -> RecordedSequence:
    values = np.random.default_rng(0).normal(0, 0.3, (frames, 64)).astype(np.float32)
    return RecordedSequence(values, MelAudio(speech_like_mel(frames)), np.zeros(64, np.float32))


@torch.inference_mode()
def test_a_frame_is_scored_given_its_audio_and_the_frames_before() -> None:
    flow, sequence = random_flow(), recorded()
    assert sequence.audio is not None
    mel = torch.from_numpy(sequence.audio.read(0, sequence.audio.columns))[None]
    window = flow.audio_windows(flow.encode_audio(mel, 30))[:, 12]
    past = torch.from_numpy(sequence.values[8:12])[None]
    context = flow.encode_context(window, past, torch.zeros(1, 64), torch.from_numpy(HAPPY)[None])
    beta = torch.from_numpy(sequence.values[12:13])

    np.testing.assert_allclose(frame_log_likelihoods(flow, sequence, HAPPY)[12], float(flow.log_likelihood(beta, context)), rtol=1e-5)
    np.testing.assert_allclose(sequence_latents(flow, sequence, HAPPY)[12], flow.to_latent(beta, context)[0][0].numpy(), atol=1e-4)


def test_pieces_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    flow, sequence = random_flow(), recorded()
    whole = sequence_latents(flow, sequence, HAPPY)
    monkeypatch.setattr(teacher_forcing, "_FRAMES_AT_ONCE", 7)

    np.testing.assert_allclose(sequence_latents(flow, sequence, HAPPY), whole, atol=1e-4)


def test_without_history_the_order_of_frames_is_of_no_account() -> None:
    flow, clip = random_flow(), recorded()
    silent = RecordedSequence(clip.values, silent_audio(30), clip.source)
    turned = RecordedSequence(clip.values[::-1].copy(), silent_audio(30), clip.source)

    forwards, backwards = (frame_log_likelihoods(flow, sequence, HAPPY, with_past=False) for sequence in (silent, turned))

    np.testing.assert_allclose(backwards[::-1], forwards, rtol=1e-4)
