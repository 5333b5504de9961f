"""Whether a piece becomes a clip, and the numbers behind the decision."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.tracking_region import Region
from pipelines.media_time import seconds_to_frames
from storage_schemas.build_spec import CropSettings, SeveralFaces
from storage_schemas.rejections import RejectionReason

MAX_SEVERAL_SHARE = 0.1
"""A piece in which a larger share of the counted frames shows a second face of comparable size shows several people."""


@dataclass(frozen=True)
class Piece:
    """A run of slots with one continuous face; its first and last slots are detected."""

    start_slot: int
    landmarks: NDArray[np.float32]
    """(n, 478, 3) float32 in pixels of the upright source frame, z in the scale of x; NaN where undetected."""
    boxes: NDArray[np.float32]
    """(n, 4) float32 left, top, right, bottom of the face mesh, from hairline to chin; NaN where undetected."""
    detected: NDArray[np.bool_]
    """(n,)"""
    held: NDArray[np.bool_]
    """(n,) the slot repeats the frame before; its landmarks are repeated with it."""
    region: Region
    """The part of the frame whose pixels were given with every frame of the piece."""
    counted_frames: int
    """Frames in which faces were counted, about one a second."""
    several_faces_frames: int
    """How many of them show a second face of comparable size."""

    @property
    def slots(self) -> NDArray[np.int64]:
        """Return the (n,) slot numbers, which follow each other without gaps."""
        return np.arange(self.start_slot, self.start_slot + len(self.detected))

    @property
    def end_slot(self) -> int:
        """Return the slot after the last."""
        return self.start_slot + len(self.detected)

    @property
    def face_height_px(self) -> float:
        """Return the median height of the face box in source pixels."""
        return float(np.nanmedian(self.boxes[:, 3] - self.boxes[:, 1]))

    @property
    def detection_rate(self) -> float:
        """Return the share of slots with a face, 0 to 1."""
        return float(self.detected.mean())


@dataclass(frozen=True)
class RejectedPiece:
    """A run of slots that does not become a clip, and why."""

    start_slot: int
    end_slot: int
    """The slot after the last."""
    reason: RejectionReason
    message: str
    details: dict[str, float | int | str] = field(default_factory=dict)


def judge_piece(piece: Piece, crop: CropSettings) -> Piece | RejectedPiece:
    """Return the piece where it may become a clip, else its rejection: too short, too small, several faces or lost too often."""
    frames, least_frames = len(piece.detected), seconds_to_frames(crop.min_clip_s)
    if frames < least_frames:
        message = f"expected at least {least_frames} frames with one continuous face, found {frames}"
        return _reject(piece, RejectionReason.TOO_SHORT, message, frames=frames, min_frames=least_frames)
    height_px = round(float(np.nanmean(piece.boxes[:, 3] - piece.boxes[:, 1])), 1)
    if height_px < crop.min_face_px:
        message = f"expected a face at least {crop.min_face_px} px high, found {height_px} px on average"
        return _reject(piece, RejectionReason.FACE_TOO_SMALL, message, face_height_px=height_px, min_face_px=crop.min_face_px)
    several_share = piece.several_faces_frames / max(piece.counted_frames, 1)
    if crop.several_faces is SeveralFaces.REJECT and several_share > MAX_SEVERAL_SHARE:
        found = f"a second one of comparable size in {piece.several_faces_frames} of {piece.counted_frames} counted frames"
        numbers = {"counted_frames": piece.counted_frames, "several_faces_frames": piece.several_faces_frames}
        return _reject(piece, RejectionReason.SEVERAL_FACES, f"expected one face, found {found}", **numbers)
    if piece.detection_rate < crop.min_detection_rate:
        rate = round(piece.detection_rate, 4)
        message = f"expected a face in at least {crop.min_detection_rate:.0%} of the frames, found one in {rate:.1%} of {frames}"
        return _reject(piece, RejectionReason.FACE_LOST, message, detection_rate=rate, frames=frames)
    return piece


def recording_without_face(first_slot: int, end_slot: int) -> RejectedPiece:
    """Return the rejection of a recording in whose slots, `first_slot` to before `end_slot`, no face was found."""
    frames = end_slot - first_slot
    return RejectedPiece(
        first_slot, end_slot, RejectionReason.NO_FACE, f"expected a face, found none in {frames} frames", {"frames": frames}
    )


def _reject(piece: Piece, reason: RejectionReason, message: str, **details: float) -> RejectedPiece:
    return RejectedPiece(piece.start_slot, piece.end_slot, reason, message, dict(details))
