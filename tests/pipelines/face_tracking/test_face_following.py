from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_tracking.face_following import FaceFollower, Sighting
from pipelines.face_tracking.landmark_models import FaceTracker, open_tracker
from storage_schemas.build_spec import LandmarkSettings
from tests.factories.face_frames import frame_with_faces

FACE = (320.0, 180.0, 100)


class CountedTrackers:
    """Opens trackers and counts them; can be told to see nothing in some frames."""

    def __init__(self) -> None:
        self.opened: list[FaceTracker] = []

    def __call__(self) -> FaceTracker:
        self.opened.append(open_tracker(LandmarkSettings()))
        return self.opened[-1]


def follow(frames: list[NDArray[np.uint8]], trackers: CountedTrackers | None = None) -> list[Sighting]:
    with FaceFollower(trackers or CountedTrackers()) as follower:
        return [follower.follow(slot, rgb) for slot, rgb in enumerate(frames)]


def test_still_face_needs_one_tracker_and_is_counted_three_times_in_a_second() -> None:
    trackers = CountedTrackers()
    sightings = follow([frame_with_faces(640, 360, [FACE])] * 25, trackers)
    assert len(trackers.opened) == 1
    assert [each.slot for each in sightings if each.several is not None] == [0, 10, 20]
    assert len({each.region for each in sightings}) == 1
    assert not any(each.is_other_face or each.several for each in sightings)


def test_landmarks_are_in_pixels_of_the_whole_frame() -> None:
    sighting = follow([frame_with_faces(1920, 1080, [(1500, 300, 80)])])[0]
    assert sighting.region.width_px < 400
    assert sighting.box is not None
    assert sighting.landmarks is not None
    assert sighting.landmarks[:468, :2].min(axis=0) == pytest.approx(sighting.box[:2])
    assert (sighting.box.left + sighting.box.right) / 2 == pytest.approx(1500, abs=15)
    assert (sighting.pixels == sighting.region.view(frame_with_faces(1920, 1080, [(1500, 300, 80)]))).all()


def test_region_moves_with_a_face_that_comes_near_its_edge() -> None:
    sightings = follow([frame_with_faces(1280, 360, [(200 + 8 * k, 180, 80)]) for k in range(30)])
    assert all(each.landmarks is not None and not each.is_other_face for each in sightings)
    assert 2 <= len({each.region for each in sightings}) <= 4
    assert all(each.region.box.shared_area(each.box) == pytest.approx(each.box.area) for each in sightings if each.box)


def test_short_loss_keeps_the_region_and_is_found_again_with_a_fresh_tracker() -> None:
    trackers = CountedTrackers()
    shown, empty = frame_with_faces(640, 360, [FACE]), frame_with_faces(640, 360, [])
    sightings = follow([shown] * 4 + [empty] * 3 + [shown] * 4, trackers)
    assert [each.landmarks is not None for each in sightings] == [True] * 4 + [False] * 3 + [True] * 4
    assert len({each.region for each in sightings}) == 1
    assert not any(each.is_other_face for each in sightings)
    assert len(trackers.opened) >= 2


def test_face_at_another_place_is_another_face() -> None:
    frames = [frame_with_faces(640, 360, [FACE])] * 4 + [frame_with_faces(640, 360, [(150, 180, 100)])] * 4
    assert [each.is_other_face for each in follow(frames)] == [False] * 4 + [True] + [False] * 3


def test_face_that_leaves_the_frame_is_lost_before_it_is_guessed() -> None:
    sightings = follow([frame_with_faces(640, 360, [(560 + 10 * k, 180, 100)]) for k in range(14)])
    assert sightings[0].landmarks is not None
    assert sightings[-1].landmarks is None
    assert all(each.box.right < 640 + 0.3 * each.box.width for each in sightings if each.box)


def test_largest_of_two_faces_is_followed() -> None:
    sightings = follow([frame_with_faces(640, 360, [(150, 180, 80), (450, 180, 110)])] * 3)
    assert all(each.box is not None and each.box.left > 320 for each in sightings)
    assert sightings[0].several is True


def test_much_larger_face_takes_over_after_two_counts() -> None:
    small, both = [(150.0, 180.0, 80)], [(150.0, 180.0, 80), (450.0, 180.0, 120)]
    sightings = follow([frame_with_faces(640, 360, small)] * 5 + [frame_with_faces(640, 360, both)] * 30)
    switched = [each.slot for each in sightings if each.is_other_face]
    assert switched == [20]
    assert all(each.box is not None and (each.box.left > 320) == (each.slot >= 20) for each in sightings)
