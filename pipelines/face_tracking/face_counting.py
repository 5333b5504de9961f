"""Finding all faces of a frame, small ones too: the full-range detector on the whole frame, then on square tiles of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.native_graphs import face_detection_graph

SMALLEST_FACE_PX = 40
"""Faces lower than this are not searched for."""
_FINDABLE_SHARE = 0.065
"""The detector sees 192x192 pixels: it finds faces down to about this share of the longer side of what it is shown (measured)."""
_WELL_SEEN_SHARE = 2 * _FINDABLE_SHARE
"""At this share of a tile a face of half the height would be found as well."""
_LEAST_OVERLAP = 0.12
_SAME_FACE_IOU = 0.3


def find_faces(rgb: NDArray[np.uint8], *, small_too: bool = True) -> NDArray[np.float32]:
    """Return the boxes of all faces, largest first; the search goes on in smaller tiles until the largest face is well seen.

    Args:
        rgb: (height, width, 3) uint8.
        small_too: search in tiles; otherwise only in the whole frame, where faces under 7 % of the longer side are not found.

    Returns:
        (n, 4) float32 left, top, right, bottom in pixels, from eyebrows to chin; sorted by height, then left, then top.
    """
    found = np.empty((0, 4), np.float32)
    for side_px in tile_sides(rgb.shape[1], rgb.shape[0]):
        found = _without_doubles(np.concatenate([found, _find_in_tiles(rgb, side_px)]))
        if not small_too or (len(found) and _height(found[0]) >= _WELL_SEEN_SHARE * side_px):
            break
    return found


def find_faces_beside(rgb: NDArray[np.uint8], face_height_px: float) -> NDArray[np.float32]:
    """Return the boxes of all faces of about half the height of a known face or more, at the one tile size that shows them.

    Args:
        rgb: (height, width, 3) uint8.
        face_height_px: height of the known face.

    Returns:
        (n, 4) float32 as `find_faces`.
    """
    sides = list(tile_sides(rgb.shape[1], rgb.shape[0]))
    suitable = [side_px for side_px in sides if face_height_px >= _WELL_SEEN_SHARE * side_px]
    return _without_doubles(_find_in_tiles(rgb, suitable[0] if suitable else sides[-1]))


def tile_sides(frame_width: int, frame_height: int) -> Iterator[int]:
    """Yield the sides in pixels of the tiles to search, coarse to fine: whole frame, shorter side, then halves of it."""
    longer, shorter = max(frame_width, frame_height), min(frame_width, frame_height)
    yield longer
    side_px = shorter
    if longer <= 1.25 * shorter:
        side_px = shorter // 2
    # A tile is worth its time only while the one before could have missed a face of the smallest size.
    while 2 * side_px * _FINDABLE_SHARE > SMALLEST_FACE_PX:
        yield side_px
        side_px //= 2


def _find_in_tiles(rgb: NDArray[np.uint8], side_px: int) -> NDArray[np.float32]:
    height, width = rgb.shape[:2]
    boxes = [
        _detect(np.ascontiguousarray(rgb[top : top + side_px, left : left + side_px])) + np.array([left, top, left, top], np.float32)
        for top in _tile_starts(height, side_px)
        for left in _tile_starts(width, side_px)
    ]
    return np.concatenate(boxes)


def _tile_starts(length_px: int, side_px: int) -> list[int]:
    """Return evenly spaced starts of tiles that cover a length with some overlap; one start when a single tile is enough."""
    if length_px <= side_px:
        return [0]
    count = 1 + int(np.ceil((length_px - side_px) / (side_px * (1 - _LEAST_OVERLAP))))
    return [round(index * (length_px - side_px) / (count - 1)) for index in range(count)]


def _detect(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = rgb.shape[:2]
    detections = face_detection_graph().process({"image": rgb}).detections or []
    boxes = [detection.location_data.relative_bounding_box for detection in detections]
    corners = [(box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height) for box in boxes]
    return np.array(corners, np.float32).reshape(-1, 4) * np.array([width, height, width, height], np.float32)


def _without_doubles(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return boxes largest first, each face once: of boxes that lie over each other the largest stays."""
    order = np.lexsort((boxes[:, 1], boxes[:, 0], boxes[:, 1] - boxes[:, 3]))
    kept: list[NDArray[np.float32]] = []
    for box in boxes[order]:
        if all(overlap(box, other) < _SAME_FACE_IOU and not _is_inside(box, other) for other in kept):
            kept.append(box)
    return np.array(kept, np.float32).reshape(-1, 4)


def overlap(box: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return intersection over union of two boxes (left, top, right, bottom), 0 to 1."""
    shared = _shared_area(box, other)
    union = _area(box) + _area(other) - shared
    return float(shared / union) if union > 0 else 0.0


def _is_inside(box: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Tell whether most of a box lies in a larger one: the part of a face that a tile's edge left over."""
    return _shared_area(box, other) > 0.6 * _area(box)


def _shared_area(box: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return float(max(width, 0.0) * max(height, 0.0))


def _area(box: NDArray[np.float32]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _height(box: NDArray[np.float32]) -> float:
    return float(box[3] - box[1])
