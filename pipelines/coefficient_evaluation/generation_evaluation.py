"""Evaluates a generator on held-out clips: several seeds of each, emotion transfers, round trips and minutes of audio, in few batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.coefficient_evaluation.curve_measures import Floats
from pipelines.coefficient_evaluation.emotion_transfer import round_trip_error, transfer_figures
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings, HeldOutClips, label_of, resting_faces, sample_clips
from pipelines.coefficient_evaluation.long_audio import long_audio_figures
from pipelines.coefficient_evaluation.sample_figures import Figures, SampledClip, Yardstick, sample_figures
from pipelines.generation.generator import CoefficientGenerator
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.errors import BadInputError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        figures: by name, see `figure_list.FIGURES`.
        samples: of each held-out clip.
        seconds: how long each stage took.
    """

    figures: Figures
    samples: list[SampledClip]
    seconds: dict[str, float]


def evaluate_generation(
    generator: CoefficientGenerator,
    train: Sequence[CoefficientSequence],
    held_out: Sequence[CoefficientSequence],
    yardstick: Yardstick,
    settings: EvaluationSettings | None = None,
    driven: Mapping[str, Floats] | None = None,
) -> Evaluation:
    """Return every figure of a generator.

    The source face of each sample is the resting face of its speaker (mean of the neutral training clips), never a frame of the clip:
    that would give the clip's emotion away.

    Args:
        generator: with a PoseFlow or without; without one the figures of poses are None.
        train: training clips, which give the resting faces and the long audio.
        held_out: clips that the models have not seen; those whose emotion the model does not know are left out.
        yardstick: made of training clips.
        settings: how much is generated.
        driven: by clip id, the curve (frames,) that drove the mouth.

    Raises:
        BadInputError: there is no held-out clip that can be used, or something could not be generated.
    """
    settings = settings or EvaluationSettings()
    known = [clip for clip in held_out if label_of(clip) in generator.expflow.emotions]
    if not known:
        found = ", ".join(sorted({label_of(clip) for clip in held_out})) or "no clip at all"
        raise BadInputError(f"nothing to evaluate on: the split has {found}, the model knows {', '.join(generator.expflow.emotions)}")
    if len(known) < len(held_out):
        logger.warning("%d held-out clips are left out: the model does not know their emotion", len(held_out) - len(known))
    clips = HeldOutClips(known, resting_faces(train))
    clock = _Clock()
    samples = sample_clips(generator, clips, settings)
    clock.lap("samples")
    figures = sample_figures(samples, yardstick, driven)
    clock.lap("measuring")
    figures |= long_audio_figures(generator, clips, train, yardstick, settings)
    clock.lap("long_audio")
    figures |= transfer_figures(generator, clips, yardstick, settings)
    clock.lap("transfer")
    figures |= {"round_trip_error": round_trip_error(generator, clips)}
    clock.lap("round_trip")
    return Evaluation(figures, samples, clock.laps)


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round(now - self._since, 2)
        self._since = now
