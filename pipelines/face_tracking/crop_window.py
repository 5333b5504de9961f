"""The crop window: one fixed square for a whole clip, and cutting frames and landmarks by it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.tracking_region import Region, whole_frame
from storage_schemas.recordings import Recording

HAIR_SHARE = 0.65
"""Share of the vertical slack that goes above the face boxes, which end at the hairline; the rest goes below the chin."""


@dataclass(frozen=True)
class CropWindow:
    """A square of whole pixels of the upright source frame, and where it comes from."""

    x_px: int
    y_px: int
    size_px: int
    source: str
    """tracked or annotated."""
    note: str = ""
    """Why an annotated window was not used; empty otherwise."""

    @property
    def region(self) -> Region:
        """Return the window as a region, to be shown by the tracking region."""
        return Region(self.x_px, self.y_px, self.size_px, self.size_px)


def union_window(
    boxes: NDArray[np.float32], frame_width: int, frame_height: int, margin: float, scale: float = 1.0, *, inside: Region | None = None
) -> CropWindow:
    """Return the window of a clip: the union of its face boxes and a margin, whole head inside, shifted into the frame.

    Args:
        boxes: (frames, 4) left, top, right, bottom of the face mesh in source pixels; NaN where undetected.
        frame_width: width of the upright source frame in pixels.
        frame_height: its height.
        margin: added on each side, as a share of the longer side of the union (`CropSettings.margin`).
        scale: zoom of the window (`Recording.window_scale`).
        inside: the region whose pixels there are, in which the window has to lie; None: anywhere in the frame.

    Returns:
        A square, no larger than the shorter side of the frame or region; more of the margin lies above the face than below it.

    Raises:
        ValueError: no frame has a box.
    """
    if len(boxes) == 0 or np.isnan(boxes).all():
        raise ValueError(f"a crop window needs at least one face box, got none in {len(boxes)} frames")
    left, top = (float(value) for value in np.nanmin(boxes[:, :2], axis=0))
    right, bottom = (float(value) for value in np.nanmax(boxes[:, 2:], axis=0))
    bounds = inside or whole_frame(frame_width, frame_height)
    size = round((1 + 2 * margin) * scale * max(right - left, bottom - top))
    size = max(1, min(size, bounds.width_px, bounds.height_px))
    slack = size - (bottom - top)
    above = slack * (HAIR_SHARE if slack > 0 else 0.5)
    return _shifted_inside(round((left + right - size) / 2), round(top - above), size, bounds, "tracked")


def annotated_window(recording: Recording, frame_width: int, frame_height: int) -> CropWindow | None:
    """Return the window that a corpus annotates, scaled to this frame and made square; None where there is none or it does not fit.

    The annotation may refer to a copy of the video at another resolution (`window_reference_height_px`; 0: to this one).
    """
    if recording.window_width_px == 0 or recording.window_height_px == 0:
        return None
    scale = frame_height / (recording.window_reference_height_px or frame_height)
    x_px, y_px = recording.window_x_px * scale, recording.window_y_px * scale
    width, height = recording.window_width_px * scale, recording.window_height_px * scale
    # A pixel of tolerance at the frame's edge for the rounding of the annotation, at either resolution.
    tolerance = 1.0 + scale
    if min(x_px, y_px) < -tolerance or x_px + width > frame_width + tolerance or y_px + height > frame_height + tolerance:
        return None
    size = min(round(max(width, height)), frame_width, frame_height)
    x_px, y_px = x_px + (width - size) / 2, y_px + (height - size) / 2
    return _shifted_inside(round(x_px), round(y_px), size, whole_frame(frame_width, frame_height), "annotated")


def clip_window(
    recording: Recording, boxes: NDArray[np.float32], frame_width: int, frame_height: int, margin: float, *, inside: Region | None = None
) -> CropWindow:
    """Return the annotated window where there is a usable one, else the tracked one with a note that says why.

    Args:
        recording: gives the annotated window, or the zoom of a tracked one.
        boxes: (frames, 4) as in `union_window`.
        frame_width: width of the upright source frame in pixels.
        frame_height: its height.
        margin: as in `union_window`.
        inside: as in `union_window`; it contains the annotated window if the pieces were tracked with it as `must_show`.
    """
    tracked = union_window(boxes, frame_width, frame_height, margin, recording.window_scale, inside=inside)
    if recording.window_width_px == 0 or recording.window_height_px == 0:
        return tracked
    annotated = annotated_window(recording, frame_width, frame_height)
    if annotated is None:
        return _with_note(tracked, f"annotated window lies outside the {frame_width}x{frame_height} frame")
    centre_x, centre_y = (float(value) for value in np.nanmedian((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0))
    if not (0 <= centre_x - annotated.x_px <= annotated.size_px and 0 <= centre_y - annotated.y_px <= annotated.size_px):
        return _with_note(tracked, f"annotated window does not contain the face, whose median centre is ({centre_x:.0f}, {centre_y:.0f})")
    return annotated


def crop_frame(region_rgb: NDArray[np.uint8], offset: tuple[int, int], window: CropWindow, size_px: int) -> NDArray[np.uint8]:
    """Cut a window out of a frame, or out of a region of it, and resample it once.

    Only pixels of the window are read, so the result is the same from any region that contains it.

    Args:
        region_rgb: (height, width, 3) uint8.
        offset: x and y of the region's top left pixel in the source frame; (0, 0) for a whole frame.
        window: the window in source pixels.
        size_px: side of the result.

    Returns:
        (size_px, size_px, 3) uint8, C-contiguous: area average when shrinking, cubic when enlarging.

    Raises:
        ValueError: the region does not contain the window.
    """
    x_px, y_px = window.x_px - offset[0], window.y_px - offset[1]
    pixels = region_rgb[max(y_px, 0) : y_px + window.size_px, max(x_px, 0) : x_px + window.size_px]
    if min(x_px, y_px) < 0 or pixels.shape[:2] != (window.size_px, window.size_px):
        height, width = region_rgb.shape[:2]
        raise ValueError(f"window {window} is not inside the region of {width}x{height} pixels at {offset}")
    if window.size_px == size_px:
        return pixels.copy()
    interpolation = cv2.INTER_AREA if window.size_px > size_px else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(pixels, (size_px, size_px), interpolation=interpolation), np.uint8)


def landmarks_to_crop(landmarks: NDArray[np.float32], window: CropWindow, size_px: int) -> NDArray[np.float32]:
    """Map landmarks from source pixels to crop pixels.

    Both count continuously: 0 is the left edge of the first pixel, `size_px` the right edge of the last one.

    Args:
        landmarks: (..., 3) float32 in source pixels; z in the scale of x.
        window: the window in source pixels.
        size_px: side of the crop.

    Returns:
        (..., 3) float32 in crop pixels; NaN stays NaN.
    """
    origin = np.array([window.x_px, window.y_px, 0], np.float32)
    return (landmarks - origin) * np.float32(size_px / window.size_px)


def _shifted_inside(x_px: int, y_px: int, size: int, bounds: Region, source: str) -> CropWindow:
    """Shift a window inside bounds that are large enough for it."""
    last_x, last_y = bounds.x_px + bounds.width_px - size, bounds.y_px + bounds.height_px - size
    return CropWindow(min(max(x_px, bounds.x_px), last_x), min(max(y_px, bounds.y_px), last_y), size, source)


def _with_note(window: CropWindow, note: str) -> CropWindow:
    return CropWindow(window.x_px, window.y_px, window.size_px, window.source, note)
