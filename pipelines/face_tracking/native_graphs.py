"""MediaPipe graphs that run in the calling thread: no thread pool, so one process per core does not oversubscribe the machine.

The graphs are those behind `mediapipe.solutions` 0.10.21 and give the same bytes. They are driven directly because a solution starts one
thread per core and makes a new class for every frame, which costs a tenth of its time.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FRAME_US = 33_333
"""Step of the made-up timestamps; MediaPipe's own for solutions."""
_MIN_CONFIDENCE = 0.5


def mediapipe_folder() -> Path:
    """Return the folder of the installed package, where the models from the wheel lie."""
    import mediapipe  # noqa: PLC0415 - takes seconds; only the process that tracks pays for it

    return Path(str(mediapipe.__file__)).parent


class ImageGraph:
    """A running graph that takes one image at a time. One process may have several, but all in one thread."""

    def __init__(self, config: Any, output: str, side_packets: dict[str, Any]) -> None:  # noqa: ANN401 - MediaPipe has no types
        import mediapipe as mp  # noqa: PLC0415
        from mediapipe.python._framework_bindings import resource_util  # noqa: PLC0415

        resource_util.set_resource_dir(str(mediapipe_folder().parent))
        config.executor.add(name="", type="ApplicationThreadExecutor")
        self._mediapipe = mp
        self._outputs: list[Any] = []
        self._timestamp_us = 0
        self._graph = mp.CalculatorGraph(graph_config=config)
        self._graph.observe_output_stream(output, lambda _name, packet: self._outputs.append(packet), True)
        self._graph.start_run(side_packets)

    def process(self, rgb: NDArray[np.uint8]) -> list[Any]:
        """Return the messages that the graph gives for an image, none where it sees no face.

        Args:
            rgb: (height, width, 3) uint8, C-contiguous; read in place.
        """
        self._outputs.clear()
        self._timestamp_us += _FRAME_US
        # A read-only view is taken by reference; a writable array would be copied.
        view = rgb.view()
        view.flags.writeable = False
        packet = self._mediapipe.packet_creator.create_image_frame(view, image_format=self._mediapipe.ImageFormat.SRGB)
        self._graph.add_packet_to_input_stream("image", packet.at(self._timestamp_us))
        self._graph.wait_until_idle()
        if not self._outputs or self._outputs[0].is_empty():
            return []
        return list(self._mediapipe.packet_getter.get_proto_list(self._outputs[0]))

    def close(self) -> None:
        """Stop the graph and free it; closing twice is harmless."""
        if self._graph is not None:
            self._graph.close()
        # The graph holds its observer, which holds this object: a circle that Python's collector does not see, 3 MB each time.
        self._graph = None


def open_face_mesh_graph() -> ImageGraph:
    """Start the graph behind `FaceMesh(max_num_faces=1, refine_landmarks=True)` in video mode; it gives NormalizedLandmarkLists."""
    from mediapipe.python import packet_creator  # noqa: PLC0415

    # The thresholds in the graph are those of the solution, 0.5.
    side_packets = {
        "num_faces": packet_creator.create_int(1),
        "with_attention": packet_creator.create_bool(True),
        "use_prev_landmarks": packet_creator.create_bool(True),
    }
    return ImageGraph(_config("modules/face_landmark/face_landmark_front_cpu.binarypb"), "multi_face_landmarks", side_packets)


@cache
def face_detection_graph() -> ImageGraph:
    """Return this process's graph behind `FaceDetection(model_selection=1)`, full range; it keeps no state between images."""
    from mediapipe.modules.face_detection import face_detection_pb2  # noqa: PLC0415

    config = _config("modules/face_detection/face_detection_full_range_cpu.binarypb")
    config.graph_options.add().Pack(face_detection_pb2.FaceDetectionOptions(min_score_thresh=_MIN_CONFIDENCE))
    return ImageGraph(config, "detections", {})


def _config(binary_graph: str) -> Any:  # noqa: ANN401 - MediaPipe has no types
    from mediapipe.framework import calculator_pb2  # noqa: PLC0415

    config = calculator_pb2.CalculatorGraphConfig()
    config.ParseFromString((mediapipe_folder() / binary_graph).read_bytes())
    return config
