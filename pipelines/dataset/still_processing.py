"""Processing a still image: one clip of one frame, without audio."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipelines.dataset.clip_writing import encode_jpeg
from pipelines.dataset.staging import StagedRecordingWriter
from pipelines.face_tracking.boxes import Box
from pipelines.face_tracking.crop_window import clip_window, crop_frame, landmarks_to_crop
from pipelines.face_tracking.face_counting import find_faces
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.face_tracking.tracking_region import choose_region
from pipelines.video.still_images import read_still
from storage_schemas.build_spec import BuildSpec, SeveralFaces
from storage_schemas.clips import Clip
from storage_schemas.errors import ItemRejectedError
from storage_schemas.identifiers import clip_key
from storage_schemas.recordings import Recording
from storage_schemas.rejections import RejectionReason, Stage

COMPARABLE_HEIGHT = 0.5
"""A second face at least this share as high as the largest makes a picture of several people."""


def process_still(recording: Recording, path: Path, spec: BuildSpec, writer: StagedRecordingWriter) -> Clip:
    """Find the face of a still image, crop it and write it as a clip of one frame.

    Raises:
        ItemRejectedError: no picture, no face, a face that is too small, or several of comparable size.
    """
    rgb = read_still(path, spec.limits)
    height_px, width_px = rgb.shape[:2]
    region = choose_region(_largest_face(Box.rows(find_faces(rgb)), spec), width_px, height_px)
    with open_tracker(spec.landmarks) as tracker:
        landmarks = tracker.track(region.cut(rgb))
    if landmarks is None:
        raise ItemRejectedError(Stage.LANDMARKS, RejectionReason.NO_FACE, "expected landmarks on the detected face, found none")
    landmarks = landmarks + np.array([region.x_px, region.y_px, 0], np.float32)
    box = Box.of_mesh(landmarks)
    window = clip_window(recording, np.array([box], np.float32), width_px, height_px, spec.crop.margin)
    clip_id = f"{recording.recording_id}_000"
    clip = Clip(
        clip_id=clip_id, clip_key=clip_key(clip_id), recording_id=recording.recording_id, frames=1, source_start_s=0.0,
        window_x_px=window.x_px, window_y_px=window.y_px, window_size_px=window.size_px, window_source=window.source,
        source_width_px=width_px, source_height_px=height_px, source_fps=0.0,
        face_height_px=round(box.height, 3), detection_rate=1.0,
    )  # fmt: skip
    crop = crop_frame(rgb, (0, 0), window, spec.crop.size_px)
    metadata = {"clip_id": clip_id, "frame": 0, "source_s": 0.0, "held": False, "detected": True}
    writer.add_frame(clip.clip_key, 0, encode_jpeg(crop, spec.crop.jpeg_quality), metadata)
    writer.add_array(clip.clip_key, "landmarks", landmarks_to_crop(landmarks[None], window, spec.crop.size_px))
    writer.add_array(clip.clip_key, "detected", np.ones(1, np.bool_))
    return clip


def _largest_face(boxes: list[Box], spec: BuildSpec) -> Box:
    """Return the box of the face that is meant, or reject the picture."""
    if len(boxes) == 0:
        raise ItemRejectedError(Stage.TRACK, RejectionReason.NO_FACE, "expected a face, found none")
    heights = [box.height for box in boxes]
    if heights[0] < spec.crop.min_face_px:
        message = f"expected a face at least {spec.crop.min_face_px} px high, found {heights[0]:.0f} px"
        raise ItemRejectedError(Stage.TRACK, RejectionReason.FACE_TOO_SMALL, message, {"face_height_px": round(heights[0], 1)})
    comparable = sum(height >= COMPARABLE_HEIGHT * heights[0] for height in heights)
    if comparable > 1 and spec.crop.several_faces is SeveralFaces.REJECT:
        message = f"expected one face, found {comparable} of comparable size"
        raise ItemRejectedError(Stage.TRACK, RejectionReason.SEVERAL_FACES, message, {"faces": comparable})
    return boxes[0]
