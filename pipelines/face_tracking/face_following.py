"""Following one face through a shot: the tracker inside its region on every frame, the search for faces about once a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.face_counting import find_faces, find_faces_beside, overlap
from pipelines.face_tracking.landmark_models import FaceTracker
from pipelines.face_tracking.tracking_region import Region, choose_region, has_outgrown, whole_frame

COUNT_EVERY_SLOTS = 25
"""How often faces are counted while one is followed."""
FIRST_COUNTS = 3
FIRST_COUNT_EVERY_SLOTS = 10
"""The first counts come sooner, so that a clip of one second has three."""
SEARCH_EVERY_SLOTS = 5
SEARCH_SMALL_EVERY_SLOTS = 25
"""How often large and small faces are searched for while none is followed."""
SECOND_FACE_SHARE = 0.5
"""A second face counts from this share of the largest face's height on."""

_MESH_POINTS = 468
_LEAST_SHARE_IN_FRAME = 0.75
"""A face of which less is inside the frame counts as undetected: the model guesses what it does not see."""
_FORGET_AFTER_SLOTS = 25
_CLOSE_SLOTS = 2
_LEAST_OVERLAP = (0.5, 0.15)
_LARGEST_GROWTH = (1.25, 1.7)
"""How far the face box may move and grow from one sighting to the next: up to `_CLOSE_SLOTS` apart (real clips: 0.79, 1.04), and later."""
_LARGER = 1.3
_STRIKES = 2
"""The face is left for one that is larger by `_LARGER` in this many counts in a row."""


@dataclass(frozen=True)
class Sighting:
    """What was seen in one frame."""

    slot: int
    region: Region
    """Where the tracker looked."""
    pixels: NDArray[np.uint8]
    """The region's pixels, C-contiguous."""
    landmarks: NDArray[np.float32] | None
    """(478, 3) float32 in pixels of the whole frame, or None."""
    box: NDArray[np.float32]
    """(4,) float32 left, top, right, bottom of the mesh in pixels of the whole frame; NaN without a face."""
    is_other_face: bool
    """The face is not the one of the sighting before."""
    several: bool | None
    """Whether another face of comparable size was seen; None where nothing was counted."""


