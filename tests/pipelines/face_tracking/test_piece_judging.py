from __future__ import annotations

import numpy as np
import pytest

from pipelines.face_tracking.piece_judging import Piece, RejectedPiece, judge_piece, recording_without_face
from pipelines.face_tracking.tracking_region import Region
from storage_schemas.build_spec import CropSettings, SeveralFaces
from storage_schemas.rejections import RejectionReason


def piece(frames: int = 50, height_px: float = 100, undetected: int = 0, counted: int = 10, several: int = 0) -> Piece:
    detected = np.ones(frames, bool)
    detected[10 : 10 + undetected] = False
    boxes = np.tile(np.array([0, 0, 80, height_px], np.float32), (frames, 1))
    boxes[~detected] = np.nan
    return Piece(
        start_slot=7,
        landmarks=np.zeros((frames, 478, 3), np.float32),
        boxes=boxes,
        detected=detected,
        held=np.zeros(frames, bool),
        region=Region(0, 0, 640, 360),
        counted_frames=counted,
        several_faces_frames=several,
    )


@pytest.mark.parametrize(
    "kept", [piece(), piece(frames=25), piece(height_px=48), piece(undetected=2), piece(counted=10, several=1), piece(counted=0)]
)
def test_good_piece_is_kept(kept: Piece) -> None:
    assert judge_piece(kept, CropSettings()) is kept


@pytest.mark.parametrize(
    ("rejected", "reason", "details"),
    [
        (piece(frames=24), RejectionReason.TOO_SHORT, {"frames": 24, "min_frames": 25}),
        (piece(height_px=47), RejectionReason.FACE_TOO_SMALL, {"face_height_px": 47, "min_face_px": 48}),
        (piece(counted=9, several=1), RejectionReason.SEVERAL_FACES, {"counted_frames": 9, "several_faces_frames": 1}),
        (piece(undetected=3), RejectionReason.FACE_LOST, {"detection_rate": 0.94, "frames": 50}),
    ],
)
def test_rejection_gives_reason_numbers_and_range(rejected: Piece, reason: RejectionReason, details: dict[str, float]) -> None:
    verdict = judge_piece(rejected, CropSettings())
    assert isinstance(verdict, RejectedPiece)
    assert (verdict.reason, verdict.details) == (reason, details)
    assert (verdict.start_slot, verdict.end_slot) == (7, rejected.end_slot)
    assert verdict.message.startswith("expected")


def test_several_faces_are_kept_where_the_largest_is_asked_for() -> None:
    both = piece(several=10)
    assert judge_piece(both, CropSettings(several_faces=SeveralFaces.LARGEST)) is both


def test_numbers_of_a_piece() -> None:
    some = piece(frames=50, undetected=5)
    assert (some.end_slot, some.slots[0], some.slots[-1]) == (57, 7, 56)
    assert some.detection_rate == pytest.approx(0.9)
    assert some.face_height_px == 100


def test_recording_without_a_face_says_how_much_was_searched() -> None:
    verdict = recording_without_face(10, 85)
    assert (verdict.reason, verdict.details, verdict.end_slot) == (RejectionReason.NO_FACE, {"frames": 75}, 85)
