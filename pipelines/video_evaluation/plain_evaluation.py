"""The straightforward loop over pairs of videos with the metrics of an evaluation: what an evaluation is timed against.

Every step is what anybody would first write with the libraries: one pair after the other, both videos decoded and tracked,
scikit-image's SSIM, PSNR and Canny detector, the judges asked clip by clip with as many threads as PyTorch takes. Nothing is slower than
it need be: landmarks, alignment, points and movements are the same functions that an evaluation calls.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pipelines.audio.loading import load_audio_file
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.image_evaluation.cpbd import luma
from pipelines.image_evaluation.plain_cpbd import plain_cpbd
from pipelines.judging.loading import Judges
from pipelines.media_files import open_media
from pipelines.video_evaluation.face_alignment import Alignment, align
from pipelines.video_evaluation.face_motion import FaceMotion, face_motion, shape_similarity
from pipelines.video_evaluation.landmark_measures import face_distances, mouth_distances
from storage_schemas.build_spec import LandmarkSettings
from storage_schemas.evaluation_requests import EvaluationSettings
from storage_schemas.part_layout import LANDMARK_COUNT

Pictures = NDArray[np.uint8]

COMPARED = ("ssim", "psnr", "m_lmd", "f_lmd", "cpbd", "identity_shape")
"""Figures that an evaluation must find as well."""
_EQUAL_DB = 100.0


@dataclass(frozen=True, eq=False)
class _Side:
    """One video of a pair, aligned and measured."""

    aligned: list[Pictures]
    points: NDArray[np.float64]
    sharp: list[float]
    motion: FaceMotion | None


@dataclass(eq=False)
class PlainEvaluation:
    """The loop.

    Attributes:
        settings: of the evaluation.
        judges: that are there.
        seconds: on the clock, by what was done.
    """

    settings: EvaluationSettings
    judges: Judges = field(default_factory=Judges)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def figures(
        self, pairs: Sequence[tuple[Path, Path]], on_progress: Callable[[int, int], None] = lambda _d, _t: None
    ) -> dict[str, float]:
        """Return the figures of pairs (made, true) of videos of 25 frames a second.

        Args:
            pairs: paths.
            on_progress: (pairs done, pairs).

        Raises:
            ValueError: a video has no face.
        """
        found: dict[str, list[float]] = {name: [] for name in COMPARED}
        for number, (made, true) in enumerate(pairs, start=1):
            self._compare(self._side(made), self._side(true), found)
            on_progress(number, len(pairs))
        return {name: float(np.nanmean(values)) for name, values in found.items()}

    def _side(self, path: Path) -> _Side:
        with self._timed("decoding"):
            frames = _decoded(path)
        with self._timed("landmarks"):
            landmarks = _tracked(frames)
        alignment = align(landmarks)
        if alignment is None:
            raise ValueError(f"{path}: no face was found in any frame")
        with self._timed("alignment"):
            aligned = [alignment.picture(frame, row, self.settings.size_px) for row, frame in enumerate(frames)]
        with self._timed("sharpness"):
            sharp = self._sharpness(frames, alignment)
        with self._timed("movement"):
            motion = face_motion(landmarks)
        with self._timed("sound"):
            sound = load_audio_file(path)
        with self._timed("judges"):
            self._judge(frames, landmarks, sound)
        return _Side(aligned, alignment.points(landmarks, self.settings.size_px), sharp, motion)

    def _compare(self, made: _Side, true: _Side, found: dict[str, list[float]]) -> None:
        with self._timed("SSIM and PSNR"):
            for pair in zip(made.aligned, true.aligned, strict=False):
                found["ssim"].append(float(structural_similarity(*pair, channel_axis=-1, data_range=255)))  # type: ignore[no-untyped-call]
                equal = np.array_equal(*pair)
                found["psnr"].append(_EQUAL_DB if equal else float(peak_signal_noise_ratio(*pair, data_range=255)))  # type: ignore[no-untyped-call]
        count = min(len(made.points), len(true.points))
        found["m_lmd"] += mouth_distances(made.points[:count], true.points[:count]).tolist()
        found["f_lmd"] += face_distances(made.points[:count], true.points[:count]).tolist()
        found["cpbd"] += made.sharp
        if made.motion is not None and true.motion is not None:
            found["identity_shape"].append(shape_similarity(made.motion.shape, true.motion.shape))

    def _sharpness(self, frames: Pictures, alignment: Alignment) -> list[float]:
        rows = range(0, len(frames), self.settings.cpbd_every)
        return [plain_cpbd(luma(alignment.picture(frames[row], row, self.settings.cpbd_size_px))) for row in rows]

    def _judge(self, frames: Pictures, landmarks: NDArray[np.float32], sound: NDArray[np.float32]) -> None:
        if self.judges.sync is not None:
            self.judges.sync_scores(frames, landmarks, sound)
        if self.judges.emotion is not None:
            self.judges.emotion_scores(frames, landmarks)

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started_s = time.perf_counter()
        yield
        self.seconds[step] += time.perf_counter() - started_s


def _decoded(path: Path) -> Pictures:
    with open_media(path) as container:
        return np.stack([np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)])


def _tracked(frames: Pictures) -> NDArray[np.float32]:
    with open_tracker(LandmarkSettings()) as tracker:
        found = [tracker.track(frame) for frame in frames]
    return np.stack([np.full((LANDMARK_COUNT, 3), np.nan, np.float32) if points is None else points for points in found])
