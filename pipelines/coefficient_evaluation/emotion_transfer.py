"""Emotion transfer between held-out clips, and the way there and back of each through the latents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.coefficient_evaluation.curve_measures import pearson
from pipelines.coefficient_evaluation.emotion_judge import accuracy
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings, HeldOutClips, generate_all, label_of, request_for
from pipelines.coefficient_evaluation.sample_figures import Figures, Yardstick
from pipelines.generation.audio_features import MelAudio
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import BlinkMode, BlinkSettings, PoseMode, Reference
from pipelines.training.coefficient_sequences import CoefficientSequence
from storage_schemas.training_runs import EMOTIONS


def transfer_figures(
    generator: CoefficientGenerator, held_out: HeldOutClips, yardstick: Yardstick, settings: EvaluationSettings
) -> Figures:
    """Transfer emotions between held-out clips and say which emotion the results have."""
    names = ("transfer_accuracy_nearest_mean", "transfer_accuracy_classifier", "transfer_reference_read", "transfer_mouth_opening_r")
    judge = yardstick.judge
    pairs = transfer_pairs([clip.emotion for clip in held_out.clips], settings.transfer_pairs)
    if judge is None or not pairs:
        return dict.fromkeys(names)
    clips = held_out.clips
    requests = [
        request_for(
            generator, clips[target], f"{clips[target].sequence_id} with the emotion of {clips[model].sequence_id}",
            emotion=_reference(held_out, clips[model]), source_beta=held_out.source(clips[target]), seed=settings.seed + number,
        )
        for number, (target, model) in enumerate(pairs)
    ]  # fmt: skip
    made = generate_all(generator, requests)
    expected = [clips[model].emotion for _, model in pairs]
    mouth = yardstick.mouth
    follows = [pearson(mouth.of(one.beta), mouth.of(clips[pair[0]].beta)) for one, pair in zip(made, pairs, strict=True)] if mouth else []
    return {
        "transfer_accuracy_nearest_mean": accuracy(judge.nearest_mean([one.beta for one in made]), expected),
        "transfer_accuracy_classifier": accuracy(judge.classify([one.beta for one in made]), expected),
        "transfer_reference_read": accuracy([EMOTIONS[int(one.emotion.argmax())] for one in made], expected),
        "transfer_mouth_opening_r": float(np.nan_to_num(follows).mean()) if follows else None,
    }


def transfer_pairs(emotions: Sequence[str], most: int) -> list[tuple[int, int]]:
    """Return pairs (clip, reference) of different known emotions, evenly chosen if there are more than `most`."""
    rows = [row for row, emotion in enumerate(emotions) if emotion]
    pairs = [(target, model) for target in rows for model in rows if emotions[target] != emotions[model]]
    chosen = np.unique(np.linspace(0, len(pairs) - 1, min(most, len(pairs))).round().astype(int))
    return [pairs[int(number)] for number in chosen]


def _reference(held_out: HeldOutClips, clip: CoefficientSequence, *, emotion: str = "") -> Reference:
    audio = None if clip.log_mel is None else MelAudio(clip.log_mel)
    return Reference(clip.sequence_id, clip.beta, audio=audio, source=held_out.source(clip), emotion=emotion)


def round_trip_error(generator: CoefficientGenerator, held_out: HeldOutClips) -> float:
    """Return the largest difference of clips from themselves after f^-1 and, each frame from its generated predecessors, f."""
    requests = [
        request_for(
            generator, clip, f"{clip.sequence_id} from its own latents", emotion=_reference(held_out, clip, emotion=label_of(clip)),
            source_beta=held_out.source(clip), pose=PoseMode.FIXED, blinks=BlinkSettings(BlinkMode.OFF),
        )
        for clip in held_out.clips
    ]  # fmt: skip
    blinks = generator.expflow.blinks
    open_eyed = [blinks.remove(clip.beta) if blinks is not None else clip.beta for clip in held_out.clips]
    return max(float(np.abs(one.beta - beta).max()) for one, beta in zip(generate_all(generator, requests), open_eyed, strict=True))
