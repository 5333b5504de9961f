"""MediaPipe graphs that run in the calling thread: no thread pool, so one process per core does not oversubscribe the machine."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

_DETECTOR = "facedetectionshortrangecpu__facedetectionshortrange__facedetection__TensorsToDetectionsCalculator"
_MIN_CONFIDENCE = 0.5
"""MediaPipe's own default for finding and for keeping a face."""


def mediapipe_folder() -> Path:
    """Return the folder of the installed package, where the models from the wheel lie."""
    import mediapipe  # noqa: PLC0415 - takes seconds and prints; only the process that tracks pays for it

    return Path(str(mediapipe.__file__)).parent


def _calling_thread_graph(binary_graph: str, **options: Any) -> Any:  # noqa: ANN401 - MediaPipe has no types
    """Start a solution's graph with MediaPipe's executor that works in the thread which asks.

    Same bytes out as with the default pool of one thread per core, 10 % faster, and two processes do not share four busy threads.
    """
    from mediapipe.framework import calculator_pb2  # noqa: PLC0415
    from mediapipe.python.solution_base import SolutionBase  # noqa: PLC0415

    graph = calculator_pb2.CalculatorGraphConfig()
    graph.ParseFromString((mediapipe_folder() / binary_graph).read_bytes())
    graph.executor.add(name="", type="ApplicationThreadExecutor")
    return SolutionBase(graph_config=graph, **options)


def open_face_mesh_graph() -> Any:  # noqa: ANN401 - MediaPipe has no types
    """Start the graph behind `mediapipe.solutions.face_mesh.FaceMesh`: video mode, one face, refined landmarks."""
    return _calling_thread_graph(
        "modules/face_landmark/face_landmark_front_cpu.binarypb",
        side_inputs={"num_faces": 1, "with_attention": True, "use_prev_landmarks": True},
        calculator_params={
            f"{_DETECTOR}.min_score_thresh": _MIN_CONFIDENCE,
            "facelandmarkcpu__ThresholdingCalculator.threshold": _MIN_CONFIDENCE,
        },
        outputs=["multi_face_landmarks"],
    )


@cache
def face_detection_graph() -> Any:  # noqa: ANN401 - MediaPipe has no types
    """Return this process's graph behind `FaceDetection(model_selection=1)` (full range); it keeps no state between images."""
    from mediapipe.modules.face_detection import face_detection_pb2  # noqa: PLC0415

    return _calling_thread_graph(
        "modules/face_detection/face_detection_full_range_cpu.binarypb",
        graph_options=face_detection_pb2.FaceDetectionOptions(min_score_thresh=_MIN_CONFIDENCE),
        outputs=["detections"],
    )
