"""How good judges are on clips of a dataset version: planted offsets, emotions, and the same with labels dealt anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from pipelines.judging.clip_media import ClipMedia, VersionMedia
from pipelines.judging.emotion_judge import EmotionJudge, looked_at
from pipelines.judging.face_windows import FACE, MOUTH
from pipelines.judging.loading import Judges
from pipelines.judging.planted_offsets import PLANTED, PlantedResult, find_planted, right_share
from pipelines.judging.sync_judge import LEAST_FRAMES, SyncJudge
from storage_schemas.errors import BadInputError
from storage_schemas.judge_runs import JUDGED_EMOTIONS

ALL_SPLITS = ("train", "validation", "test", "unlisted")
_DEALS = 1000
_CLIPS_AT_ONCE = 16

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class SyncEvaluation:
    """The sync expert on clips whose sound was moved.

    Attributes:
        run: of the expert.
        clips: that were looked at.
        found_share: planted offsets that were found within one frame, of all clips and offsets.
        found_share_from_own: the same counted from the offset that was found in the clip left alone: for clips whose own is not known.
        found_share_by_offset: the share of each planted offset.
        found_share_by_clip: the share of each clip.
        mean_error_frames: mean distance of found and planted offset.
        confidence: median over clips and offsets.
        left_alone: offset that was found in each clip with its sound as it is.
        left_alone_confidence: with which.
    """

    run: str
    clips: int
    found_share: float
    found_share_from_own: float
    found_share_by_offset: dict[str, float]
    found_share_by_clip: dict[str, float]
    mean_error_frames: float
    confidence: float
    left_alone: dict[str, int]
    left_alone_confidence: dict[str, float]


@dataclass(frozen=True)
class EmotionEvaluation:
    """The emotion judge on labelled clips.

    Attributes:
        run: of the judge.
        clips: that were looked at.
        accuracy: share of clips whose label is the likeliest emotion.
        accuracy_dealt_anew: mean of the same over random deals of the labels among the clips: what is reached by knowing nothing.
        confusion: number of clips by label and seen emotion.
        seen: emotion that was seen in each clip.
    """

    run: str
    clips: int
    accuracy: float
    accuracy_dealt_anew: float
    confusion: dict[str, dict[str, int]]
    seen: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class JudgeEvaluation:
    """What was found; None: that judge was not asked.

    Attributes:
        dataset: id of the version.
        split: whose clips were judged.
        sync, emotion: see there.
    """

    dataset: str
    split: str
    sync: SyncEvaluation | None
    emotion: EmotionEvaluation | None

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return asdict(self)


def evaluate_judges(
    judges: Judges, source: VersionMedia, split: str = "validation", most_clips: int = 64, on_progress: OnProgress | None = None
) -> JudgeEvaluation:
    """Let judges look at clips of a version.

    Args:
        judges: those that are there are asked.
        source: the version.
        split: train, validation, test or unlisted; all: every clip.
        most_clips: evenly chosen if there are more.
        on_progress: (clips done, clips planned, note).

    Raises:
        BadInputError: no judge was named, or the split has no clips for one.
        StoreError: the store cannot be read, or the version is damaged.
    """
    if judges.sync is None and judges.emotion is None:
        raise BadInputError("no judge to evaluate; name a run with --sync or --emotion")
    tell = on_progress or (lambda done, total, note: None)  # noqa: ARG005
    sync = None if judges.sync is None else _sync(judges.sync, source, split, most_clips, tell)
    emotion = None if judges.emotion is None else _emotion(judges.emotion, source, split, most_clips, tell)
    return JudgeEvaluation(source.dataset, split, sync, emotion)


def _sync(judge: SyncJudge, source: VersionMedia, split: str, most: int, tell: OnProgress) -> SyncEvaluation:
    results: list[PlantedResult] = []
    for clip in _clips(source, split, most, "sync", tell, with_sound=True, least_frames=LEAST_FRAMES):
        results += find_planted(judge, clip.clip_id, clip.windows(MOUTH, judge.expert.settings.size_px), clip.waveform)
    if not results:
        raise BadInputError(f"no clip of the split {split!r} shows a face")
    clips = list(dict.fromkeys(result.clip_id for result in results))
    unmoved = [result for result in results if result.planted == 0]
    return SyncEvaluation(
        run=f"sync/{judge.run_id}",
        clips=len(clips),
        found_share=round(right_share(results), 4),
        found_share_from_own=round(right_share(_from_own(result, unmoved) for result in results), 4),
        found_share_by_offset={f"{offset:+d}": round(right_share(r for r in results if r.planted == offset), 4) for offset in PLANTED},
        found_share_by_clip={clip: round(right_share(r for r in results if r.clip_id == clip), 4) for clip in clips},
        mean_error_frames=round(float(np.mean([abs(result.found - result.planted) for result in results])), 4),
        confidence=round(float(np.median([result.confidence for result in results])), 4),
        left_alone={result.clip_id: result.found for result in unmoved},
        left_alone_confidence={result.clip_id: result.confidence for result in unmoved},
    )


def _from_own(result: PlantedResult, unmoved: list[PlantedResult]) -> PlantedResult:
    own = next(other.found for other in unmoved if other.clip_id == result.clip_id)
    return replace(result, found=result.found - own)


def _emotion(judge: EmotionJudge, source: VersionMedia, split: str, most: int, tell: OnProgress) -> EmotionEvaluation:
    labels, seen = {}, {}
    for clip in _clips(source, split, most, "emotion", tell, emotions=JUDGED_EMOTIONS):
        windows = clip.windows(FACE, judge.classifier.settings.size_px, looked_at(len(clip.jpegs)))
        labels[clip.clip_id] = clip.emotion
        seen[clip.clip_id] = JUDGED_EMOTIONS[int(judge.score_windows(windows).argmax())]
    if not labels:
        raise BadInputError(f"no clip of the split {split!r} shows a face")
    given, found = np.array(list(labels.values())), np.array(list(seen.values()))
    deals = np.random.default_rng(0)
    dealt = [float((deals.permutation(given) == found).mean()) for _ in range(_DEALS)]
    confusion = {
        label: {emotion: int((found[given == label] == emotion).sum()) for emotion in JUDGED_EMOTIONS if emotion in found[given == label]}
        for label in sorted(set(labels.values()))
    }
    accuracy = round(float((given == found).mean()), 4)
    return EmotionEvaluation(f"emotion/{judge.run_id}", len(labels), accuracy, round(float(np.mean(dealt)), 4), confusion, seen)


def _clips(source: VersionMedia, split: str, most: int, what: str, tell: OnProgress, **wanted: Any) -> Iterator[ClipMedia]:  # noqa: ANN401
    """Yield evenly chosen clips of a split with a face, some in memory at a time."""
    tables = [source.table(name, **wanted) for name in (ALL_SPLITS if split == "all" else (split,))]
    places = [(table, row) for table in tables for row in range(len(table))]
    if not places:
        raise BadInputError(
            f"version {source.dataset} has no clips in the split {split!r} for the judge of {what}; choose another with --split"
        )
    chosen = np.unique(np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(np.int64))
    done = 0
    for table in tables:
        rows = [row for number in chosen for owner, row in [places[number]] if owner is table]
        for start in range(0, len(rows), _CLIPS_AT_ONCE):
            for clip in source.read(table, rows[start : start + _CLIPS_AT_ONCE]):
                if clip.track is not None:
                    yield clip
                done += 1
                tell(done, len(chosen), what)