class FaceFollower:
    """Finds a face in the frames of one recording and follows it; takes every frame once, in order."""

    def __init__(self, open_tracker: Callable[[], FaceTracker]) -> None:
        self._open_tracker = open_tracker
        self._tracker: FaceTracker | None = None
        self._looked: tuple[Region, NDArray[np.uint8]]
        self.begin_shot()

    @property
    def region(self) -> Region | None:
        """Where the face is looked for; None: no face is known, in the whole frame."""
        return self._region

    def begin_shot(self) -> None:
        """Forget the face: the next frame is of another scene."""
        self._move_to(None)
        self._box: NDArray[np.float32] | None = None
        self._box_slot = 0
        self._is_lost = False
        self._next_search = self._next_small_search = -1
        self._counts = self._strikes = 0

    def follow(self, slot: int, rgb: NDArray[np.uint8]) -> Sighting:
        """Look for the face in the next frame.

        Args:
            slot: the frame's number; it rises from call to call.
            rgb: (height, width, 3) uint8 upright frame, always of one size.
        """
        if self._is_lost and slot - self._box_slot > _FORGET_AFTER_SLOTS:
            self.begin_shot()
        several, is_other = self._search_or_count(slot, rgb) if slot >= self._next_search else (None, False)
        landmarks = self._track(rgb)
        last, was_lost = self._box, self._is_lost
        if last is not None and not was_lost and not is_other and (landmarks is None or self._has_jumped(slot, landmarks)):
            # A tracker may slip for a frame: a loss or a jump is believed only if a fresh one sees it too.
            several, landmarks = self._look_again(slot, rgb, last)
        if landmarks is None:
            self._is_lost = self._box is not None
            return Sighting(slot, *self._looked, None, _NO_BOX, is_other_face=False, several=several)
        is_other = is_other or self._has_jumped(slot, landmarks)
        if last is None or was_lost or is_other:
            self._begin_counting(slot, counted=several is not None)
        return self._seen(slot, rgb, landmarks, is_other=is_other, several=several)

    def close(self) -> None:
        """Free the tracker."""
        self._move_to(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _seen(self, slot: int, rgb: NDArray[np.uint8], landmarks: NDArray[np.float32], *, is_other: bool, several: bool | None) -> Sighting:
        sighting = Sighting(slot, *self._looked, landmarks, mesh_box(landmarks), is_other_face=is_other, several=several)
        self._box, self._box_slot, self._is_lost = sighting.box, slot, False
        height, width = rgb.shape[:2]
        if self._region is None or has_outgrown(sighting.box, self._region, width, height):
            self._move_to(choose_region(sighting.box, width, height))
        return sighting

    def _search_or_count(self, slot: int, rgb: NDArray[np.uint8]) -> tuple[bool | None, bool]:
        """Return whether several faces are seen (None: none found), and whether another one is followed from now on."""
        if self._box is None or self._is_lost:
            return self._search(slot, rgb), False
        return self._count(slot, rgb, self._box)

    def _search(self, slot: int, rgb: NDArray[np.uint8]) -> bool | None:
        """Search the frame while no face is followed, and look where one is found; return whether there are several."""
        small_too = slot >= self._next_small_search
        if small_too:
            self._next_small_search = slot + SEARCH_SMALL_EVERY_SLOTS
        self._next_search = slot + SEARCH_EVERY_SLOTS
        faces = find_faces(rgb, small_too=small_too)
        if len(faces):
            self._move_to(choose_region(faces[0], rgb.shape[1], rgb.shape[0]))
        return _has_second_face(faces)

    def _count(self, slot: int, rgb: NDArray[np.uint8], last: NDArray[np.float32]) -> tuple[bool | None, bool]:
        """Count faces while one is followed; return whether there are several, and whether a larger one is followed from now on."""
        self._counts += 1
        self._next_search = slot + (FIRST_COUNT_EVERY_SLOTS if self._counts < FIRST_COUNTS else COUNT_EVERY_SLOTS)
        faces = find_faces_beside(rgb, _height(last))
        is_larger = len(faces) > 0 and overlap(faces[0], last) == 0 and _height(faces[0]) > _LARGER * _height(last)
        self._strikes = self._strikes + 1 if is_larger else 0
        if self._strikes < _STRIKES:
            return _has_second_face(faces), False
        self._strikes = 0
        self._move_to(choose_region(faces[0], rgb.shape[1], rgb.shape[0]))
        return _has_second_face(faces), True

    def _look_again(self, slot: int, rgb: NDArray[np.uint8], last: NDArray[np.float32]) -> tuple[bool | None, NDArray[np.float32] | None]:
        """Search with a fresh tracker, around the face nearest to the last one; return whether several were seen, and landmarks."""
        self._next_search = slot + SEARCH_EVERY_SLOTS
        faces = find_faces_beside(rgb, _height(last))
        nearest = max(faces, key=lambda face: overlap(face, last), default=None)
        self._move_to(self._region if nearest is None else choose_region(nearest, rgb.shape[1], rgb.shape[0]))
        return _has_second_face(faces), self._track(rgb)

    def _begin_counting(self, slot: int, *, counted: bool) -> None:
        self._counts = int(counted)
        self._next_search = slot + (FIRST_COUNT_EVERY_SLOTS if counted else 1)

    def _track(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return landmarks in pixels of the whole frame, or None where there is no face or too little of it."""
        if self._tracker is None:
            self._tracker = self._open_tracker()
        region = self._region or whole_frame(rgb.shape[1], rgb.shape[0])
        self._looked = (region, region.cut(rgb))
        landmarks = self._tracker.track(self._looked[1])
        if landmarks is None:
            return None
        landmarks = landmarks + np.array([region.x_px, region.y_px, 0], np.float32)
        return landmarks if _share_in_frame(mesh_box(landmarks), rgb.shape[1], rgb.shape[0]) >= _LEAST_SHARE_IN_FRAME else None

    def _move_to(self, region: Region | None) -> None:
        """Look elsewhere from now on, with a fresh tracker: the state of the old one is in the pixels of the old region."""
        if self._tracker is not None:
            self._tracker.close()
        self._tracker = None
        self._region = region

    def _has_jumped(self, slot: int, landmarks: NDArray[np.float32]) -> bool:
        if self._box is None:
            return False
        box = mesh_box(landmarks)
        is_later = int(slot - self._box_slot > _CLOSE_SLOTS)
        growth = _size(box) / max(_size(self._box), 1.0)
        return overlap(box, self._box) < _LEAST_OVERLAP[is_later] or max(growth, 1 / growth) > _LARGEST_GROWTH[is_later]


_NO_BOX = np.full(4, np.nan, np.float32)


def mesh_box(landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the box (4,) float32 left, top, right, bottom of the (478, 3) landmarks; the iris points are not in it."""
    points = landmarks[:_MESH_POINTS, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _has_second_face(faces: NDArray[np.float32]) -> bool | None:
    """Tell whether a second face is of comparable height; None where no face was found at all."""
    if len(faces) == 0:
        return None
    return len(faces) > 1 and _height(faces[1]) >= SECOND_FACE_SHARE * _height(faces[0])


def _share_in_frame(box: NDArray[np.float32], frame_width: int, frame_height: int) -> float:
    left, top, right, bottom = (float(value) for value in box)
    inside = max(min(right, frame_width) - max(left, 0.0), 0.0) * max(min(bottom, frame_height) - max(top, 0.0), 0.0)
    return inside / max((right - left) * (bottom - top), 1.0)


def _size(box: NDArray[np.float32]) -> float:
    """Return the side of the square with the box's area, which a mouth that opens changes little."""
    return float(np.sqrt((box[2] - box[0]) * (box[3] - box[1])))


def _height(box: NDArray[np.float32]) -> float:
    return float(box[3] - box[1])
