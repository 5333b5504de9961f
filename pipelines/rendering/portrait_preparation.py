"""From a picture file to a portrait that frames are made of: one upright face, where the generator expects it, with coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.basis import FaceModel
from pipelines.face_model.clip_fitting import ClipFit, ClipFitter
from pipelines.face_model.fitting import FitSettings
from pipelines.face_tracking.boxes import Box
from pipelines.face_tracking.crop_window import union_window
from pipelines.face_tracking.face_counting import find_faces, has_second_face
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.face_tracking.tracking_region import choose_region
from pipelines.rendering.portrait_frame import FacePlace, SquareWindow, cut_window, pose_in_window, window_for
from pipelines.video.still_images import STILL_FORMATS, read_still
from storage_schemas.build_spec import CropSettings, LandmarkSettings, LimitSettings
from storage_schemas.errors import BadInputError, ItemRejectedError
from storage_schemas.rejections import RejectionReason

Float32Array = NDArray[np.float32]

MIN_FACE_PX = 48
LEAST_SIDE_PX = 16
_ROLL = 2
_LARGEST_SEARCHED_PX = 4096
"""Larger pictures are shrunk before faces are looked for; a face of less than a fortieth of their side is not a portrait's."""
_STILL_FRAMES = 12  # a fit wants a clip of so many
_REMEDIES = {
    RejectionReason.NOT_MEDIA: f"give a picture of one of the formats {', '.join(STILL_FORMATS)}",
    RejectionReason.TRUNCATED_FILE: "copy the file again",
    RejectionReason.DIMENSIONS_OUT_OF_RANGE: "resize it",
}


