from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.face_tracking.landmark_models import FaceTracker, landmark_model_hashes, open_tracker
from storage_schemas.build_spec import LandmarkModel, LandmarkSettings
from storage_schemas.errors import BadInputError
from tests.factories.face_frames import frame_with_faces

FRAMES = [frame_with_faces(320, 240, [(150 + 3 * k, 120, 90)]) for k in range(6)]
FACE_MESH = LandmarkSettings()


def track_all(tracker: FaceTracker, frames: list[NDArray[np.uint8]]) -> NDArray[np.float32]:
    found = [tracker.track(rgb) for rgb in frames]
    return np.stack([np.full((478, 3), np.nan, np.float32) if each is None else each for each in found])


@pytest.fixture
def face_landmarker(shared_data: Path) -> LandmarkSettings:
    return LandmarkSettings(model=LandmarkModel.FACE_LANDMARKER, task_file=str(shared_data / "models" / "face_landmarker.task"))


def check_tracker(settings: LandmarkSettings) -> None:
    runs = []
    for _ in range(2):
        with open_tracker(settings) as tracker:
            runs.append(track_all(tracker, FRAMES))
    assert runs[0].tobytes() == runs[1].tobytes()
    assert runs[0].dtype == np.float32
    nose_tip, chin = runs[0][:, 1], runs[0][:, 152]
    assert nose_tip[:, 0] == pytest.approx([150 + 3 * k for k in range(6)], abs=12)
    assert (chin[:, 1] > nose_tip[:, 1]).all()
    assert np.abs(runs[0][:, :, 2]).max() < 120


def test_face_mesh_gives_equal_bytes_from_fresh_trackers() -> None:
    check_tracker(FACE_MESH)


def test_face_landmarker_gives_equal_bytes_from_fresh_trackers(face_landmarker: LandmarkSettings) -> None:
    check_tracker(face_landmarker)


def test_tracker_is_warm_at_the_first_frame() -> None:
    with open_tracker(FACE_MESH) as tracker:
        still = track_all(tracker, [FRAMES[0]] * 10)
    assert np.abs(still[0] - still[-1])[:, :2].mean() < 0.25


def test_tracker_warms_up_on_the_first_face_and_not_on_an_empty_frame() -> None:
    empty = frame_with_faces(320, 240, [])
    with open_tracker(FACE_MESH) as tracker:
        assert tracker.track(empty) is None
        first = tracker.track(FRAMES[0])
    with open_tracker(FACE_MESH) as tracker:
        alone = tracker.track(FRAMES[0])
    assert first is not None
    assert alone is not None
    assert first.tobytes() == alone.tobytes()


def test_closing_twice_is_harmless() -> None:
    tracker = open_tracker(FACE_MESH)
    tracker.close()
    tracker.close()


def test_model_hashes_name_the_files_that_decide_landmarks(face_landmarker: LandmarkSettings) -> None:
    mesh, task = landmark_model_hashes(FACE_MESH), landmark_model_hashes(face_landmarker)
    assert mesh["face_landmark_with_attention.tflite"] == "e06a804e0144f9929eda782122916b35d60c697c3c9344013ca2bbe76a6ce2b4"
    assert list(mesh) == sorted(mesh)
    assert set(task) == {"face_detection_full_range_sparse.tflite", "face_landmarker.task"}


def task_file(tmp_path: Path, kind: str) -> str:
    path = tmp_path / "model.task"
    if kind == "text":
        path.write_text("no model")
    if kind == "other model":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hand_detector.tflite", b"")
    if kind == "broken model":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("face_detector.tflite", b"x" * 64)
            archive.writestr("face_landmarks_detector.tflite", b"x" * 64)
    return "" if kind == "empty" else str(path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("empty", "is empty but"),
        ("missing", "is not a file"),
        ("text", "is not a MediaPipe task file"),
        ("other model", "model for another task"),
        ("broken model", "cannot be used"),
    ],
)
def test_unsuitable_task_file_is_bad_input_with_a_remedy(tmp_path: Path, kind: str, message: str) -> None:
    settings = LandmarkSettings(model=LandmarkModel.FACE_LANDMARKER, task_file=task_file(tmp_path, kind))
    with pytest.raises(BadInputError, match=message) as error:
        open_tracker(settings)
    assert "task_file" in str(error.value)
