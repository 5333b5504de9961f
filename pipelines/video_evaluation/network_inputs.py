"""The pictures of a clip that networks are to see, cut out while its frames are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from pipelines.judging.face_windows import FACE, MOUTH, cut_windows, track_face
from pipelines.video_evaluation.clip_material import ClipMaterial
from pipelines.video_evaluation.face_alignment import Alignment
from storage_schemas.evaluation_requests import EvaluationSettings, WantedInputs

Picture = NDArray[np.uint8]

JUDGED_PX = 256
"""Side of the still square around the whole head that our own judges cut their windows from."""
NETWORK_PX = 224
"""Side of the published SyncNet's and the published emotion classifier's pictures."""
_HEAD_MARGIN = 1.3
_LIP_SCALE = 0.4
_LIP_SMOOTHING = 13
_LIP_BORDER = 110


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of `count` numbers, evenly chosen, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


@dataclass
class InputCutter:
    """Collects what networks want of one clip, frame by frame.

    Attributes:
        material: the clip.
        alignment: of its frames.
        settings: of the evaluation.
        wanted: by whom.
    """

    material: ClipMaterial
    alignment: Alignment
    settings: EvaluationSettings
    wanted: WantedInputs
    _fid: list[Picture] = field(default_factory=list)
    _heads: list[Picture] = field(default_factory=list)
    _lips: list[Picture] = field(default_factory=list)
    _faces: list[Picture] = field(default_factory=list)

    def __post_init__(self) -> None:
        frames = self.material.frames
        self._fid_rows = {int(row) for row in evenly(frames, self.settings.fid_frames)}
        self._face_rows = {int(row) for row in evenly(frames, self.settings.emotion_frames)}
        self._head = _square_around(self.material.landmarks_px)
        self._for_judges = self.wanted.judged_mouths_px > 0 or self.wanted.judged_faces_px > 0
        self._lip_boxes = lip_squares(self.material.landmarks_px) if self.wanted.lips else None

    def add(self, number: int, picture: Picture, aligned: Picture) -> None:
        """Take in a frame and its aligned picture."""
        if self.wanted.fid and number in self._fid_rows:
            self._fid.append(aligned)
        if self._for_judges:
            square = _cut(picture, self._head, JUDGED_PX, cv2.BORDER_REPLICATE)
            self._heads.append(np.asarray(cv2.cvtColor(square, cv2.COLOR_RGB2GRAY), np.uint8))
        if self._lip_boxes is not None:
            self._lips.append(_cut(picture, self._lip_boxes[number], NETWORK_PX, cv2.BORDER_CONSTANT))
        if self.wanted.faces and number in self._face_rows:
            self._faces.append(self.alignment.picture(picture, number, NETWORK_PX))

    def write(self, path: Path) -> None:
        """Write what was collected, with the sound."""
        sound = self.material.waveform
        arrays: dict[str, Any] = {"waveform": np.zeros(0, np.float32) if sound is None else sound}
        collected = (("fid", self._fid), ("lips", self._lips), ("faces", self._faces))
        arrays |= {name: np.stack(pictures) for name, pictures in collected if pictures}
        np.savez(path, **arrays, **self._judged())

    def _judged(self) -> dict[str, Picture]:
        """Return the windows of our own judges; a clip without a face has none."""
        left, top, side = self._head
        points = (self.material.landmarks_px[..., :2] - np.array([left, top], np.float32)) * np.float32(JUDGED_PX / side)
        track = track_face(points[: len(self._heads)]) if self._heads else None
        found: dict[str, Picture] = {}
        if track is not None and self.wanted.judged_mouths_px:
            found["judged_mouths"] = cut_windows(self._heads, track, MOUTH, self.wanted.judged_mouths_px)
        if track is not None and self.wanted.judged_faces_px:
            chosen = evenly(len(self._heads), self.wanted.judged_faces)
            heads = (self._heads[number] for number in chosen)
            found["judged_faces"] = cut_windows(heads, track.part(chosen), FACE, self.wanted.judged_faces_px)
        return found


def lip_squares(landmarks_px: NDArray[Any]) -> NDArray[np.float64]:
    """Return (frames, 3) left, top and side of the squares that SyncNet's pictures are cut from.

    As syncnet_python's `run_pipeline.py` cuts its face tracks: the face box, its size and centre smoothed over 13 frames, enlarged by 40 %
    and moved down by as much. The face box is that of the landmarks, not of S3FD.
    """
    points = np.asarray(landmarks_px, np.float64)[..., :2]
    seen = np.flatnonzero(np.isfinite(points).all(axis=(1, 2)))
    low, high = points[seen].min(axis=1), points[seen].max(axis=1)
    boxes = np.column_stack([(high - low).max(axis=1) / 2, (low + high) / 2])
    every = np.column_stack([np.interp(np.arange(len(points)), seen, column) for column in boxes.T])
    half, x, y = median_filter(every, size=(_LIP_SMOOTHING, 1), mode="nearest").T
    return np.column_stack([x - half * (1 + _LIP_SCALE), y - half, 2 * half * (1 + _LIP_SCALE)])


def _square_around(landmarks_px: NDArray[Any]) -> tuple[float, float, float]:
    """Return left, top and side of a still square around everything that the face covers."""
    points = np.asarray(landmarks_px, np.float64)[..., :2].reshape(-1, 2)
    low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
    side = float((high - low).max()) * _HEAD_MARGIN
    left, top = (low + high) / 2 - side / 2
    return float(left), float(top), side


def _cut(picture: Picture, square: Any, size_px: int, border: int) -> Picture:  # noqa: ANN401 - a tuple or a row
    left, top, side = (float(value) for value in square)
    scale = size_px / max(side, 1e-6)
    shift = (0.5 - np.array([left, top])) * scale - 0.5
    matrix = np.array([[scale, 0.0, shift[0]], [0.0, scale, shift[1]]])
    flags = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    value = (_LIP_BORDER, _LIP_BORDER, _LIP_BORDER)
    return np.asarray(cv2.warpAffine(picture, matrix, (size_px, size_px), flags=flags, borderMode=border, borderValue=value), np.uint8)