@dataclass(frozen=True, eq=False)
class Portrait:
    """A picture of one face, ready for a generator.

    Attributes:
        name: of the file.
        surrounded: (size + 2 surroundings, likewise, 3) uint8, upright, the face placed as asked for in the square in the middle.
        identity: (identity modes,) float32 alpha.
        beta: (64,) float32 expression.
        rho: (6,) float32 pose in `rgb`.
        landmarks: (478, 3) float32 in pixels of `rgb`.
        face_model: id of the face model of the coefficients.
        window: square of the picture that `rgb` shows.
        dataset_window: square that a dataset build would cut out of the picture; coefficients drawn for this portrait are of it.
        edge_share: share of `rgb`, 0..1, that lay beyond the picture and repeats its edge.
        surroundings_px: of `surrounded`.
        quarter_turns: how often the picture was turned by 90 degrees clockwise until the face was upright; windows are of the turned one.
    """

    name: str
    surrounded: NDArray[np.uint8]
    identity: Float32Array
    beta: Float32Array
    rho: Float32Array
    landmarks: Float32Array
    face_model: str
    window: SquareWindow
    dataset_window: SquareWindow
    edge_share: float
    surroundings_px: int = 0
    quarter_turns: int = 0

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(size, size, 3) uint8, the portrait without its surroundings."""
        margin, side = self.surroundings_px, len(self.surrounded)
        return self.surrounded[margin : side - margin, margin : side - margin]

    @property
    def dataset_rho(self) -> Float32Array:
        """(6,) pose in the square that a dataset build would cut out, e.g. as the start of a pose that is drawn."""
        return pose_in_window(self.rho.astype(np.float64), self.window, self.dataset_window).astype(np.float32)

    def placed(self, dataset_rho: Float32Array) -> Float32Array:
        """Return poses (..., 6) of the square of a dataset build as they are in `rgb`."""
        return pose_in_window(dataset_rho.astype(np.float64), self.dataset_window, self.window).astype(np.float32)

    def summary(self) -> dict[str, Any]:
        """Return what was found as JSON values: window in pixels of the picture, angles in degrees, share beyond its edges."""
        pitch, yaw, roll = np.degrees(self.rho[:3].astype(np.float64)).round(1).tolist()
        return {
            "name": self.name,
            "window_px": [self.window.x_px, self.window.y_px, self.window.size_px],
            "beyond_edges_share": round(self.edge_share, 4),
            "pitch_deg": pitch, "yaw_deg": yaw, "roll_deg": roll,
            "face_model": self.face_model,
        }  # fmt: skip


@dataclass(frozen=True)
class _TrackedFace:
    rgb: NDArray[np.uint8]
    landmarks: Float32Array  # (478, 3) pixels of the picture
    window: SquareWindow  # that of a dataset build


def prepare_portrait(
    path: Path,
    face_model: FaceModel,
    size_px: int,
    place: FacePlace | None = None,
    *,
    min_face_px: int = MIN_FACE_PX,
    landmark_settings: LandmarkSettings | None = None,
) -> Portrait:
    """Read a picture file, check that it shows one face, and fit the face model to it.

    Args:
        path: a still picture; its EXIF rotation is applied, grey and 16-bit become 8-bit RGB, what is transparent becomes black.
        face_model: that of the generator's dataset.
        size_px: side of the result, without surroundings.
        place: where the face shall lie, and how much around it goes with it; None: as in a dataset build of this picture alone.
        min_face_px: lowest face, eyebrows to chin.
        landmark_settings: which tracker.

    Raises:
        BadInputError: no picture, or no face, several faces, a face that is too small or cannot be fitted; names file and remedy.
    """
    rgb = _read(path)
    settings = landmark_settings or LandmarkSettings()
    face = _track(path, rgb, min_face_px, settings)
    fit = _fit(path, face, face_model)
    quarter_turns = round(float(fit.pose[0, _ROLL]) / (np.pi / 2))
    if quarter_turns:
        # A picture that lies on its side and does not say so.
        rgb = np.ascontiguousarray(np.rot90(rgb, -quarter_turns))
        face = _track(path, rgb, min_face_px, settings)
        fit = _fit(path, face, face_model)
    rho = fit.pose[0].astype(np.float64)
    window = face.window if place is None else window_for(rho, face.window, place)
    origin = np.array([window.x_px, window.y_px, 0], np.float32)
    height_px, width_px = rgb.shape[:2]
    around = 0.0 if place is None else place.surroundings
    margin_px = round(around * size_px)
    return Portrait(
        name=path.name,
        surrounded=cut_window(rgb, window.enlarged(around), size_px + 2 * margin_px),
        surroundings_px=margin_px,
        identity=fit.identity,
        beta=fit.expression[0],
        rho=pose_in_window(rho, face.window, window).astype(np.float32),
        landmarks=(face.landmarks - origin) * np.float32(size_px / window.size_px),
        face_model=face_model.model_id,
        window=window,
        dataset_window=face.window,
        edge_share=window.share_outside(width_px, height_px),
        quarter_turns=quarter_turns,
    )


def require_face(path: Path) -> None:
    """Make sure that a picture file shows one face, before there is a face model to fit to it.

    Raises:
        BadInputError: as `prepare_portrait`.
    """
    _track(path, _read(path), MIN_FACE_PX, LandmarkSettings())


def _read(path: Path) -> NDArray[np.uint8]:
    try:
        return read_still(path, LimitSettings(min_side_px=LEAST_SIDE_PX))
    except ItemRejectedError as error:
        raise BadInputError(f"portrait {path}: {error.message}; {_REMEDIES.get(error.reason, 'give another picture')}") from error


def _track(path: Path, rgb: NDArray[np.uint8], min_face_px: int, settings: LandmarkSettings) -> _TrackedFace:
    height_px, width_px = rgb.shape[:2]
    found = _faces(rgb)
    boxes = Box.rows(found)
    no_face = f"portrait {path}: expected a face, found none in {width_px} x {height_px} px; give a picture of a face from the front"
    if not boxes:
        raise BadInputError(no_face)
    _check_height(path, boxes[0].height, min_face_px)
    if has_second_face(rgb, found):
        raise BadInputError(
            f"portrait {path}: expected one face, found another of comparable size; cut the picture to the face that is meant"
        )
    region = choose_region(boxes[0], width_px, height_px)
    with open_tracker(settings) as tracker:
        landmarks = tracker.track(region.cut(rgb))
    if landmarks is None:
        raise BadInputError(no_face)
    landmarks = landmarks + np.array([region.x_px, region.y_px, 0], np.float32)
    box = np.array([Box.of_mesh(landmarks)], np.float32)
    # In a frame without edges: a tight portrait gets the same frame as others, and what is missing is filled in.
    around = 4 * max(width_px, height_px)
    shifted = box + np.float32(around)
    window = union_window(shifted, width_px + 2 * around, height_px + 2 * around, CropSettings().margin)
    return _TrackedFace(rgb, landmarks, SquareWindow(window.x_px - around, window.y_px - around, window.size_px))


def _faces(rgb: NDArray[np.uint8]) -> Float32Array:
    """Return boxes (n, 4) of faces, largest first.

    The detector misses some faces that fill the picture; with a border around it they are found.
    """
    factor = max(1.0, max(rgb.shape) / _LARGEST_SEARCHED_PX)
    searched = rgb
    if factor > 1:
        searched = np.asarray(cv2.resize(rgb, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA), np.uint8)
    found = find_faces(searched)
    if not len(found):
        border = max(searched.shape) // 4
        smaller = np.asarray(cv2.copyMakeBorder(searched, border, border, border, border, cv2.BORDER_REPLICATE), np.uint8)
        found = find_faces(smaller, small_too=False) - np.float32(border)
    return found * np.float32(factor)


def _check_height(path: Path, height_px: float, least_px: int) -> None:
    if height_px < least_px:
        raise BadInputError(
            f"portrait {path}: expected a face at least {least_px} px high, found {height_px:.0f} px; give a larger picture"
        )


def _fit(path: Path, face: _TrackedFace, model: FaceModel) -> ClipFit:
    origin = np.array([face.window.x_px, face.window.y_px, 0], np.float32)
    still = np.repeat((face.landmarks - origin)[None], _STILL_FRAMES, axis=0)
    try:
        return ClipFitter(model, FitSettings()).fit(still, float(face.window.size_px))
    except ItemRejectedError as error:
        raise BadInputError(f"portrait {path}: {error.message}; give a picture of a face from the front") from error
