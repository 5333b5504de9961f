"""Which rules for odd videos were needed, and for whom: nothing is left out, cut or laid anew without a name in the report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from pipelines.media_time import CLIP_FPS
from pipelines.video_evaluation.pairing import Pair, Pairing
from storage_schemas.evaluation import EvaluatedVideo, EvaluationWarning
from storage_schemas.evaluation_requests import MeasuredVideo

RULES: dict[str, str] = {
    "without_video": "true clips that no video belongs to; they count in `pairs_expected`, not in the averages",
    "without_clip": "videos that belong to no true clip; left out",
    "ambiguous": "videos whose name fits several true clips; left out, name them longer or give --pairs",
    "other_split": "videos of clips of another split; left out",
    "not_there": "videos that --pairs names and that are not there; their clips count in `pairs_expected`",
    "not_rendered": "rows of the batch that failed; they count in `pairs_expected`",
    "unmeasured": "videos that do not decode, have no face at all, or broke what read them; they count in `pairs_expected`",
    "frames_without_face": "videos with frames in which one of both has no face; LMD leaves these frames out, all else does not",
    "other_fps": "videos of another frame rate than 25; brought to 25 by timestamp",
    "other_length": "videos longer or shorter than the true clip by more than a frame; compared as far as both go",
    "cut": "videos longer than `most_frames`; their beginning is measured",
    "without_sound": "videos without sound; judged for lip-sync with the sound of the true clip",
    "not_heard": "videos too short to be judged for lip-sync, or without sound in the true clip as well; they count in no sync metric",
}
"""Every rule, in the order of the report."""
_RATE_TOLERANCE = 0.01
_LENGTH_TOLERANCE = 1


def pairing_warnings(pairing: Pairing) -> list[EvaluationWarning]:
    """Return what was left out before anything was read."""
    named = {
        "without_video": [name for name in pairing.without_video if not pairing.not_there],
        "without_clip": pairing.without_clip,
        "ambiguous": pairing.ambiguous,
        "other_split": pairing.other_split,
        "not_there": pairing.not_there,
    }
    return _warnings(named)


def reading_warnings(
    measured: Sequence[tuple[Pair, MeasuredVideo]],
    videos: Sequence[EvaluatedVideo],
    failed: Sequence[EvaluatedVideo],
    not_heard: Sequence[str],
) -> list[EvaluationWarning]:
    """Return what was found while videos were read.

    Args:
        measured: pairs and what was found of them.
        videos: their records.
        failed: records of rows that were never rendered.
        not_heard: names of those that a network for lip-sync had nothing to say of.
    """
    named: dict[str, list[str]] = defaultdict(list)
    named["not_rendered"] = [video.video for video in failed]
    named["unmeasured"] = [video.video for video in videos if video.problem]
    named["frames_without_face"] = [video.video for video in videos if video.frames_without_face]
    named["not_heard"] = list(not_heard)
    for pair, video in measured:
        for rule in _rules_of(video):
            named[rule].append(pair.video.name)
    return _warnings(named)


def _rules_of(video: MeasuredVideo) -> list[str]:
    if video.figures is None:
        return []
    made = video.figures.made
    true_frames = video.figures.true_frames
    checks = {
        "other_fps": abs(made.fps - CLIP_FPS) > _RATE_TOLERANCE,
        "other_length": abs(made.frames - true_frames) > _LENGTH_TOLERANCE,
        "cut": made.frames_left_out > 0,
        "without_sound": not made.has_sound,
    }
    return [rule for rule, applies in checks.items() if applies]


def _warnings(named: dict[str, list[str]]) -> list[EvaluationWarning]:
    return [EvaluationWarning(rule=rule, count=len(named[rule]), names=sorted(named[rule])) for rule in RULES if named.get(rule)]
