from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_tracking.crop_window import union_window
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.face_tracking.piece_judging import Piece, RejectedPiece
from pipelines.face_tracking.pieces import PieceTracker, TrackedFrame, TrackEvent, max_gap_slots
from pipelines.face_tracking.tracking_region import Region
from storage_schemas.build_spec import CropSettings, LandmarkSettings
from storage_schemas.rejections import RejectionReason
from tests.factories.face_frames import frame_with_faces

WIDTH, HEIGHT = 640, 360
FACE = (320.0, 180.0, 100)
SHOWN = frame_with_faces(WIDTH, HEIGHT, [FACE])
EMPTY = frame_with_faces(WIDTH, HEIGHT, [])
WHITE = np.full_like(SHOWN, 255)


def track(
    frames: Iterable[NDArray[np.uint8]], slots: Iterable[int] | None = None, must_show: Region | None = None, **crop: float | str
) -> list[TrackEvent]:
    settings = CropSettings.model_validate({"min_clip_s": 0.2, "min_detection_rate": 0.8, **crop})
    events: list[TrackEvent] = []
    numbered = enumerate(frames) if slots is None else zip(slots, frames, strict=True)
    with PieceTracker(settings, lambda: open_tracker(LandmarkSettings()), must_show) as tracker:
        for slot, rgb in numbered:
            events += tracker.feed(slot, rgb)
        return events + tracker.finish()


def ranges(events: list[TrackEvent]) -> list[tuple[int, int, str]]:
    ended = [event for event in events if not isinstance(event, TrackedFrame)]
    return [(each.start_slot, each.end_slot, "piece" if isinstance(each, Piece) else each.reason.value) for each in ended]


def only_piece(events: list[TrackEvent]) -> Piece:
    (piece,) = (event for event in events if not isinstance(event, TrackedFrame))
    assert isinstance(piece, Piece)
    return piece


def test_one_face_is_one_piece_with_arrays_of_its_slots() -> None:
    piece = only_piece(track([SHOWN] * 12))
    assert (piece.landmarks.shape, piece.landmarks.dtype) == ((12, 478, 3), np.float32)
    assert (piece.boxes.shape, piece.boxes.dtype) == ((12, 4), np.float32)
    assert piece.detected.all()
    assert not piece.held.any()
    assert (piece.counted_frames, piece.several_faces_frames) == (2, 0)


def test_pixels_come_with_every_frame_of_a_piece_and_before_it() -> None:
    events = track([EMPTY] * 2 + [SHOWN] * 10)
    piece = only_piece(events)
    frames = [event for event in events if isinstance(event, TrackedFrame)]
    assert events[-1] is piece
    assert [frame.slot for frame in frames] == piece.slots.tolist()
    assert all(frame.region == piece.region for frame in frames)
    assert (frames[3].pixels == piece.region.view(SHOWN)).all()
    window = union_window(piece.boxes, WIDTH, HEIGHT, 0.4, inside=piece.region)
    assert piece.region.contains(window.x_px, window.y_px, window.size_px, window.size_px)


def test_same_frames_give_equal_bytes() -> None:
    frames = [frame_with_faces(WIDTH, HEIGHT, [(300 + 3 * k, 180, 100)]) for k in range(12)]
    one, other = only_piece(track(frames)), only_piece(track(frames))
    assert one.landmarks.tobytes() == other.landmarks.tobytes()
    assert one.boxes.tobytes() == other.boxes.tobytes()


def test_face_that_goes_and_comes_back_gives_two_pieces() -> None:
    assert ranges(track([SHOWN] * 10 + [EMPTY] * 12 + [SHOWN] * 10)) == [(0, 10, "piece"), (22, 32, "piece")]


def test_short_loss_stays_in_the_piece_and_losses_at_its_ends_do_not() -> None:
    piece = only_piece(track([EMPTY] * 2 + [SHOWN] * 10 + [EMPTY] * 3 + [SHOWN] * 10 + [EMPTY] * 3))
    assert (piece.start_slot, piece.end_slot) == (2, 25)
    assert np.flatnonzero(~piece.detected).tolist() == [10, 11, 12]
    assert np.isnan(piece.landmarks[~piece.detected]).all()
    assert np.isnan(piece.boxes[~piece.detected]).all()
    assert not np.isnan(piece.landmarks[piece.detected]).any()


def test_cut_to_another_scene_ends_a_piece_even_with_a_face_at_the_same_place() -> None:
    other = frame_with_faces(WIDTH, HEIGHT, [FACE], 1, mirrored=True)
    assert ranges(track([SHOWN] * 10 + [other] * 10)) == [(0, 10, "piece"), (10, 20, "piece")]


