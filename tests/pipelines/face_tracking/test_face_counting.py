from __future__ import annotations

import numpy as np
import pytest

from pipelines.face_tracking.face_counting import find_faces, find_faces_beside, has_second_face, tile_sides
from tests.factories.face_frames import frame_with_faces


def test_faces_come_largest_first() -> None:
    boxes = find_faces(frame_with_faces(640, 360, [(150, 180, 80), (450, 180, 110)]))
    assert boxes.shape == (2, 4)
    assert boxes.dtype == np.float32
    assert (boxes[:, 0] + boxes[:, 2]) / 2 == pytest.approx([450, 150], abs=12)
    assert boxes[:, 3] - boxes[:, 1] == pytest.approx([110, 80], rel=0.15)


@pytest.mark.parametrize(
    ("width", "height", "face"), [(1920, 1080, (1500, 300, 60)), (1080, 1920, (500, 1500, 60)), (3840, 2160, (3000, 700, 64))]
)
def test_small_face_in_a_large_frame_is_found(width: int, height: int, face: tuple[int, int, int]) -> None:
    frame = frame_with_faces(width, height, [face])
    boxes = find_faces(frame)
    assert len(boxes) == 1
    assert (boxes[0, :2] + boxes[0, 2:]) / 2 == pytest.approx(face[:2], abs=face[2] / 2)
    assert len(find_faces_beside(frame, face[2])) == 1


def test_small_faces_are_left_out_on_request() -> None:
    assert len(find_faces(frame_with_faces(1920, 1080, [(1500, 300, 60)]), small_too=False)) == 0


def test_frame_without_a_face() -> None:
    frame = frame_with_faces(640, 360, [])
    assert find_faces(frame).shape == (0, 4)
    assert has_second_face(frame, find_faces(frame)) is None


@pytest.mark.parametrize(
    ("faces", "expected"),
    [([(320, 180, 100)], False), ([(150, 180, 90), (450, 180, 110)], True), ([(200, 180, 130), (500, 200, 45)], False)],
)
def test_second_face_counts_from_half_the_height_on(faces: list[tuple[float, float, int]], expected: bool) -> None:
    frame = frame_with_faces(640, 360, faces)
    assert has_second_face(frame, find_faces_beside(frame, 110)) is expected


@pytest.mark.parametrize("false_box", [(20, 200, 110, 290), (-90, -90, -10, -10)])
def test_what_a_closer_look_does_not_confirm_is_no_second_face(false_box: tuple[float, ...]) -> None:
    frame = frame_with_faces(640, 360, [(400, 180, 100)])
    boxes = np.concatenate([find_faces(frame), np.array([false_box], np.float32)])
    assert has_second_face(frame, boxes) is False


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    frame, other = frame_with_faces(640, 360, [(320, 180, 100)]), frame_with_faces(320, 240, [(100, 100, 60)])
    first = find_faces(frame).tobytes()
    find_faces(other)
    assert find_faces(frame).tobytes() == first


@pytest.mark.parametrize(
    ("width", "height", "sides"),
    [
        (256, 256, [256]),
        (640, 360, [640, 360]),
        (1920, 1080, [1920, 1080, 540]),
        (1080, 1080, [1080, 540]),
        (3840, 2160, [3840, 2160, 1080, 540]),
    ],
)
def test_tiles_get_smaller_until_the_smallest_face_is_findable(width: int, height: int, sides: list[int]) -> None:
    assert list(tile_sides(width, height)) == sides
