"""Landmark models: FaceMesh from the MediaPipe wheel and FaceLandmarker (Tasks API) behind one interface."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.native_graphs import mediapipe_folder, open_face_mesh_graph
from storage_schemas.build_spec import LandmarkModel, LandmarkSettings
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import file_sha256
from storage_schemas.part_layout import LANDMARK_COUNT

WARM_UP_FEEDS = 5
"""How often the first frame is fed before its answer counts; then a still face moves by at most 0.15 % of its height (10 real clips)."""

_TASK_FRAME_MS = 40
_TASK_MEMBERS = ("face_detector.tflite", "face_landmarks_detector.tflite")
_WHEEL_MODELS = (
    "modules/face_detection/face_detection_full_range_sparse.tflite",
    "modules/face_detection/face_detection_short_range.tflite",
    "modules/face_landmark/face_landmark_with_attention.tflite",
)
# One NormalizedLandmark on the wire: field header and length, then x, y, z as three float32 fields.
_LANDMARK_ON_WIRE = np.dtype([("head", "V2"), ("tag_x", "u1"), ("x", "<f4"), ("tag_y", "u1"), ("y", "<f4"), ("tag_z", "u1"), ("z", "<f4")])


class FaceTracker(Protocol):
    """Follows one face through the frames of one recording; holds state, so it is never reused for another."""

    def track(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Return the landmarks of the face in the next frame.

        Args:
            rgb: (height, width, 3) uint8, C-contiguous; every frame of one tracker has the same size.

        Returns:
            (478, 3) float32 in pixels of `rgb` (x right, y down, z towards the back in the scale of x); None without a face.
        """
        ...

    def close(self) -> None:
        """Free the native graph."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class _WarmedUpTracker:
    """What both adapters share: feeding the first frame several times, and closing once."""

    def __init__(self, native: Any) -> None:  # noqa: ANN401 - MediaPipe has no types
        self._native = native
        self._is_warm = False

    def _detect(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        raise NotImplementedError

    def track(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """See `FaceTracker.track`."""
        landmarks = self._detect(rgb)
        if not self._is_warm and landmarks is not None:
            # The tracker settles on a face over its first frames; without this the start of every clip would drift.
            self._is_warm = True
            for _ in range(WARM_UP_FEEDS - 1):
                landmarks = self._detect(rgb)
        return landmarks

    def close(self) -> None:
        """Free the native graph; closing twice is harmless."""
        if self._native is not None:
            self._native.close()
            self._native = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class FaceMeshTracker(_WarmedUpTracker):
    """FaceMesh with refined landmarks from the MediaPipe 0.10.21 wheel (`mediapipe.solutions.face_mesh`), in video mode."""

    def __init__(self) -> None:
        super().__init__(open_face_mesh_graph())

    def _detect(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        faces = self._native.process(rgb)
        return _in_pixels(_read_landmarks(faces[0]), rgb) if faces else None


class FaceLandmarkerTracker(_WarmedUpTracker):
    """FaceLandmarker of the Tasks API in VIDEO mode, with a model file that the user names.

    Raises:
        BadInputError: the file is missing or is not a FaceLandmarker model.
    """

    def __init__(self, task_file: Path) -> None:
        super().__init__(_create_landmarker(_checked_task_file(task_file)))
        self._timestamp_ms = 0

    def _detect(self, rgb: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        import mediapipe as mp  # noqa: PLC0415

        # Own timestamps: the Tasks API needs strictly rising ones, which those of a container are not.
        self._timestamp_ms += _TASK_FRAME_MS
        faces = self._native.detect_for_video(mp.Image(mp.ImageFormat.SRGB, rgb), self._timestamp_ms).face_landmarks
        if not faces:
            return None
        return _in_pixels(np.array([(point.x, point.y, point.z) for point in faces[0]], dtype=np.float32), rgb)


def open_tracker(settings: LandmarkSettings) -> FaceTracker:
    """Return a fresh tracker for one recording; use it as a context manager.

    Raises:
        BadInputError: `face_landmarker` is asked for and its task file is missing or unsuitable.
    """
    if settings.model is LandmarkModel.FACE_LANDMARKER:
        return FaceLandmarkerTracker(Path(settings.task_file))
    return FaceMeshTracker()


def landmark_model_hashes(settings: LandmarkSettings) -> dict[str, str]:
    """Return the SHA-256 of each model file that decides landmarks and face counts, by file name, sorted.

    Raises:
        BadInputError: `face_landmarker` is asked for and its task file is missing or unsuitable.
    """
    counting, *face_mesh = (mediapipe_folder() / name for name in _WHEEL_MODELS)
    is_task = settings.model is LandmarkModel.FACE_LANDMARKER
    files = [counting, _checked_task_file(Path(settings.task_file))] if is_task else [counting, *face_mesh]
    return {path.name: file_sha256(path) for path in sorted(files, key=lambda path: path.name)}


def _read_landmarks(message: Any) -> NDArray[np.float32]:  # noqa: ANN401 - MediaPipe has no types
    """Return a NormalizedLandmarkList as (478, 3) float32; reading the wire format is 20 times faster than 1434 attributes."""
    wire = message.SerializeToString()
    if len(wire) == LANDMARK_COUNT * _LANDMARK_ON_WIRE.itemsize:
        points = np.frombuffer(wire, _LANDMARK_ON_WIRE)
        if (points["tag_x"] == 0x0D).all() and (points["tag_y"] == 0x15).all() and (points["tag_z"] == 0x1D).all():
            return np.stack([points["x"], points["y"], points["z"]], axis=1)
    return np.array([(point.x, point.y, point.z) for point in message.landmark], dtype=np.float32)


def _in_pixels(landmarks: NDArray[np.float32], rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scale (478, 3) from shares of the image to pixels; z is in the scale of x (google-ai-edge/mediapipe#1582)."""
    height, width = rgb.shape[:2]
    return landmarks * np.array([width, height, width], dtype=np.float32)


def _checked_task_file(path: Path) -> Path:
    """Return the path of a FaceLandmarker model, or raise BadInputError that says how to get one."""
    remedy = "give the path of a face_landmarker.task (MediaPipe's model page has it) or use landmarks.model: face_mesh"
    if path == Path():
        raise BadInputError(f"landmarks.task_file is empty but landmarks.model is face_landmarker; {remedy}")
    if not path.is_file():
        raise BadInputError(f"landmarks.task_file {str(path)!r} is not a file; {remedy}")
    try:
        with zipfile.ZipFile(path) as archive:
            missing = sorted(set(_TASK_MEMBERS) - set(archive.namelist()))
    except (zipfile.BadZipFile, OSError) as error:
        raise BadInputError(f"landmarks.task_file {str(path)!r} is not a MediaPipe task file ({error}); {remedy}") from error
    if missing:
        raise BadInputError(f"landmarks.task_file {str(path)!r} lacks {', '.join(missing)}: it is a model for another task; {remedy}")
    return path


def _create_landmarker(path: Path) -> Any:  # noqa: ANN401 - MediaPipe has no types
    from mediapipe.tasks.python import BaseOptions, vision  # noqa: PLC0415

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=path.read_bytes()), running_mode=vision.RunningMode.VIDEO, num_faces=1
    )
    try:
        return vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise BadInputError(f"landmarks.task_file {str(path)!r} cannot be used as a FaceLandmarker model: {error}") from error
