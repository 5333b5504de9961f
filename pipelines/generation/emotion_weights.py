"""Emotions as the networks take them: one weight per label, adding up to 1; stronger than the training clips: neutral has less than 0."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion
from storage_schemas.script_rows import STRONGEST
from storage_schemas.training_runs import EMOTIONS

Float32Array = NDArray[np.float32]


def emotion_weights(emotion: str | Mapping[str, float], intensity: float, known: Sequence[str]) -> Float32Array:
    """Return the weights of a label or of a mixture of labels.

    Args:
        emotion: a label, or positive shares by label; they are scaled to add up to 1.
        intensity: 0: neutral, 1: as given; between, so much of it and the rest neutral; above, as far beyond it, see `with_intensity`.
        known: labels that the model was trained on.

    Returns:
        (9,) float32 in the order of `EMOTIONS`.

    Raises:
        BadInputError: an unknown label, shares or an intensity that make no sense.
    """
    shares = {emotion: 1.0} if isinstance(emotion, str) else dict(emotion)
    for label in shares:
        _require_known(label, known)
    if not shares or not all(math.isfinite(share) and share >= 0 for share in shares.values()) or sum(shares.values()) <= 0:
        raise BadInputError(f"shares of emotions must be positive numbers, got {shares}")
    weights = np.zeros(len(EMOTIONS))
    for label, share in shares.items():
        weights[EMOTIONS.index(label)] = share / sum(shares.values())
    return with_intensity(weights.astype(np.float32), intensity, known)


def with_intensity(weights: Float32Array, intensity: float, known: Sequence[str]) -> Float32Array:
    """Return weights (9,) on the line from neutral, 0, through the emotion, 1, to twice as far from neutral, 2.

    Above 1 the networks are asked for what no training clip shows: their input for an emotion is linear in these weights, so the
    difference from neutral grows, as guidance of a classifier-free diffusion model exaggerates its condition.

    Raises:
        BadInputError: the intensity is not within 0..2, or the model knows no neutral clips to move from.
    """
    if not 0.0 <= intensity <= STRONGEST:
        raise BadInputError(f"intensity must be between 0 (neutral) and {STRONGEST:g} (twice as far from neutral as 1), got {intensity}")
    if intensity == 1.0:
        return weights
    _require_known(Emotion.NEUTRAL.value, known)
    neutral = np.zeros(len(EMOTIONS), np.float32)
    neutral[EMOTIONS.index(Emotion.NEUTRAL.value)] = 1.0
    return np.asarray(intensity * weights + (1 - intensity) * neutral, dtype=np.float32)


def parse_emotion(text: str) -> str | dict[str, float]:
    """Read ``happy`` or ``happy:0.7,sad:0.3``.

    Raises:
        BadInputError: it is neither.
    """
    if ":" not in text and "," not in text:
        return text.strip()
    shares: dict[str, float] = {}
    for piece in text.split(","):
        label, colon, share = piece.partition(":")
        try:
            shares[label.strip()] = float(share)
        except ValueError as error:
            raise BadInputError(f"expected a label, or shares like happy:0.7,sad:0.3, found {text!r}") from error
        if not colon:
            raise BadInputError(f"expected a share after {label!r}, as in happy:0.7,sad:0.3")
    return shares


def _require_known(label: str, known: Sequence[str]) -> None:
    if label in known:
        return
    if label in EMOTIONS:
        raise BadInputError(f"the model was trained on no {label!r} clips; it knows {', '.join(known)}")
    near = difflib.get_close_matches(label, known, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise BadInputError(f"unknown emotion {label!r}{hint}; known are {', '.join(known)}")
