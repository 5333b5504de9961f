"""Whether coefficients generated for minutes of audio stay where real ones are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipelines.coefficient_evaluation.curve_measures import Floats, drift, largest_excess, range_share
from pipelines.coefficient_evaluation.diversity import NaturalSpread
from pipelines.coefficient_evaluation.held_out_clips import EvaluationSettings, HeldOutClips, generate_all, label_of, request_for
from pipelines.coefficient_evaluation.sample_figures import Figures, Yardstick
from pipelines.generation.audio_features import MelAudio
from pipelines.generation.generator import CoefficientGenerator
from pipelines.media_time import CLIP_FPS
from pipelines.training.coefficient_sequences import CoefficientSequence

COLUMNS_PER_S = 80
_END_SHARE = 0.1


def concatenated_audio(pieces: Sequence[NDArray[np.float32]], frames: int) -> NDArray[np.float32]:
    """Return log-mel pieces (columns, 80) end to end, again and again, for a number of 25 fps frames.

    Args:
        pieces: log-mel of clips, at least one column in all.
        frames: length wanted.
    """
    columns = -(-frames * COLUMNS_PER_S // CLIP_FPS) + 1
    once = np.concatenate(pieces)
    if not len(once):
        raise ValueError("a long audio is made of clips that have audio: expected log-mel columns, got none")
    return np.resize(once, (columns, once.shape[1]))


def steadiness(sequence: Floats, natural: NaturalSpread) -> dict[str, float]:
    """Return how steady a long sequence (frames, features) is.

    Returns:
        range_share: share of values within the range of the training clips.
        largest_excess: how far outside the worst value is, in widths of its feature's range.
        drift: distance of the last quarter's mean from the first's, in natural standard deviations.
        liveliness: spread of the last tenth over that of the first tenth; near 0, the face has frozen.
    """
    end = max(2, int(len(sequence) * _END_SHARE))
    first, last = (float(np.sqrt(part.astype(np.float64).var(axis=0).sum())) for part in (sequence[:end], sequence[-end:]))
    return {
        "range_share": range_share(sequence, natural.lowest, natural.highest),
        "largest_excess": largest_excess(sequence, natural.lowest, natural.highest),
        "drift": drift(sequence, natural.stddev),
        "liveliness": last / first if first > 0 else float("nan"),
    }


def long_audio_figures(
    generator: CoefficientGenerator,
    held_out: HeldOutClips,
    train: Sequence[CoefficientSequence],
    yardstick: Yardstick,
    settings: EvaluationSettings,
) -> Figures:
    """Generate one long item and say how steady it is."""
    names = ("long_range_share", "long_largest_excess", "long_drift", "long_liveliness", "long_pose_range_share", "long_pose_drift")
    frames = round(settings.long_audio_s * CLIP_FPS)
    sounds = [clip.log_mel for clip in (*held_out.clips, *train) if clip.log_mel is not None]
    if not frames or not sounds:
        return dict.fromkeys(names)
    clip = held_out.clips[0]
    audio = MelAudio(concatenated_audio(sounds, frames))
    wishes = {"audio": audio, "frames": frames, "emotion": label_of(clip), "source_beta": held_out.source(clip), "seed": settings.seed}
    (made,) = generate_all(generator, [request_for(generator, clip, "long audio", **wishes)])
    found: Figures = {f"long_{name}": value for name, value in steadiness(made.beta, yardstick.expression).items()}
    turned = steadiness(made.rho, yardstick.pose) if generator.poseflow is not None else None
    found["long_pose_range_share"] = turned["range_share"] if turned else None
    found["long_pose_drift"] = turned["drift"] if turned else None
    return found