@pytest.mark.parametrize("frames", [1, 3])
def test_white_flash_does_not_end_a_piece(frames: int) -> None:
    assert ranges(track([SHOWN] * 10 + [WHITE] * frames + [SHOWN] * 10)) == [(0, 20 + frames, "piece")]


def test_talking_and_moving_head_is_one_piece() -> None:
    frames = [frame_with_faces(WIDTH, HEIGHT, [(320 + 30 * np.sin(0.5 * k), 180 + 10 * np.sin(0.8 * k), 100)]) for k in range(30)]
    assert ranges(track(frames)) == [(0, 30, "piece")]


def test_face_that_jumps_or_changes_size_at_once_ends_a_piece() -> None:
    elsewhere = frame_with_faces(WIDTH, HEIGHT, [(420, 180, 100)])
    larger = frame_with_faces(WIDTH, HEIGHT, [(320, 180, 140)])
    assert ranges(track([SHOWN] * 10 + [elsewhere] * 10)) == [(0, 10, "piece"), (10, 20, "piece")]
    assert ranges(track([SHOWN] * 10 + [larger] * 10)) == [(0, 10, "piece"), (10, 20, "piece")]


def test_face_that_leaves_its_region_begins_another_piece_with_another_region() -> None:
    events = track([frame_with_faces(1280, HEIGHT, [(200 + 8 * k, 180, 80)]) for k in range(24)])
    pieces = [event for event in events if isinstance(event, Piece)]
    assert len(pieces) == 2
    assert pieces[0].end_slot == pieces[1].start_slot
    assert pieces[0].region != pieces[1].region


def test_piece_is_cut_at_the_longest_length() -> None:
    assert ranges(track([SHOWN] * 23, max_clip_s=0.4)) == [(0, 10, "piece"), (10, 20, "piece"), (20, 23, "too_short")]


def test_slots_left_out_are_held() -> None:
    piece = only_piece(track([SHOWN] * 8, slots=range(0, 16, 2)))
    assert (piece.start_slot, piece.end_slot) == (0, 15)
    assert np.flatnonzero(piece.held).tolist() == list(range(1, 15, 2))
    assert (piece.landmarks[1] == piece.landmarks[0]).all()


@pytest.mark.parametrize(("left_out", "expected"), [(5, [(3, 28, "piece")]), (6, [(3, 13, "piece"), (19, 29, "piece")])])
def test_stream_that_stops_for_too_long_ends_a_piece(left_out: int, expected: list[tuple[int, int, str]]) -> None:
    slots = list(range(3, 13)) + list(range(13 + left_out, 23 + left_out))
    assert ranges(track([SHOWN] * 20, slots=slots)) == expected


def test_two_faces_are_rejected_or_the_larger_one_is_kept() -> None:
    both = frame_with_faces(WIDTH, HEIGHT, [(150, 180, 80), (450, 180, 110)])
    (rejected,) = (event for event in track([both] * 25) if isinstance(event, RejectedPiece))
    assert rejected.reason is RejectionReason.SEVERAL_FACES
    assert rejected.details == {"counted_frames": 3, "several_faces_frames": 3}
    assert only_piece(track([both] * 25, several_faces="largest")).boxes[:, 0].min() > 320


def test_recording_without_a_face() -> None:
    (rejected,) = track([EMPTY] * 12)
    assert isinstance(rejected, RejectedPiece)
    assert (rejected.reason, rejected.start_slot, rejected.end_slot) == (RejectionReason.NO_FACE, 0, 12)


def test_small_face_in_a_large_frame_is_followed_at_its_place() -> None:
    frames = [frame_with_faces(1920, 1080, [(1400 + 2 * k, 300, 60)]) for k in range(10)]
    piece = only_piece(track(frames))
    assert piece.region.width_px < 500
    assert piece.boxes[:, 0] + piece.boxes[:, 2] == pytest.approx([2 * (1400 + 2 * k) for k in range(10)], abs=20)


def test_face_under_the_smallest_size_is_rejected() -> None:
    assert ranges(track([frame_with_faces(WIDTH, HEIGHT, [(320, 180, 40)])] * 10)) == [(0, 10, "face_too_small")]


def test_region_shows_an_annotated_window() -> None:
    window = Region(700, 200, 300, 300)
    piece = only_piece(track([frame_with_faces(1920, 1080, [(900, 300, 60)])] * 6, must_show=window))
    assert piece.region.contains(700, 200, 300, 300)
    assert piece.region.width_px < 1000


def test_empty_stream_has_no_face() -> None:
    assert ranges(track([])) == [(0, 0, "no_face")]


@pytest.mark.parametrize(("max_gap_s", "slots"), [(0.2, 5), (0, 0), (0.239, 5), (0.24, 6), (1.0, 25)])
def test_longest_gap_in_slots(max_gap_s: float, slots: int) -> None:
    assert max_gap_slots(CropSettings(max_gap_s=max_gap_s)) == slots
