"""Following one face through a shot: the tracker inside its region on every frame, the search for faces about once a second."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.boxes import Box
from pipelines.face_tracking.face_counting import find_faces, find_faces_beside, has_second_face
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
    box: Box | None
    """Bounding box of the landmarks, or None."""
    is_other_face: bool
    """The face is not the one of the sighting before."""
    several: bool | None
    """Whether another face of comparable size was seen; None where nothing was counted."""


_Face = tuple[NDArray[np.float32], Box]
"""Landmarks (478, 3) and their box, in pixels of the whole frame."""


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
        self._box: Box | None = None
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
        last, was_lost = self._box, self._is_lost
        face = self._track(rgb)
        if last is not None and not was_lost and not is_other and (face is None or self._has_jumped(slot, face[1], last)):
            # A tracker may slip for a frame: a loss or a jump is believed only if a fresh one sees it too.
            several, face = self._look_again(slot, rgb, last)
        if face is None:
            self._is_lost = last is not None
            return Sighting(slot, *self._looked, None, None, is_other_face=False, several=several)
        is_other = is_other or (last is not None and self._has_jumped(slot, face[1], last))
        if last is None or was_lost or is_other:
            self._begin_counting(slot, counted=several is not None)
        sighting = Sighting(slot, *self._looked, *face, is_other_face=is_other, several=several)
        self._keep(slot, rgb, face[1])
        return sighting

    def close(self) -> None:
        """Free the tracker."""
        self._move_to(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _keep(self, slot: int, rgb: NDArray[np.uint8], box: Box) -> None:
        """Remember the face, and look elsewhere from the next frame on where its region has become too tight."""
        self._box, self._box_slot, self._is_lost = box, slot, False
        height, width = rgb.shape[:2]
        if self._region is None or has_outgrown(box, self._region, width, height):
            self._move_to(choose_region(box, width, height))

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
            self._move_to(choose_region(Box.rows(faces)[0], rgb.shape[1], rgb.shape[0]))
        return has_second_face(rgb, faces)

    def _count(self, slot: int, rgb: NDArray[np.uint8], last: Box) -> tuple[bool | None, bool]:
        """Count faces while one is followed; return whether there are several, and whether a larger one is followed from now on."""
        self._counts += 1
        self._next_search = slot + (FIRST_COUNT_EVERY_SLOTS if self._counts < FIRST_COUNTS else COUNT_EVERY_SLOTS)
        faces = find_faces_beside(rgb, last.height)
        several = has_second_face(rgb, faces)
        largest = Box.rows(faces)[0] if len(faces) else last
        is_larger = largest.shared_area(last) == 0 and largest.height > _LARGER * last.height
        self._strikes = self._strikes + 1 if is_larger else 0
        if self._strikes < _STRIKES:
            return several, False
        self._strikes = 0
        self._move_to(choose_region(largest, rgb.shape[1], rgb.shape[0]))
        return several, True

    def _look_again(self, slot: int, rgb: NDArray[np.uint8], last: Box) -> tuple[bool | None, _Face | None]:
        """Search with a fresh tracker, around the face nearest to the last one; return whether several were seen, and the face."""
        self._next_search = slot + SEARCH_EVERY_SLOTS
        faces = find_faces_beside(rgb, last.height)
        nearest = max(Box.rows(faces), key=last.overlap, default=None)
        self._move_to(self._region if nearest is None else choose_region(nearest, rgb.shape[1], rgb.shape[0]))
        return has_second_face(rgb, faces), self._track(rgb)

    def _begin_counting(self, slot: int, *, counted: bool) -> None:
        self._counts = int(counted)
        self._next_search = slot + (FIRST_COUNT_EVERY_SLOTS if counted else 1)

    def _track(self, rgb: NDArray[np.uint8]) -> _Face | None:
        """Return the face in pixels of the whole frame, or None where there is none or too little of it."""
        if self._tracker is None:
            self._tracker = self._open_tracker()
        frame = whole_frame(rgb.shape[1], rgb.shape[0])
        region = self._region or frame
        self._looked = (region, region.cut(rgb))
        landmarks = self._tracker.track(self._looked[1])
        if landmarks is None:
            return None
        landmarks = landmarks + np.array([region.x_px, region.y_px, 0], np.float32)
        box = Box.of_mesh(landmarks)
        return (landmarks, box) if box.share_inside(Box(0, 0, frame.width_px, frame.height_px)) >= _LEAST_SHARE_IN_FRAME else None

    def _move_to(self, region: Region | None) -> None:
        """Look elsewhere from now on, with a fresh tracker: the state of the old one is in the pixels of the old region."""
        if self._tracker is not None:
            self._tracker.close()
        self._tracker = None
        self._region = region

    def _has_jumped(self, slot: int, box: Box, last: Box) -> bool:
        is_later = int(slot - self._box_slot > _CLOSE_SLOTS)
        growth = box.size / max(last.size, 1.0)
        return box.overlap(last) < _LEAST_OVERLAP[is_later] or not 1 / _LARGEST_GROWTH[is_later] < growth < _LARGEST_GROWTH[is_later]
