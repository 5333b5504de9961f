"""Evaluates a method: pairs its videos with the true clips, measures them, and reports every figure beside that of the ground truth."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import numpy as np

from pipelines.video_evaluation.aggregation import DIGITS, IDEAL, SetFigures, video_metrics
from pipelines.video_evaluation.evaluation_warnings import pairing_warnings, reading_warnings
from pipelines.video_evaluation.frechet import frechet_distance
from pipelines.video_evaluation.made_videos import made_videos
from pipelines.video_evaluation.measuring_pool import MeasuredGroup, MeasuringPlan, measured_groups
from pipelines.video_evaluation.network_scores import ClipScorer, ClipScores, EvaluationNetworks, load_networks, one_thread_for_judges
from pipelines.video_evaluation.pairing import Pair, Pairing, pair_by_name, pair_by_table
from pipelines.video_evaluation.true_clips import TrueClips, clips_of_folder, clips_of_version, evaluation_set_id
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation import (
    METRIC_VERSIONS,
    METRICS,
    EvaluatedVideo,
    EvaluationReport,
    EvaluationRequest,
)
from storage_schemas.evaluation_requests import EvaluationSettings, MeasuredVideo
from storage_schemas.identifiers import content_hash
from storage_schemas.object_store_protocol import ObjectStore

Progress = Callable[[int, int, str], None]

_NO_VALUE = "nothing to measure it on"
_ONE_TAKE = "every clip has one video only"
_NO_LABEL = "no clip has an emotion"


def protocol_id(settings: EvaluationSettings) -> str:
    """Return the hash of how everything is measured."""
    return content_hash([settings.model_dump(mode="json"), METRIC_VERSIONS])[:16]


def evaluate_videos(
    request: EvaluationRequest,
    store: ObjectStore | None,
    scratch: Path,
    on_progress: Progress = lambda _done, _total, _note: None,
    networks: EvaluationNetworks | None = None,
) -> EvaluationReport:
    """Evaluate a method.

    Args:
        request: what is evaluated against what.
        store: with the dataset version and the judges; None: neither is there.
        scratch: local folder for temporary files.
        on_progress: (videos done, videos, note).
        networks: that are asked; None: those that the request names.

    Returns:
        The report; videos that cannot be measured are in it, with their reason.

    Raises:
        BadInputError: there is nothing to evaluate, or a file of weights does not fit.
        StoreError: something is damaged.
    """
    true = _true_clips(request, store)
    videos = made_videos(Path(request.generated))
    pairing = pair_by_table(videos, true, Path(request.pairs)) if request.pairs else pair_by_name(videos, true)
    if not pairing.pairs:
        raise BadInputError(_nothing_pairs(request, true, pairing))
    networks = networks or load_networks(request, store)
    collected = _Collected(ClipScorer(networks))
    groups = [(clip, tuple(pairs)) for clip, pairs in groupby(_readable(pairing), key=lambda pair: pair.clip)]
    workers = min(request.workers or processors(), max(1, len(groups)))
    plan = MeasuringPlan(groups, request.settings, networks.wanted, store, scratch, workers)
    total = sum(len(pairs) for _, pairs in groups)
    with one_thread_for_judges(networks):
        for group in measured_groups(plan):
            collected.add(group)
            on_progress(collected.videos_seen, total, f"{collected.frames:,} frames")
    return _report(request, (true, pairing), networks, collected)


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _true_clips(request: EvaluationRequest, store: ObjectStore | None) -> TrueClips:
    folder = Path(request.reference)
    if folder.is_dir():
        if request.split:
            raise BadInputError(f"--split {request.split}: {folder} is a folder of videos, which has no splits; leave it out")
        return clips_of_folder(folder)
    if store is None or request.reference.endswith("/"):
        raise BadInputError(f"--reference {request.reference}: there is no such folder; for a dataset version name its store with --store")
    return clips_of_version(store, request.reference, request.split)


def _nothing_pairs(request: EvaluationRequest, true: TrueClips, pairing: Pairing) -> str:
    found = len(pairing.without_clip) + len(pairing.ambiguous) + len(pairing.other_split) + len(pairing.not_there)
    message = f"none of the {found} videos of {request.generated} belongs to one of the {len(pairing.expected)} true clips"
    if pairing.other_split:
        return f"{message} of split {true.split}; {len(pairing.other_split)} belong to clips of another split: give --split"
    example = f", e.g. {pairing.expected[0].name}" if pairing.expected else ""
    return f"{message}; name them after the clips{example}, or say with --pairs which belongs to which (docs/evaluation.md)"


def _readable(pairing: Pairing) -> list[Pair]:
    return [pair for pair in pairing.pairs if not pair.video.problem]


class _Collected:
    """What was found of both sides, group by group."""

    def __init__(self, scorer: ClipScorer) -> None:
        self.scorer = scorer
        self.made, self.true = SetFigures(), SetFigures()
        self.videos: list[EvaluatedVideo] = []
        self.measured: list[tuple[Pair, MeasuredVideo]] = []
        self.not_heard: list[str] = []
        self.frames = self.frames_without_face = self.videos_seen = 0

    def add(self, group: MeasuredGroup) -> None:
        """Take in a group; the true clip counts once, and only if a video of it was measured."""
        answer = group.answer
        videos = answer.videos or [MeasuredVideo(problem=f"the true clip: {answer.reference_problem}")] * len(group.pairs)
        self.videos_seen += len(group.pairs)
        if answer.reference is not None and any(video.figures is not None for video in videos):
            self.true.add_side(answer.reference)
            if answer.reference.inputs:
                scores = self.scorer.score(group.folder / answer.reference.inputs, is_true=True)
                self.true.add_scores(scores, group.clip.emotion)
        self.made.add("take_diversity", answer.take_diversity)
        for pair, video in zip(group.pairs, videos, strict=True):
            self._add_video(group, pair, video)

    def _add_video(self, group: MeasuredGroup, pair: Pair, video: MeasuredVideo) -> None:
        named = EvaluatedVideo(video=pair.video.name, reference=pair.clip.name, emotion=pair.emotion, problem=video.problem)
        self.measured.append((pair, video))
        if video.figures is None:
            self.videos.append(named)
            return
        figures = video.figures
        scores = self._scores(group, video)
        if self.scorer.sync_metrics - set(scores.values):
            self.not_heard.append(pair.video.name)
        self.made.add_pair(figures)
        self.made.add_scores(scores, pair.emotion)
        missed = figures.frames - figures.lmd_frames
        self.frames += figures.frames
        self.frames_without_face += missed
        found = {"frames": figures.frames, "frames_without_face": missed, "metrics": video_metrics(figures, scores, pair.emotion)}
        self.videos.append(named.model_copy(update=found))

    def _scores(self, group: MeasuredGroup, video: MeasuredVideo) -> ClipScores:
        """Show a video to the networks; one without sound is judged with the true clip's."""
        assert video.figures is not None  # noqa: S101 - the caller has looked
        made, reference = video.figures.made, group.answer.reference
        if not made.inputs:
            return ClipScores()
        sound = None
        if not made.has_sound and reference is not None and reference.inputs:
            with np.load(group.folder / reference.inputs, allow_pickle=False) as inputs:
                sound = inputs["waveform"]
        return self.scorer.score(group.folder / made.inputs, is_true=False, waveform=sound)


