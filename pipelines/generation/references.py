"""Emotion transfer: whose emotion a reference shows, and its latents."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.emotion_weights import emotion_weights
from pipelines.generation.request import Reference
from pipelines.generation.teacher_forcing import RecordedSequence, frame_log_likelihoods, sequence_latents
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import EMOTIONS

Float32Array = NDArray[np.float32]

FRAMES_PER_OBSERVATION = 5.0
"""Neighbouring frames are nearly copies: so many count as one observation when labels are weighed against each other."""


@dataclass(frozen=True, eq=False)
class ReadReference:
    """What is taken from a reference.

    Attributes:
        emotion: (9,) float32 weights.
        latents: (frames, 64) float32, f^-1 of its expression without blinks.
        closures: (frames,) float64, how far blinks close its eyes; None: the model knows no blinks.
        lowest, highest: (64,) float32 range of its expression.
    """

    emotion: Float32Array
    latents: Float32Array
    closures: NDArray[np.float64] | None
    lowest: Float32Array
    highest: Float32Array


def read_reference(model: CoefficientModel, reference: Reference) -> ReadReference:
    """Return what a reference gives.

    Raises:
        BadInputError: its coefficients are of another face model, or its label is unknown to the model.
    """
    trained_on = str(model.lineage.get("face_model", ""))
    if reference.face_model and trained_on and reference.face_model != trained_on:
        found = f"coefficients of face model {reference.face_model}, {model.run_id} was trained on {trained_on}"
        raise BadInputError(f"reference {reference.name}: {found}; fit the reference with that face model")
    beta = model.blinks.remove(reference.beta) if model.blinks is not None else reference.beta
    source = reference.source if reference.source is not None else model.resting
    recorded = RecordedSequence(beta, reference.audio, source if model.flow.config.has_source else None)
    label = reference.emotion
    weights = emotion_weights(label, 1.0, model.emotions) if label else emotion_posterior(model, recorded)
    latents = sequence_latents(model.flow, recorded, weights)
    closures = model.blinks.closures(reference.beta) if model.blinks is not None else None
    return ReadReference(weights, latents, closures, beta.min(axis=0), beta.max(axis=0))


def emotion_posterior(model: CoefficientModel, sequence: RecordedSequence) -> Float32Array:
    """Return the probability of each label given a sequence's coefficients, all labels being equally likely before, (9,) float32.

    The likelihoods are those without history: with it, the frames before have told the emotion already.
    """
    totals = label_log_likelihoods(model, sequence).sum(axis=1) / FRAMES_PER_OBSERVATION
    return np.asarray(np.exp(totals - logsumexp(totals)), dtype=np.float32)


def label_log_likelihoods(model: CoefficientModel, sequence: RecordedSequence) -> NDArray[np.float64]:
    """Return (9, frames) log-likelihoods in nats of a sequence under each label, without history; -inf for unknown labels."""
    scores = np.full((len(EMOTIONS), len(sequence.values)), -np.inf)
    for row, label in enumerate(EMOTIONS):
        if label in model.emotions:
            weights = emotion_weights(label, 1.0, model.emotions)
            scores[row] = frame_log_likelihoods(model.flow, sequence, weights, with_past=False)
    return scores
