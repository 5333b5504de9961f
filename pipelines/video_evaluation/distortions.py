"""Graded distortions of true clips, and what each metric makes of them: the proof that every metric moves the right way.

Pictures are distorted before the face is looked for, so that what is measured is what the metric would see of such a video.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.media_time import SAMPLES_PER_FRAME
from pipelines.video_evaluation.aggregation import SetFigures
from pipelines.video_evaluation.clip_material import ClipMaterial, read_stored_clip
from pipelines.video_evaluation.clip_staging import stage_clip
from pipelines.video_evaluation.group_measuring import MeasuredSide, compare, measure_side
from pipelines.video_evaluation.network_inputs import evenly
from pipelines.video_evaluation.network_scores import ClipScorer, ClipScores
from pipelines.video_evaluation.true_clips import clips_of_version
from storage_schemas.build_spec import LandmarkSettings
from storage_schemas.errors import BadInputError
from storage_schemas.evaluation_requests import GroupRequest
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import LANDMARK_COUNT

Picture = NDArray[np.uint8]
Change = Callable[[ClipMaterial, float], ClipMaterial]


@dataclass(frozen=True)
class Distortion:
    """One kind of distortion.

    Attributes:
        title: with its unit.
        steps: from none to strong.
        change: of a clip by a step; None: clips are exchanged for those of another emotion.
        moves: metrics that must move at every step, and which way: 1 up, -1 down.
    """

    title: str
    steps: tuple[float, ...]
    change: Change | None
    moves: dict[str, int]


@dataclass(frozen=True)
class LabelledClip:
    """A true clip and its emotion (empty: unknown)."""

    name: str
    emotion: str
    material: ClipMaterial


@dataclass(frozen=True)
class DistortionCurves:
    """What came of one distortion.

    Attributes:
        title, steps: of it.
        curves: of each metric that it should move and that could be measured, a value for each step.
        moves: which way each should go.
    """

    title: str
    steps: tuple[float, ...]
    curves: dict[str, list[float]]
    moves: dict[str, int]

    def is_monotone(self, metric: str) -> bool:
        """Say whether a metric never moves the wrong way, and has moved by the end."""
        values = np.array(self.curves[metric]) * self.moves[metric]
        return bool((np.diff(values) >= 0).all() and values[-1] > values[0])


def material_of_version(store: ObjectStore, version: str, split: str, most_clips: int, most_frames: int) -> list[LabelledClip]:
    """Return clips of a dataset version, evenly chosen, in memory.

    Raises:
        BadInputError: there is no such version or split.
        StoreError: it is damaged.
    """
    clips = clips_of_version(store, version, split).expected
    found = []
    with tempfile.TemporaryDirectory(prefix="distortions-") as folder:
        for number in evenly(len(clips), most_clips):
            path = Path(folder) / f"{number}.npz"
            stage_clip(store, clips[number].row, path)
            found.append(LabelledClip(clips[number].name, clips[number].emotion, read_stored_clip(path, most_frames)))
    return found


def measure_distortions(
    clips: Sequence[LabelledClip],
    request: GroupRequest,
    scorer: ClipScorer,
    on_progress: Callable[[int, int, str], None],
    names: Sequence[str] = (),
) -> list[DistortionCurves]:
    """Distort clips step by step and measure them against themselves.

    Args:
        clips: true ones, with a face.
        request: settings and wanted pictures; its files do not count.
        scorer: networks that are there.
        on_progress: (steps done, steps, what).
        names: of distortions; none: all.

    Raises:
        BadInputError: there is no distortion of a name.
    """
    unknown = sorted(set(names) - set(DISTORTIONS))
    if unknown:
        raise BadInputError(f"unknown distortion {unknown[0]!r}; distortions are {', '.join(DISTORTIONS)}")
    chosen = {name: distortion for name, distortion in DISTORTIONS.items() if not names or name in names}
    with tempfile.TemporaryDirectory(prefix="distortions-") as folder:
        bench = _Bench(clips, request.model_copy(update={"out_folder": folder}), scorer)
        total = sum(len(distortion.steps) for distortion in chosen.values())
        found, done = [], 0
        for name, distortion in chosen.items():
            values = []
            for step in distortion.steps:
                values.append(bench.figures(distortion, step))
                done += 1
                on_progress(done, total, name)
            known = [metric for metric in distortion.moves if all(metric in value for value in values)]
            found.append(
                DistortionCurves(
                    distortion.title, distortion.steps, {metric: [value[metric] for value in values] for metric in known}, distortion.moves
                )
            )
    return found


class _Bench:
    """True clips that are measured against distorted ones; a true clip is measured once."""

    def __init__(self, clips: Sequence[LabelledClip], request: GroupRequest, scorer: ClipScorer) -> None:
        self._request, self._scorer = request, scorer
        sides = [(clip, measure_side(request, clip.material, f"true-{number}.npz")) for number, clip in enumerate(clips)]
        self._true = [(clip, side) for clip, side in sides if side is not None]

    def figures(self, distortion: Distortion, step: float) -> dict[str, float]:
        """Return the figures of all clips at a step."""
        total = SetFigures()
        exchanged = round(step * len(self._true)) if distortion.change is None else 0
        for number, (clip, true) in enumerate(self._true):
            made = true
            if number < exchanged:
                made = self._other(number)
            elif distortion.change is not None and step:
                changed = measure_side(self._request, distortion.change(clip.material, step), "made.npz")
                if changed is None:
                    continue
                made = changed
            total.add_pair(compare(made, true, self._request.settings.size_px))
            total.add_scores(self._scores(made), clip.emotion)
        return total.values()

    def _other(self, number: int) -> MeasuredSide:
        """Return the next clip of another emotion, of the same head if the list has one."""
        clip = self._true[number][0]
        others = [*self._true[number + 1 :], *self._true[:number]]
        different = [side for other, side in others if other.emotion != clip.emotion]
        return different[0] if different else others[0][1]

    def _scores(self, side: MeasuredSide) -> ClipScores:
        if not side.figures.inputs:
            return ClipScores()
        return self._scorer.score(Path(self._request.out_folder) / side.figures.inputs, is_true=False)


def _retracked(clip: ClipMaterial, change: Callable[[Picture, int], Picture]) -> ClipMaterial:
    """Return a clip with changed pictures, its face found anew in them."""

    def pictures() -> Iterator[Picture]:
        for number, picture in enumerate(clip.pictures()):
            yield change(picture, number)

    landmarks = np.full((clip.frames, LANDMARK_COUNT, 3), np.nan, np.float32)
    with open_tracker(LandmarkSettings()) as tracker:
        for number, picture in enumerate(pictures()):
            found = tracker.track(np.ascontiguousarray(picture))
            if found is not None:
                landmarks[number] = found
    return replace(clip, pictures=pictures, landmarks_px=landmarks)


def _blurred(clip: ClipMaterial, sigma_px: float) -> ClipMaterial:
    return _retracked(clip, lambda picture, _: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8))


def _noisy(clip: ClipMaterial, deviation: float) -> ClipMaterial:
    def change(picture: Picture, number: int) -> Picture:
        noise = np.random.default_rng(number).standard_normal(picture.shape, np.float32) * np.float32(deviation)
        return np.asarray(np.clip(np.rint(picture + noise), 0, 255), np.uint8)

    return _retracked(clip, change)


def _late_sound(clip: ClipMaterial, frames: float) -> ClipMaterial:
    if clip.waveform is None:
        return clip
    late = np.concatenate([np.zeros(int(frames) * SAMPLES_PER_FRAME, np.float32), clip.waveform])
    return replace(clip, waveform=late[: len(clip.waveform)])


def _shown(clip: ClipMaterial, order: NDArray[np.int64]) -> ClipMaterial:
    """Return a clip that shows its frames in another order."""

    def pictures() -> Iterator[Picture]:
        every = list(clip.pictures())
        yield from (every[number] for number in order)

    return replace(clip, pictures=pictures, landmarks_px=clip.landmarks_px[order])


def _late_lips(clip: ClipMaterial, frames: float) -> ClipMaterial:
    return _shown(clip, np.maximum(0, np.arange(clip.frames) - int(frames)))


def _shaken(clip: ClipMaterial, deviation_px: float) -> ClipMaterial:
    """Move every frame by chance, and the landmarks with it."""
    moves = np.random.default_rng(0).normal(0, deviation_px, (clip.frames, 2)).astype(np.float32)

    def pictures() -> Iterator[Picture]:
        for move, picture in zip(moves, clip.pictures(), strict=True):
            matrix = np.array([[1.0, 0.0, move[0]], [0.0, 1.0, move[1]]])
            yield np.asarray(cv2.warpAffine(picture, matrix, picture.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)

    landmarks = clip.landmarks_px.copy()
    landmarks[..., :2] += moves[:, None]
    return replace(clip, pictures=pictures, landmarks_px=landmarks)


def _frozen(clip: ClipMaterial, share: float) -> ClipMaterial:
    """Let a clip stand still in its middle frame for a share of its time, half of that at each end."""
    numbers, middle = np.arange(clip.frames), clip.frames // 2
    moving = np.abs(numbers - (clip.frames - 1) / 2) < (1 - share) * clip.frames / 2
    return _shown(clip, np.where(moving, numbers, middle))


_LATE = {"sync_offset_own": 1, "sync_offset": 1}
DISTORTIONS: dict[str, Distortion] = {
    "blur": Distortion(
        "blur, standard deviation in pixels of 512", (0.0, 1.0, 2.0, 3.0, 4.5, 6.0), _blurred, {"ssim": -1, "psnr": -1, "cpbd": -1}
    ),
    "noise": Distortion("noise, standard deviation in bytes", (0.0, 4.0, 8.0, 16.0, 24.0, 32.0), _noisy, {"ssim": -1, "psnr": -1}),
    "sound delay": Distortion("sound late by frames", (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0), _late_sound, _LATE),
    "picture delay": Distortion(
        "picture late by frames", (0.0, 1.0, 2.0, 3.0, 4.0, 5.0), _late_lips, {"m_lmd": 1, "f_lmd": 1, "ssim": -1, **_LATE}
    ),
    "frozen pose": Distortion(
        "frozen, share of the time",
        (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
        _frozen,
        {"pose_diversity": -1, "expression_diversity": -1, "ssim": -1},
    ),
    "shake": Distortion("shaken by pixels of 512, standard deviation", (0.0, 0.5, 1.0, 2.0, 3.0, 4.0), _shaken, {"jitter": 1}),
    "swapped emotions": Distortion(
        "share of clips exchanged for another emotion",
        (0.0, 0.25, 0.5, 0.75, 1.0),
        None,
        {"acc_emo_own": -1, "acc_emo": -1, "f_lmd": 1, "m_lmd": 1, "ssim": -1},
    ),
}
"""Every distortion, and what it must do."""