def _report(
    request: EvaluationRequest, what: tuple[TrueClips, Pairing], networks: EvaluationNetworks, collected: _Collected
) -> EvaluationReport:
    true, pairing = what
    failed = [
        EvaluatedVideo(video=pair.video.name, reference=pair.clip.name, emotion=pair.emotion, problem=pair.video.problem)
        for pair in pairing.pairs
        if pair.video.problem
    ]
    videos = sorted([*collected.videos, *failed], key=lambda video: (video.reference, video.video))
    made = _with_fid(collected)
    missing = {name: networks.missing.get(name) or _why_missing(name) for name in METRICS if made.get(name) is None}
    ground_truth = {**collected.true.values(), **{name: value for name, value in IDEAL.items() if made.get(name) is not None}}
    return EvaluationReport(
        method=request.method or Path(request.generated).resolve().name,
        reference=true.reference,
        split=true.split,
        evaluation_set=evaluation_set_id(pairing.expected),
        protocol=protocol_id(request.settings),
        settings=request.settings,
        versions=METRIC_VERSIONS,
        pairs=sum(not video.problem for video in videos),
        pairs_expected=len(videos) + len(pairing.not_there or pairing.without_video),
        frames=collected.frames,
        frames_without_face=collected.frames_without_face,
        metrics={name: made.get(name) for name in METRICS},
        ground_truth={name: ground_truth.get(name) for name in METRICS},
        missing=missing,
        weights=dict(sorted(networks.weights.items())),
        warnings=[*pairing_warnings(pairing), *reading_warnings(collected.measured, collected.videos, failed, collected.not_heard)],
        videos=videos,
    )


def _with_fid(collected: _Collected) -> dict[str, float]:
    values = collected.made.values()
    distance = frechet_distance(collected.scorer.made, collected.scorer.true)
    return values if distance is None else {**values, "fid": round(distance, DIGITS)}


def _why_missing(name: str) -> str:
    return {"take_diversity": _ONE_TAKE, "acc_emo": _NO_LABEL, "acc_emo_own": _NO_LABEL}.get(name, _NO_VALUE)
