"""Held-out clips and what is asked of a generator for them: several seeds of each, with the resting face of their speaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.sample_figures import RealClip, SampledClip
from pipelines.generation.audio_features import MelAudio
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import TEMPERATURE, FailedItem, GeneratedSequence, GenerationRequest, PoseMode
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion

Float32Array = NDArray[np.float32]

_SEEDS_OF_A_CLIP = 10_000
_ITEMS_SHOWN = 3


@dataclass(frozen=True)
class EvaluationSettings:
    """How much is generated.

    Attributes:
        seeds: samples of each held-out clip.
        transfer_pairs: most pairs of clip and reference.
        long_audio_s: length of the long audio; 0: none.
        temperature: of the samples' expression.
        seed: of the whole evaluation.
    """

    seeds: int = 10
    transfer_pairs: int = 96
    long_audio_s: float = 600.0
    temperature: float = TEMPERATURE
    seed: int = 0


@dataclass(frozen=True)
class HeldOutClips:
    """Clips that the models have not seen.

    Attributes:
        clips: one or more.
        resting: (64,) by speaker, see `resting_faces`.
    """

    clips: Sequence[CoefficientSequence]
    resting: dict[str, Float32Array]

    def source(self, clip: CoefficientSequence) -> Float32Array | None:
        """Return the resting face of a clip's speaker, or that of all; None: that of the model."""
        return self.resting.get(clip.speaker, self.resting.get(""))


def resting_faces(train: Sequence[CoefficientSequence]) -> dict[str, Float32Array]:
    """Return the mean neutral expression (64,) of each speaker, and of all under the empty name; empty without neutral clips."""
    neutral = [clip for clip in train if clip.emotion == Emotion.NEUTRAL.value and clip.usable.any()]
    faces = {
        speaker: np.concatenate([clip.beta[clip.usable] for clip in neutral if clip.speaker == speaker]).mean(axis=0)
        for speaker in sorted({clip.speaker for clip in neutral})
    }
    if neutral:
        faces[""] = np.concatenate([clip.beta[clip.usable] for clip in neutral]).mean(axis=0)
    return faces


def sample_clips(
    generator: CoefficientGenerator,
    held_out: HeldOutClips,
    settings: EvaluationSettings,
) -> list[SampledClip]:
    """Return several samples of each clip's audio and emotion, all drawn together.

    Raises:
        BadInputError: something could not be generated.
    """
    clips = held_out.clips
    requests = [
        request_for(
            generator, clip, f"{clip.sequence_id} seed {number}",
            emotion=label_of(clip), source_beta=held_out.source(clip), temperature=settings.temperature,
            # Every clip has seeds of its own, so that e.g. its blinks are not those of the others.
            seed=(settings.seed * len(clips) + row) * _SEEDS_OF_A_CLIP + number,
        )
        for row, clip in enumerate(clips) for number in range(settings.seeds)
    ]  # fmt: skip
    made = generate_all(generator, requests)
    by_clip = [made[start : start + settings.seeds] for start in range(0, len(made), settings.seeds)]
    has_pose = generator.poseflow is not None
    return [
        SampledClip(as_real_clip(clip), np.stack([one.beta for one in found]), np.stack([one.rho for one in found]) if has_pose else None)
        for clip, found in zip(clips, by_clip, strict=True)
    ]


def as_real_clip(clip: CoefficientSequence) -> RealClip:
    """Return what is measured of a recorded clip."""
    return RealClip(clip.sequence_id, clip.emotion, clip.beta, clip.rho)


def label_of(clip: CoefficientSequence) -> str:
    """Return the label that the networks know a clip by."""
    return clip.emotion or Emotion.UNLABELLED.value


def request_for(generator: CoefficientGenerator, clip: CoefficientSequence, item_id: str, **wishes: Any) -> GenerationRequest:  # noqa: ANN401
    """Return a request with a clip's audio and length, and whatever else is wished."""
    audio = None if clip.log_mel is None else MelAudio(clip.log_mel)
    pose = PoseMode.FIXED if generator.poseflow is None else PoseMode.AUDIO
    return GenerationRequest(**({"item_id": item_id, "audio": audio, "frames": clip.frames, "pose": pose} | wishes))


def generate_all(generator: CoefficientGenerator, requests: Sequence[GenerationRequest]) -> list[GeneratedSequence]:
    """Return the results of requests, in order.

    Raises:
        BadInputError: one of them could not be generated.
    """
    made, failed = [], []
    for result in generator.generate(requests):
        if isinstance(result, FailedItem):
            failed.append(result.message)
        else:
            made.append(result)
    if failed:
        raise BadInputError(f"{len(failed)} of {len(requests)} items could not be generated: {'; '.join(failed[:_ITEMS_SHOWN])}")
    return made
