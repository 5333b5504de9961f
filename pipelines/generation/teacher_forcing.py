"""What a flow makes of coefficients that are there already: latents and likelihoods of recorded sequences, all frames in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.generation.audio_features import AudioFeatures, MelAudio
from pipelines.generation.audio_windows import audio_windows
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, Context

Float32Array = NDArray[np.float32]
_FRAMES_AT_ONCE = 512
_SILENCE = -4.0


@dataclass(frozen=True, eq=False)
class RecordedSequence:
    """Coefficients with what their frames depend on.

    Attributes:
        values: (frames, features) float32; expression without blinks.
        audio: None: the flow has none, or silence is taken for it.
        source: (features,) float32 of the resting face; None: the flow has none.
    """

    values: Float32Array
    audio: AudioFeatures | None
    source: Float32Array | None


def silent_audio(frames: int) -> MelAudio:
    """Return the features of silence of some length."""
    return MelAudio(np.full((1 + frames * 16 // 5, 80), _SILENCE, np.float32))


@torch.inference_mode()
def sequence_latents(flow: CoefficientFlow, sequence: RecordedSequence, emotion: Float32Array) -> Float32Array:
    """Return z = f^-1 of every frame, (frames, features), given the frames before it.

    Args:
        flow: in evaluation mode.
        sequence: a recorded one.
        emotion: (E,) weights.
    """
    pieces = [flow.to_latent(values, context)[0] for values, context in _contexts(flow, sequence, emotion, with_past=True)]
    return np.asarray(torch.cat(pieces).cpu().numpy())


@torch.inference_mode()
def frame_log_likelihoods(
    flow: CoefficientFlow, sequence: RecordedSequence, emotion: Float32Array, *, with_past: bool = True
) -> NDArray[np.float64]:
    """Return the log-likelihood of every frame, (frames,) nats.

    Args:
        flow: in evaluation mode.
        sequence: a recorded one.
        emotion: (E,) weights.
        with_past: False: as if nothing were known of the frames before (the state that data dropout trains). The frames before say
            nearly everything about a frame, its emotion included; without them the likelihoods of labels differ the more.
    """
    pieces = [flow.log_likelihood(values, context) for values, context in _contexts(flow, sequence, emotion, with_past=with_past)]
    return np.asarray(torch.cat(pieces).double().cpu().numpy())


def _contexts(
    flow: CoefficientFlow, sequence: RecordedSequence, emotion: Float32Array, *, with_past: bool
) -> Iterator[tuple[Tensor, Context]]:
    """Yield the frames of a sequence with their contexts, some hundred at a time."""
    device, past_frames = flow.center.device, flow.config.past_frames
    values = torch.from_numpy(np.ascontiguousarray(sequence.values)).to(device)
    frames = len(values)
    audio = sequence.audio or silent_audio(frames)
    history = torch.cat([values[:1].expand(past_frames, -1), values])[:-1].unfold(0, past_frames, 1).transpose(1, 2)
    known = torch.arange(frames, device=device)[:, None] + torch.arange(-past_frames, 0, device=device) >= 0
    history = flow.seen_past(history, known & with_past)
    weights = torch.from_numpy(emotion).to(device)
    source = None if sequence.source is None else torch.from_numpy(sequence.source).to(device)
    for first in range(0, frames, _FRAMES_AT_ONCE):
        end = min(frames, first + _FRAMES_AT_ONCE)
        windows = audio_windows(flow, [audio], [frames], first, end)[0] if flow.config.has_audio else None
        faces = source.expand(end - first, -1) if source is not None and flow.config.has_source else None
        yield values[first:end], flow.encode_context(windows, history[first:end], faces, weights.expand(end - first, -1))
