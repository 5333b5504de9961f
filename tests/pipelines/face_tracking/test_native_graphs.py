from __future__ import annotations

import threading

import numpy as np
import psutil

from pipelines.face_tracking.native_graphs import face_detection_graph, mediapipe_folder, open_face_mesh_graph
from tests.factories.face_frames import frame_with_faces

FRAME = frame_with_faces(320, 240, [(160, 120, 90)])


def test_answers_are_those_of_the_solution() -> None:
    from mediapipe.python.solutions.face_detection import FaceDetection  # noqa: PLC0415
    from mediapipe.python.solutions.face_mesh import FaceMesh  # noqa: PLC0415

    frames = [frame_with_faces(320, 240, [(150 + 4 * k, 120, 90)]) for k in range(4)]
    with FaceMesh(max_num_faces=1, refine_landmarks=True) as mesh, FaceDetection(model_selection=1) as detection:
        expected = [mesh.process(rgb).multi_face_landmarks[0].SerializeToString() for rgb in frames]
        expected_box = detection.process(FRAME).detections[0].SerializeToString()
    graph = open_face_mesh_graph()
    assert [graph.process(rgb)[0].SerializeToString() for rgb in frames] == expected
    graph.close()
    assert face_detection_graph().process(FRAME)[0].SerializeToString() == expected_box


def test_no_face_gives_no_message() -> None:
    graph = open_face_mesh_graph()
    assert graph.process(np.zeros((64, 64, 3), np.uint8)) == []
    graph.close()


def test_frame_stays_writable_for_its_owner() -> None:
    frame = FRAME.copy()
    face_detection_graph().process(frame)
    assert frame.flags.writeable
    assert (frame == FRAME).all()


def test_graphs_start_no_threads_of_python_and_share_the_detector() -> None:
    before = threading.active_count()
    graph = open_face_mesh_graph()
    graph.process(FRAME)
    assert threading.active_count() == before
    graph.close()
    assert face_detection_graph() is face_detection_graph()


def test_closing_gives_the_memory_back() -> None:
    def open_and_close(times: int) -> int:
        for _ in range(times):
            graph = open_face_mesh_graph()
            graph.process(FRAME)
            graph.close()
        return int(psutil.Process().memory_info().rss)

    before = open_and_close(5)
    assert open_and_close(20) - before < 30e6  # it was 3 MB each


def test_models_lie_in_the_installed_package() -> None:
    assert (mediapipe_folder() / "modules" / "face_landmark" / "face_landmark_with_attention.tflite").is_file()
