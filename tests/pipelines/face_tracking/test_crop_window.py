from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pipelines.face_tracking.crop_window import (
    CropWindow,
    annotated_window,
    clip_window,
    crop_frame,
    landmarks_to_crop,
    union_window,
)
from pipelines.face_tracking.tracking_region import Region
from storage_schemas.recordings import Recording

NAN_ROW = (np.nan,) * 4


def boxes_of(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    return np.array(rows, np.float32)


def recording(**window: float) -> Recording:
    return Recording.model_validate({"recording_id": "a", "video": "a.mp4", "speaker": "a", **window})


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_union_window_surrounds_all_boxes_with_more_room_above() -> None:
    window = union_window(boxes_of((500, 400, 600, 540), NAN_ROW, (520, 420, 640, 560)), 1920, 1080, 0.4)
    assert window.size_px == round(160 * 1.8)
    assert window.source == "tracked"
    assert 400 - window.y_px > window.y_px + window.size_px - 560 > 0
    assert window.x_px + window.size_px / 2 == pytest.approx(570, abs=1)


def test_scale_zooms_the_window() -> None:
    boxes = boxes_of((500, 400, 600, 540))
    assert union_window(boxes, 1920, 1080, 0.4, 1.2).size_px == pytest.approx(1.2 * union_window(boxes, 1920, 1080, 0.4).size_px, abs=1)


def test_window_of_a_large_face_is_limited_to_the_shorter_side() -> None:
    window = union_window(boxes_of((500, 100, 1300, 1000)), 1920, 1080, 0.4)
    assert (window.size_px, window.y_px) == (1080, 0)
    assert window.x_px <= 500
    assert window.x_px + 1080 >= 1300


def test_window_stays_inside_the_region_whose_pixels_there_are() -> None:
    region = Region(450, 350, 260, 260)
    window = union_window(boxes_of((500, 400, 600, 540), (520, 420, 640, 560)), 1920, 1080, 0.4, inside=region)
    assert region.contains(window.x_px, window.y_px, window.size_px, window.size_px)
    assert window.size_px == 260


@given(left=st.floats(-100, 600), top=st.floats(-100, 400), width=st.floats(1, 700), height=st.floats(1, 500), margin=st.floats(0, 1.5))
def test_window_lies_in_the_frame_whatever_the_boxes(left: float, top: float, width: float, height: float, margin: float) -> None:
    window = union_window(boxes_of((left, top, left + width, top + height)), 640, 360, margin)
    assert window.size_px >= 1
    assert Region(0, 0, 640, 360).contains(window.x_px, window.y_px, window.size_px, window.size_px)


@pytest.mark.parametrize("boxes", [np.empty((0, 4), np.float32), boxes_of(NAN_ROW, NAN_ROW)])
def test_window_without_any_face_is_an_error(boxes: NDArray[np.float32]) -> None:
    with pytest.raises(ValueError, match="at least one face box"):
        union_window(boxes, 640, 360, 0.4)


def test_annotated_window_is_scaled_to_this_resolution_and_made_square() -> None:
    annotated = recording(window_x_px=400, window_y_px=60, window_width_px=400, window_height_px=380, window_reference_height_px=720)
    assert annotated_window(annotated, 1920, 1080) == CropWindow(600, 75, 600, "annotated")


def test_annotation_without_a_reference_refers_to_this_resolution() -> None:
    annotated = recording(window_x_px=400, window_y_px=60, window_width_px=300, window_height_px=300)
    assert annotated_window(annotated, 1920, 1080) == CropWindow(400, 60, 300, "annotated")


def test_no_annotation_gives_the_tracked_window_without_a_note() -> None:
    window = clip_window(recording(), boxes_of((500, 400, 600, 540)), 1920, 1080, 0.4)
    assert (window.source, window.note) == ("tracked", "")
    assert annotated_window(recording(), 1920, 1080) is None


@pytest.mark.parametrize(
    ("x_px", "face", "source", "note"),
    [
        (400, (500, 200, 600, 340), "annotated", ""),
        (400, (1500, 200, 1600, 340), "tracked", "does not contain the face"),
        (1700, (500, 200, 600, 340), "tracked", "outside the 1920x1080 frame"),
    ],
)
def test_unusable_annotation_falls_back_to_tracking_and_says_why(x_px: int, face: tuple[float, ...], source: str, note: str) -> None:
    annotated = recording(window_x_px=x_px, window_y_px=60, window_width_px=400, window_height_px=400)
    window = clip_window(annotated, boxes_of(face), 1920, 1080, 0.4)
    assert window.source == source
    assert note in window.note


@pytest.mark.parametrize("size_px", [256, 300, 512])
def test_crop_is_the_same_from_the_frame_and_from_any_region(size_px: int) -> None:
    frame, window = noise(400, 600), CropWindow(120, 45, 300, "tracked")
    whole = crop_frame(frame, (0, 0), window, size_px)
    assert whole.shape == (size_px, size_px, 3)
    for region in (Region(120, 45, 300, 300), Region(101, 13, 333, 341), Region(7, 44, 500, 311)):
        for pixels in (region.cut(frame), region.view(frame)):
            assert crop_frame(pixels, (region.x_px, region.y_px), window, size_px).tobytes() == whole.tobytes()


def test_crop_of_equal_size_keeps_the_pixels_and_does_not_share_them() -> None:
    frame = noise(100, 120)
    crop = crop_frame(frame, (0, 0), CropWindow(10, 20, 64, "tracked"), 64)
    assert (crop == frame[20:84, 10:74]).all()
    assert not np.shares_memory(crop, frame)


@pytest.mark.parametrize("offset", [(11, 0), (0, 21), (-60, 0)])
def test_window_outside_the_region_is_an_error(offset: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not inside the region"):
        crop_frame(noise(100, 120), offset, CropWindow(10, 20, 64, "tracked"), 64)


@pytest.mark.parametrize("size_px", [128, 512])
def test_landmarks_fall_on_the_same_spot_of_the_crop(size_px: int) -> None:
    frame = np.zeros((400, 600, 3), np.uint8)
    frame[210:222, 300:312] = 255
    window = CropWindow(120, 45, 301, "tracked")
    crop = crop_frame(frame, (0, 0), window, size_px)[:, :, 0].astype(float)
    landmarks = np.array([[306, 216, 10], [np.nan] * 3], np.float32)
    mapped = landmarks_to_crop(landmarks, window, size_px)
    places = np.arange(size_px) + 0.5
    centre = (crop.sum(axis=0) @ places / crop.sum(), crop.sum(axis=1) @ places / crop.sum())
    assert mapped[0, :2] == pytest.approx(centre, abs=0.02)
    assert mapped[0, 2] == pytest.approx(10 * size_px / 301)
    assert np.isnan(mapped[1]).all()
    assert mapped.dtype == np.float32
