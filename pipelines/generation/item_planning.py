"""From a request to the plans that the flows follow; everything that can be wrong with an item is found here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.blinks.timeline import BlinkTimeline
from pipelines.generation.audio_features import GuardedAudio
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.emotion_weights import emotion_weights, with_intensity
from pipelines.generation.latent_sources import LatentSource, NoiseLatents, ReferenceLatents, to_and_fro
from pipelines.generation.manifold import ManifoldProjection
from pipelines.generation.random_streams import Stream, random_stream
from pipelines.generation.references import ReadReference, read_reference
from pipelines.generation.request import BlinkMode, GenerationRequest, PoseMode, Reference
from pipelines.generation.sequence_sampling import SequencePlan
from pipelines.generation.temporal_prior import LatentNoise, TemporalPrior
from storage_schemas.errors import BadInputError

Float32Array = NDArray[np.float32]
Float64Array = NDArray[np.float64]

RANGE_MARGIN = 0.0
"""Generated coefficients may leave the range of the training clips by this share of it."""

EXPRESSION_PRIOR = TemporalPrior(correlation=0.95, independent_share=0.3)
POSE_PRIOR = TemporalPrior(correlation=0.0, independent_share=1.0)

PLACE = slice(3, 6)
"""The part of a pose that belongs to the picture: where the head is, and how large."""


@dataclass(frozen=True)
class SamplingSettings:
    """How latents are drawn, the same for all items.

    Attributes:
        expression: correlation in time of ExpFlow's latents.
        pose: of PoseFlow's.
        range_margin: see `RANGE_MARGIN`.
    """

    expression: TemporalPrior = EXPRESSION_PRIOR
    pose: TemporalPrior = POSE_PRIOR
    range_margin: float = RANGE_MARGIN


@dataclass(frozen=True, eq=False)
class PlannedItem:
    """A request that can be fulfilled.

    Attributes:
        request: what was asked for.
        index: its place in the list.
        frames: length.
        audio: guarded; None: there is none.
        emotion: (9,) float32 weights.
        expression, pose: what the flows follow; a pose of None is `rho`.
        rho: (n, 6) float32 to go through to and fro.
        blinks: what draws blinks; None: see `closures`.
        closures: (n,) of the reference, gone through to and fro; None: no blinks.
    """

    request: GenerationRequest
    index: int
    frames: int
    audio: GuardedAudio | None
    emotion: Float32Array
    expression: SequencePlan
    pose: SequencePlan | None
    rho: Float32Array
    blinks: BlinkTimeline | None
    closures: Float64Array | None

    def closure(self, first: int, frames: int) -> Float64Array:
        """Return how far blinks close the eyes in a run of frames, (frames,)."""
        if self.blinks is not None:
            return self.blinks.closure(first, frames)
        if self.closures is not None:
            return self.closures[to_and_fro(len(self.closures), first, frames)]
        return np.zeros(frames)


class ItemPlanner:
    """Plans items for a pair of models.

    Args:
        expflow: draws expressions.
        poseflow: draws poses; None: poses must be given or fixed.
        settings: see `SamplingSettings`.
    """

    def __init__(self, expflow: CoefficientModel, poseflow: CoefficientModel | None, settings: SamplingSettings) -> None:
        self._expflow = expflow
        self._poseflow = poseflow
        self._settings = settings
        device = expflow.flow.center.device
        self._manifold = None
        if expflow.latents is not None and len(expflow.latents):
            self._manifold = ManifoldProjection(torch.from_numpy(expflow.latents).to(device))

    def plan(self, request: GenerationRequest, index: int) -> PlannedItem:
        """Return the plan of an item.

        Raises:
            BadInputError: what is asked for makes no sense or cannot be done with these models.
        """
        request.check()
        audio = None if request.audio is None else GuardedAudio(request.audio)
        if audio is None and self._expflow.flow.config.has_audio:
            raise BadInputError(f"{self._expflow.run_id} needs audio, none was given")
        reference = read_reference(self._expflow, request.emotion) if isinstance(request.emotion, Reference) else None
        emotion = self._emotion(request, reference)
        blinks, closures = self._blinks(request, reference)
        pose, rho = self._pose(request, audio)
        expression = self._expression(request, audio, emotion, reference)
        return PlannedItem(request, index, request.length, audio, emotion, expression, pose, rho, blinks, closures)

    def _emotion(self, request: GenerationRequest, reference: ReadReference | None) -> Float32Array:
        if reference is not None:
            return with_intensity(reference.emotion, request.intensity, self._expflow.emotions)
        assert not isinstance(request.emotion, Reference)  # noqa: S101 - those have been read
        return emotion_weights(request.emotion, request.intensity, self._expflow.emotions)

    def _expression(
        self, request: GenerationRequest, audio: GuardedAudio | None, emotion: Float32Array, reference: ReadReference | None
    ) -> SequencePlan:
        model, config = self._expflow, self._expflow.flow.config
        lowest, highest = model.allowed_range(self._settings.range_margin)
        if reference is not None:
            # What has been seen on a face may be shown again, though no training clip went so far.
            lowest, highest = np.minimum(lowest, reference.lowest), np.maximum(highest, reference.highest)
        source = request.source_beta if request.source_beta is not None else model.resting
        return SequencePlan(
            frames=request.length,
            audio=audio if config.has_audio else None,
            emotion=emotion,
            source=source.astype(np.float32) if config.has_source else None,
            latents=self._latents(request, emotion, reference),
            lowest=lowest,
            highest=highest,
            warm_up=0 if reference is not None else config.past_frames,
        )

    def _latents(self, request: GenerationRequest, emotion: Float32Array, reference: ReadReference | None) -> LatentSource:
        flow = self._expflow.flow
        streams = (Stream.EXPRESSION, Stream.EXPRESSION_TAILS)
        noise = LatentNoise(
            flow.config.features, _degrees(self._expflow), self._settings.expression, (request.seed, request.take), streams
        )  # fmt: skip
        mean = flow.latent_mean(torch.from_numpy(emotion)[None].to(flow.center.device))[0]
        if reference is not None:
            return ReferenceLatents(reference.latents, mean, request.reference_noise, noise)
        if request.projection > 0 and self._manifold is None:
            raise BadInputError(f"{self._expflow.run_id} has no latents of its training clips, so projection must be 0")
        return NoiseLatents(mean, noise, request.temperature, request.projection, self._manifold)

    def _pose(self, request: GenerationRequest, audio: GuardedAudio | None) -> tuple[SequencePlan | None, Float32Array]:
        """Return what PoseFlow follows, or None and the poses to go through."""
        if isinstance(request.pose, np.ndarray):
            return None, request.pose.astype(np.float32)
        model = self._poseflow
        if request.pose is PoseMode.FIXED:
            resting = model.resting if model is not None else np.array([0, 0, 0, 0, 0, 0.25], np.float32)
            return None, (request.source_rho if request.source_rho is not None else resting).astype(np.float32)[None]
        if model is None:
            raise BadInputError("poses from audio need a PoseFlow; name its run too, or ask for a fixed pose")
        if audio is None and model.flow.config.has_audio:
            raise BadInputError(f"{model.run_id} needs audio, none was given")
        return self._pose_plan(request, audio, model), np.zeros((0, 6), np.float32)

    def _pose_plan(self, request: GenerationRequest, audio: GuardedAudio | None, model: CoefficientModel) -> SequencePlan:
        flow = model.flow
        noise = LatentNoise(
            flow.config.features, _degrees(model), self._settings.pose, (request.seed, request.take), (Stream.POSE, Stream.POSE_TAILS)
        )  # fmt: skip
        weights = np.ones(1, np.float32)
        mean = flow.latent_mean(torch.from_numpy(weights)[None].to(flow.center.device))[0]
        lowest, highest = model.allowed_range(self._settings.range_margin)
        return SequencePlan(
            frames=request.length,
            audio=audio if flow.config.has_audio else None,
            emotion=weights,
            source=None,
            latents=NoiseLatents(mean, noise, request.pose_temperature),
            lowest=lowest,
            highest=highest,
            warm_up=flow.config.past_frames,
        )

    def _blinks(self, request: GenerationRequest, reference: ReadReference | None) -> tuple[BlinkTimeline | None, Float64Array | None]:
        model = self._expflow.blinks
        if request.blinks.mode is BlinkMode.OFF or model is None:
            if request.blinks.frames is not None and request.blinks.mode is not BlinkMode.OFF:
                raise BadInputError(f"{self._expflow.run_id} has no blink model, so it cannot blink at given frames")
            return None, None
        if request.blinks.mode is BlinkMode.REFERENCE:
            return None, reference.closures if reference is not None else None
        generator = random_stream(request.seed, request.take, Stream.BLINKS)
        return BlinkTimeline(model, generator, request.blinks.rate, request.blinks.frames), None


def _degrees(model: CoefficientModel) -> float | None:
    config = model.flow.config
    return config.degrees_of_freedom if config.latent == "student_t" else None
