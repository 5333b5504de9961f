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
_LEAST_OVERLAP = (0.35, 0.15)
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

    def __init__(self, open_tracker: Callable[[], FaceTracker], must_show: Region | None = None) -> None:
        self._open_tracker = open_tracker
        self._must_show = must_show
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
        last, was_lost, region = self._box, self._is_lost, self._region
        several, is_moved = self._search_or_count(slot, rgb) if slot >= self._next_search else (None, False)
        face = self._track(rgb)
        if last is not None and not was_lost and not is_moved and (face is None or self._has_jumped(slot, face[1], last)):
            # A tracker may slip for a frame: a loss or a jump is believed only if a fresh one sees it too.
            several, face = self._look_again(slot, rgb, last)
        face = self._in_good_region(face, rgb)
        if face is None:
            return self._missed(slot, rgb, region, several)
        is_other = last is not None and self._has_jumped(slot, face[1], last)
        if last is None or was_lost or is_other:
            self._begin_counting(slot, counted=several is not None)
        self._box, self._box_slot, self._is_lost = face[1], slot, False
        return Sighting(slot, *self._looked, *face, is_other_face=is_other, several=several)

    def _missed(self, slot: int, rgb: NDArray[np.uint8], region: Region | None, several: bool | None) -> Sighting:
        """Return the sighting of no face; a region moved in vain is moved back, since the face most likely returns where it was."""
        self._is_lost = self._box is not None
        if self._is_lost and self._region != region:
            self._move_to(region)
            self._looked = self._look_at(rgb)
        return Sighting(slot, *self._looked, None, None, is_other_face=False, several=several)

    def _in_good_region(self, face: _Face | None, rgb: NDArray[np.uint8]) -> _Face | None:
        """Return the face as seen in a region that leaves it room; the region is chosen anew where it does not."""
        height, width = rgb.shape[:2]
        if face is None or (self._region is not None and not has_outgrown(face[1], self._region, width, height)):
            return face
        self._move_to(choose_region(face[1], width, height, self._must_show))
        again = self._track(rgb)
        if again is None:
            # Seen before, but not in the region made for it: the whole frame shows it.
            self._move_to(whole_frame(width, height))
            again = self._track(rgb)
        return again

    def close(self) -> None:
        """Free the tracker."""
        self._move_to(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _search_or_count(self, slot: int, rgb: NDArray[np.uint8]) -> tuple[bool | None, bool]:
        """Return whether several faces are seen (None: none found), and whether another one shall be followed from now on."""
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
        if self._box is None and self._region is not None:
            self._move_to(None)
        self._move_to_face(Box.rows(faces), rgb, keep_region=True)
        return has_second_face(rgb, faces)

    def _count(self, slot: int, rgb: NDArray[np.uint8], last: Box) -> tuple[bool | None, bool]:
        """Count faces while one is followed; return whether there are several, and whether a larger one shall be followed."""
        self._counts += 1
        self._next_search = slot + (FIRST_COUNT_EVERY_SLOTS if self._counts < FIRST_COUNTS else COUNT_EVERY_SLOTS)
        faces = find_faces_beside(rgb, last.height)
        largest = Box.rows(faces)[0] if len(faces) else last
        is_larger = largest.shared_area(last) == 0 and largest.height > _LARGER * last.height
        self._strikes = self._strikes + 1 if is_larger else 0
        # Once, not every time: the tracker may insist on the smaller one.
        is_moved = self._strikes == _STRIKES
        if is_moved:
            self._move_to_face(Box.rows(faces), rgb)
        return has_second_face(rgb, faces), is_moved

    def _look_again(self, slot: int, rgb: NDArray[np.uint8], last: Box) -> tuple[bool | None, _Face | None]:
        """Search with a fresh tracker, around the face nearest to the last one; return whether several were seen, and the face."""
        self._next_search = slot + SEARCH_EVERY_SLOTS
        faces = find_faces_beside(rgb, last.height)
        self._move_to(self._region)
        self._move_to_face(sorted(Box.rows(faces), key=last.overlap, reverse=True), rgb, keep_region=True)
        return has_second_face(rgb, faces), self._track(rgb)

    def _move_to_face(self, faces: list[Box], rgb: NDArray[np.uint8], *, keep_region: bool = False) -> None:
        """Look at the first of the faces found from now on; in the present region where it has room there, if that is asked for."""
        height, width = rgb.shape[:2]
        if not faces or (keep_region and self._region is not None and not has_outgrown(faces[0], self._region, width, height)):
            return
        self._move_to(choose_region(faces[0], width, height, self._must_show, others=faces[1:]))

    def _begin_counting(self, slot: int, *, counted: bool) -> None:
        self._counts = int(counted)
        self._next_search = slot + (FIRST_COUNT_EVERY_SLOTS if counted else 1)

    def _track(self, rgb: NDArray[np.uint8]) -> _Face | None:
        """Return the face in pixels of the whole frame, or None where there is none or too little of it."""
        if self._tracker is None:
            self._tracker = self._open_tracker()
        self._looked = region, pixels = self._look_at(rgb)
        landmarks = self._tracker.track(pixels)
        if landmarks is None:
            return None
        landmarks = landmarks + np.array([region.x_px, region.y_px, 0], np.float32)
        box = Box.of_mesh(landmarks)
        is_in_frame = box.share_inside(Box(0, 0, rgb.shape[1], rgb.shape[0])) >= _LEAST_SHARE_IN_FRAME
        return (landmarks, box) if is_in_frame else None

    def _look_at(self, rgb: NDArray[np.uint8]) -> tuple[Region, NDArray[np.uint8]]:
        region = self._region or whole_frame(rgb.shape[1], rgb.shape[0])
        return region, region.cut(rgb)

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
