"""What a trained ExpFlow makes of recorded clips: likelihoods, latents, and where its free samples lie."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.outliers import TypicalRegion
from pipelines.generation.audio_features import MelAudio
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.emotion_weights import emotion_weights
from pipelines.generation.latent_sources import NoiseLatents
from pipelines.generation.random_streams import Stream
from pipelines.generation.sequence_sampling import SequenceBatch, SequencePlan
from pipelines.generation.teacher_forcing import RecordedSequence, frame_log_likelihoods, sequence_latents
from pipelines.generation.temporal_prior import LatentNoise, TemporalPrior
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.identifiers import Emotion

Float32Array = NDArray[np.float32]

_INDEPENDENT = TemporalPrior(correlation=0.0, independent_share=1.0)


def modelled_values(model: CoefficientModel, clip: CoefficientSequence) -> Float32Array:
    """Return the expression (frames, 64) that ExpFlow models: without blinks where it knows them."""
    return model.blinks.remove(clip.beta) if model.blinks is not None else clip.beta


def nll_per_dimension(model: CoefficientModel, clips: Sequence[CoefficientSequence], *, with_past: bool = True) -> float:
    """Return the mean negative log-likelihood of the usable frames of clips, nats per dimension in the network's normalised units.

    Args:
        model: an ExpFlow.
        clips: with labels that it knows.
        with_past: False: as if the frames before were unknown.
    """
    found = []
    for clip in clips:
        scores = frame_log_likelihoods(model.flow, _recorded(model, clip), _weights(model, clip), with_past=with_past)
        found.append(-scores[clip.usable])
    raw = np.concatenate(found).mean() / model.flow.config.features
    return float(raw - model.flow.scale.double().log().mean().item())


def clip_latents(model: CoefficientModel, clip: CoefficientSequence) -> Float32Array:
    """Return the latents (frames, 64) of a clip, each frame given those before it."""
    return sequence_latents(model.flow, _recorded(model, clip), _weights(model, clip))


def free_sample_outliers(model: CoefficientModel, clips: Sequence[CoefficientSequence], region: TypicalRegion, seed: int) -> float:
    """Return the share of freely drawn frames that lie outside the region.

    Drawn for each clip's audio, emotion and length, frame after frame from the model's own samples, at temperature 1 with independent
    latents and no bounds: the model's own distribution without any of the safeguards of generation. Numbers that overflow are outliers.

    Args:
        model: an ExpFlow.
        clips: with labels that it knows.
        region: of the training frames.
        seed: of the draws.
    """
    longest_first = sorted(clips, key=lambda clip: -clip.frames)
    plans = [_free_plan(model, clip, (seed, take)) for take, clip in enumerate(longest_first)]
    drawn = SequenceBatch(model.flow, plans).advance(plans[0].frames)
    return region.outlier_share(np.concatenate(drawn))


def _free_plan(model: CoefficientModel, clip: CoefficientSequence, item: tuple[int, int]) -> SequencePlan:
    flow = model.flow
    config = flow.config
    degrees = config.degrees_of_freedom if config.latent == "student_t" else None
    weights = _weights(model, clip)
    mean = flow.latent_mean(torch.from_numpy(weights)[None].to(flow.center.device))[0]
    noise = LatentNoise(config.features, degrees, _INDEPENDENT, item, (Stream.EXPRESSION, Stream.EXPRESSION_TAILS))
    unbounded = np.full(config.features, np.inf, np.float32)
    return SequencePlan(
        frames=clip.frames,
        audio=_audio(model, clip),
        emotion=weights,
        source=model.resting if config.has_source else None,
        latents=NoiseLatents(mean, noise, 1.0),
        lowest=-unbounded,
        highest=unbounded,
        warm_up=config.past_frames,
    )


def _recorded(model: CoefficientModel, clip: CoefficientSequence) -> RecordedSequence:
    source = model.resting if model.flow.config.has_source else None
    return RecordedSequence(modelled_values(model, clip), _audio(model, clip), source)


def _audio(model: CoefficientModel, clip: CoefficientSequence) -> MelAudio | None:
    return MelAudio(clip.log_mel) if model.flow.config.has_audio and clip.log_mel is not None else None


def _weights(model: CoefficientModel, clip: CoefficientSequence) -> Float32Array:
    return emotion_weights(clip.emotion or Emotion.UNLABELLED.value, 1.0, model.emotions)
