"""What is asked of the generator for one item, and what comes back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pipelines.generation.audio_features import AudioFeatures
from storage_schemas.errors import BadInputError
from storage_schemas.part_layout import EXPRESSION_SIZE, POSE_SIZE
from storage_schemas.script_rows import STRONGEST

Float32Array = NDArray[np.float32]

LONGEST_FRAMES = 24 * 3600 * 25
_LARGEST_SEED = 2**63
TEMPERATURE = 0.8
POSE_TEMPERATURE = 0.9
"""Spread of what is drawn unless asked for otherwise: a little less than the models', which smooths what short trainings leave rough."""
_LARGEST_TEMPERATURE = 4.0


class PoseMode(StrEnum):
    """Where the head's movement comes from."""

    AUDIO = "audio"
    FIXED = "fixed"


class BlinkMode(StrEnum):
    """Where blinks come from."""

    DRAWN = "drawn"
    OFF = "off"
    REFERENCE = "reference"


@dataclass(frozen=True, eq=False)
class Reference:
    """A sequence whose emotion, or whose head movement, is to be taken over.

    Attributes:
        name: for messages.
        beta: (frames, 64) float32, one frame for a picture.
        rho: (frames, 6) float32.
        audio: its sound; None: silence is taken for it.
        source: (64,) float32, the resting face of its speaker; None: that of the training clips.
        emotion: its label; empty: found from its coefficients.
        face_model: id of the face model of its coefficients; empty: unknown.
    """

    name: str
    beta: Float32Array
    rho: Float32Array | None = None
    audio: AudioFeatures | None = None
    source: Float32Array | None = None
    emotion: str = ""
    face_model: str = ""

    def __post_init__(self) -> None:
        _require_frames(f"reference {self.name}: beta", self.beta, EXPRESSION_SIZE)
        if self.rho is not None:
            _require_frames(f"reference {self.name}: rho", self.rho, POSE_SIZE)
        if self.source is not None:
            _require_vector(f"reference {self.name}: source", self.source, EXPRESSION_SIZE)


@dataclass(frozen=True)
class BlinkSettings:
    """How an item blinks.

    Attributes:
        mode: drawn from the blink model, none, or those of the reference.
        rate: drawn: 2 blinks twice as often as the training clips.
        frames: drawn: exactly at these frames (eyes most closed) instead.
    """

    mode: BlinkMode = BlinkMode.DRAWN
    rate: float = 1.0
    frames: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class GenerationRequest:
    """One sequence to be generated.

    Attributes:
        item_id: names it in results and messages.
        audio: what is said; may be None for models without audio, if `frames` is given.
        frames: length; None: that of the audio. Beyond the audio's end its last 1/80 s is continued.
        emotion: a label, shares by label, or a reference to transfer from.
        intensity: 0: neutral, 1: as the training clips show it, up to 2: stronger.
        seed: decides everything random about the item, together with `take`.
        take: number of the take.
        source_beta: (64,) float32, the resting face that is animated; None: that of the training clips.
        source_rho: (6,) float32, pose of the source picture: the place and size of the head are shifted to it; None: as in the
            training clips.
        temperature: spread of the expression, 1: the model's.
        pose_temperature: spread of the pose.
        projection: manifold projection of the expression's latents, 0: none, 1: whole.
        pose: from the audio, fixed, or rho (n, 6) float32 to follow, gone through to and fro if it is too short.
        reference_noise: with a reference, share of the spread that is fresh: 0 takes the reference's latents as they are.
        blinks: see `BlinkSettings`.
    """

    item_id: str
    audio: AudioFeatures | None = None
    frames: int | None = None
    emotion: str | Mapping[str, float] | Reference = "neutral"
    intensity: float = 1.0
    seed: int = 0
    take: int = 0
    source_beta: Float32Array | None = None
    source_rho: Float32Array | None = None
    temperature: float = TEMPERATURE
    pose_temperature: float = POSE_TEMPERATURE
    projection: float = 0.0
    pose: PoseMode | Float32Array = PoseMode.AUDIO
    reference_noise: float = 0.0
    blinks: BlinkSettings = field(default_factory=BlinkSettings)

    @property
    def length(self) -> int:
        """Frames of the sequence.

        Raises:
            BadInputError: nothing says how long it is, or it is empty.
        """
        if self.frames is None and self.audio is None:
            raise BadInputError("neither audio nor a number of frames was given")
        frames = self.frames if self.frames is not None else self.audio.frames if self.audio is not None else 0
        if not 1 <= frames <= LONGEST_FRAMES:
            raise BadInputError(f"a sequence has 1 to {LONGEST_FRAMES} frames (a day), {frames} were asked for")
        return frames

    def check(self) -> None:
        """Raise BadInputError for values that make no sense; the caller names the item."""
        _ = self.length
        for name, value, largest in (
            ("temperature", self.temperature, _LARGEST_TEMPERATURE), ("pose_temperature", self.pose_temperature, _LARGEST_TEMPERATURE),
            ("projection", self.projection, 1.0), ("intensity", self.intensity, STRONGEST), ("reference_noise", self.reference_noise, 1.0),
            ("blinks.rate", self.blinks.rate, 20.0),
        ):  # fmt: skip
            if not (math.isfinite(value) and 0.0 <= value <= largest):
                raise BadInputError(f"{name} must be between 0 and {largest:g}, got {value}")
        for name, number in (("seed", self.seed), ("take", self.take)):
            if not 0 <= number < (_LARGEST_SEED if name == "seed" else 2**32):
                raise BadInputError(f"{name} must be a whole number from 0 on, got {number}")
        if self.source_beta is not None:
            _require_vector("source_beta", self.source_beta, EXPRESSION_SIZE)
        if self.source_rho is not None:
            _require_vector("source_rho", self.source_rho, POSE_SIZE)
        if isinstance(self.pose, np.ndarray):
            _require_frames("pose", self.pose, POSE_SIZE)
        if self.blinks.mode is BlinkMode.REFERENCE and not isinstance(self.emotion, Reference):
            raise BadInputError("blinks can be taken from a reference only where there is one")


@dataclass(frozen=True, eq=False)
class SequenceChunk:
    """A run of frames of one item.

    Attributes:
        item_id: of the request.
        index: place of the request in the list that was given.
        first_frame: of the run.
        beta: (n, 64) float32 expression, blinks included.
        rho: (n, 6) float32 pose.
        emotion: (9,) float32 weights that were used.
        is_last: whether the item is complete.
    """

    item_id: str
    index: int
    first_frame: int
    beta: Float32Array
    rho: Float32Array
    emotion: Float32Array
    is_last: bool


@dataclass(frozen=True, eq=False)
class GeneratedSequence:
    """A complete item: beta (frames, 64) and rho (frames, 6) float32, and the emotion weights (9,) that were used."""

    item_id: str
    beta: Float32Array
    rho: Float32Array
    emotion: Float32Array


@dataclass(frozen=True)
class FailedItem:
    """An item that cannot be generated, and why; the message names it."""

    item_id: str
    index: int
    message: str


def _require_vector(name: str, values: Float32Array, size: int) -> None:
    if values.shape != (size,) or not np.isfinite(values).all():
        raise BadInputError(f"{name} must be ({size},) finite numbers, got an array of shape {values.shape}")


def _require_frames(name: str, values: Float32Array, size: int) -> None:
    if values.ndim != 2 or values.shape[1] != size or not len(values) or not np.isfinite(values).all():
        raise BadInputError(f"{name} must be (frames, {size}) finite numbers with at least one frame, got an array of shape {values.shape}")
