"""Tracking on real recordings; the figures they must keep."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_tracking.crop_window import CropWindow, landmarks_to_crop, union_window
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.face_tracking.piece_judging import Piece, RejectedPiece
from pipelines.face_tracking.pieces import PieceTracker, TrackedFrame
from storage_schemas.build_spec import CropSettings, LandmarkSettings, SeveralFaces
from storage_schemas.rejections import RejectionReason

ONE_FACE = [
    "grid_bbaf2n_360x288.mpg",
    "hdtf_WDA_KatieHill_000_512.mp4",
    "latentsync_demo1_1080x1920_hevc.mp4",
    "may_5s_512.mp4",
    "mead_M030_sad_level3_001_1080p.mp4",
    "mead_style_clip_male_256.mp4",
    "retalking_1_700_vfr.mp4",
    "retalking_2_844.mp4",
    "styletalk_KristiNoem_256_30fps.mov",
]
TWO_FACES = "hard_two_faces_learning2listen_ex_1.mp4"


def slots_of(path: Path) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield (slot, frame) for the first frame of each slot; enough for tracking."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        first, last = None, -1
        for frame in container.decode(stream):
            first = frame.pts if first is None else first
            slot = int((frame.pts - first) * stream.time_base * 25 + Fraction(1, 2))
            if slot > last:
                last = slot
                yield slot, frame.to_ndarray(format="rgb24")


def results(path: Path, crop: CropSettings) -> tuple[list[Piece | RejectedPiece], tuple[int, int]]:
    with PieceTracker(crop, lambda: open_tracker(LandmarkSettings())) as tracker:
        events = []
        for slot, rgb in slots_of(path):
            size = rgb.shape[1], rgb.shape[0]
            events += tracker.feed(slot, rgb)
        events += tracker.finish()
    return [event for event in events if not isinstance(event, TrackedFrame)], size


def check_head_is_inside(piece: Piece, window: CropWindow) -> None:
    """Check that the face is well inside, with a fifth of it above for the hair unless the source itself ends there."""
    crop = landmarks_to_crop(piece.landmarks[:, :468], window, 512)[:, :, :2]
    assert np.nanmin(crop) > 0
    assert np.nanmax(crop) < 512
    room_above = np.nanmin(crop[:, :, 1])
    assert room_above > 0.2 * np.nanmedian(np.ptp(crop[:, :, 1], axis=1)) or window.y_px == 0
    assert piece.region.contains(window.x_px, window.y_px, window.size_px, window.size_px)


@pytest.mark.parametrize("name", ONE_FACE)
def test_recording_of_one_face_is_one_piece(shared_data: Path, name: str) -> None:
    ended, (width, height) = results(shared_data / "clips" / name, CropSettings())
    (piece,) = ended
    assert isinstance(piece, Piece)
    assert piece.detection_rate == 1.0
    assert piece.several_faces_frames == 0
    check_head_is_inside(piece, union_window(piece.boxes, width, height, CropSettings().margin, inside=piece.region))


def test_recording_of_two_faces_follows_the_policy(shared_data: Path) -> None:
    (rejected,), _ = results(shared_data / "clips" / TWO_FACES, CropSettings())
    assert isinstance(rejected, RejectedPiece)
    assert rejected.reason is RejectionReason.SEVERAL_FACES
    (piece,), (width, height) = results(shared_data / "clips" / TWO_FACES, CropSettings(several_faces=SeveralFaces.LARGEST))
    assert isinstance(piece, Piece)
    assert np.nanmin(piece.boxes[:, 0]) > 960
    check_head_is_inside(piece, union_window(piece.boxes, width, height, CropSettings().margin, inside=piece.region))
