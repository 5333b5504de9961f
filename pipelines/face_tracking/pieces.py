"""Pieces: runs of frames with one continuous face, cut out of a stream of frames as they come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.face_following import FaceFollower, Sighting
from pipelines.face_tracking.landmark_models import FaceTracker
from pipelines.face_tracking.open_piece import OpenPiece
from pipelines.face_tracking.piece_judging import Piece, RejectedPiece, judge_piece, recording_without_face
from pipelines.face_tracking.scene_cuts import CutDetector, ShotFrame
from pipelines.face_tracking.tracking_region import Region
from pipelines.media_time import CLIP_FPS, seconds_to_frames
from storage_schemas.build_spec import CropSettings


@dataclass(frozen=True)
class TrackedFrame:
    """A frame that may become part of the next piece; keep its pixels until that piece (or its rejection) comes."""

    slot: int
    region: Region
    pixels: NDArray[np.uint8]
    """(region.height_px, region.width_px, 3) uint8, C-contiguous; do not write to it."""


TrackEvent = TrackedFrame | Piece | RejectedPiece


class PieceTracker:
    """Takes the frames of one recording one by one and gives its pieces as soon as they are finished.

    Args:
        crop: how pieces are cut and judged.
        open_tracker: gives a fresh tracker (`landmark_models.open_tracker`); called again after every cut and loss.
        must_show: part of the frame that all regions contain, for an annotated crop window.

    Give only slots that show a new source frame: a slot left out is held, it repeats the frame before. Frames must not be
    written to after they are given; after a sudden change up to three are held back until it is known to be no flash.
    """

    def __init__(self, crop: CropSettings, open_tracker: Callable[[], FaceTracker], must_show: Region | None = None) -> None:
        self._crop = crop
        self._cuts = CutDetector()
        self._follower = FaceFollower(open_tracker, must_show)
        self._max_gap = max_gap_slots(crop)
        self._max_frames = max(1, seconds_to_frames(crop.max_clip_s))
        self._piece: OpenPiece | None = None
        self._first_slot: int | None = None
        self._last_slot = -1
        self._has_seen_face = False

    def feed(self, slot: int, rgb: NDArray[np.uint8]) -> list[TrackEvent]:
        """Take the next frame.

        Args:
            slot: 1/25 s tick; rises from call to call, need not begin at 0.
            rgb: (height, width, 3) uint8 upright frame, always of one size.

        Returns:
            What is now known, in order: tracked frames, and before the first frame of the next piece the finished one.
        """
        return self._track_all(self._cuts.feed(slot, np.ascontiguousarray(rgb)))

    def finish(self) -> list[TrackEvent]:
        """Return what is left at the end of the recording; a recording without any face gives one rejection."""
        events = self._track_all(self._cuts.flush())
        events += self._end_piece()
        if not self._has_seen_face:
            events.append(recording_without_face(self._first_slot or 0, self._last_slot + 1))
        return events

    def close(self) -> None:
        """Free the tracker."""
        self._follower.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _track_all(self, frames: list[ShotFrame]) -> list[TrackEvent]:
        return [event for frame in frames for event in self._track_frame(frame)]

    def _track_frame(self, frame: ShotFrame) -> list[TrackEvent]:
        if self._first_slot is None:
            self._first_slot = frame.slot
        is_new_scene = frame.begins_shot or frame.slot - self._last_slot - 1 > self._max_gap
        self._last_slot = frame.slot
        if is_new_scene:
            self._follower.begin_shot()
        sighting = self._follower.follow(frame.slot, frame.rgb)
        self._cuts.watch(self._follower.region)
        events = self._end_piece() if is_new_scene or sighting.is_other_face or self._is_over(sighting) else []
        return events + self._add(sighting)

    def _is_over(self, sighting: Sighting) -> bool:
        """Tell whether the open piece has lost its face for too long, would become too long, or its face has left the region."""
        if self._piece is None:
            return False
        if sighting.region != self._piece.region:
            return True
        is_detected = sighting.landmarks is not None
        is_lost = sighting.slot - self._piece.last_detected_slot - is_detected > self._max_gap
        return is_lost or sighting.slot - self._piece.start_slot >= self._max_frames

    def _add(self, sighting: Sighting) -> list[TrackEvent]:
        if self._piece is not None:
            self._piece.add(sighting)
        elif sighting.landmarks is not None:
            self._piece = OpenPiece(sighting)
            self._has_seen_face = True
        else:
            return []
        return [TrackedFrame(sighting.slot, sighting.region, sighting.pixels)]

    def _end_piece(self) -> list[TrackEvent]:
        if self._piece is None:
            return []
        piece, self._piece = self._piece.finished(), None
        return [judge_piece(piece, self._crop)]


def max_gap_slots(crop: CropSettings) -> int:
    """Return how many slots in a row may lack a face, or a source frame, inside a clip."""
    # The small addition keeps 0.2 s at 5 slots although 0.2 * 25 might come out below 5.
    return int(crop.max_gap_s * CLIP_FPS + 1e-6)
