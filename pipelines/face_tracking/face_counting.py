"""Finding all faces of a frame, small ones too: the full-range detector on the whole frame, then on square tiles of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.boxes import Box
from pipelines.face_tracking.native_graphs import face_detection_graph

SMALLEST_FACE_PX = 40
"""Faces lower than this are not searched for."""
SECOND_FACE_SHARE = 0.5
"""A second face counts from this share of the largest face's height on."""
_FINDABLE_SHARE = 0.065
"""The detector sees 192x192 pixels: it finds faces down to about this share of the longer side of what it is shown (measured)."""
_WELL_SEEN_SHARE = 2 * _FINDABLE_SHARE
"""At this share of a tile a face of half the height would be found as well."""
_LEAST_OVERLAP = 0.12
_SAME_FACE_IOU = 0.3
_PART_OF_FACE_SHARE = 0.6
"""A box that lies in a larger one by this share is the part of a face that the edge of a tile left over."""


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
        if not small_too or (len(found) and found[0, 3] - found[0, 1] >= _WELL_SEEN_SHARE * side_px):
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


def has_second_face(rgb: NDArray[np.uint8], faces: NDArray[np.float32]) -> bool | None:
    """Tell whether a frame shows a second face of at least `SECOND_FACE_SHARE` of the height of the largest.

    Hands and patterned cloth are taken for faces now and then; what is no face is not found again in a closer look.

    Args:
        rgb: (height, width, 3) uint8.
        faces: (n, 4) boxes found in it, largest first.

    Returns:
        None where no face was found at all.
    """
    boxes = Box.rows(faces)
    if not boxes:
        return None
    return any(box.height >= SECOND_FACE_SHARE * boxes[0].height and _is_seen_closer(rgb, box) for box in boxes[1:])


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


def _is_seen_closer(rgb: NDArray[np.uint8], box: Box) -> bool:
    """Tell whether a face is also found in the square of twice its size around it, at about the same place."""
    reach = max(box.width, box.height)
    centre_x, centre_y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    left, top = max(round(centre_x - reach), 0), max(round(centre_y - reach), 0)
    closer = np.ascontiguousarray(rgb[top : round(centre_y + reach), left : round(centre_x + reach)])
    if closer.size == 0:
        return False
    return any(box.overlap(other) > _SAME_FACE_IOU for other in Box.rows(_detect(closer) + np.array([left, top, left, top], np.float32)))


def _tile_starts(length_px: int, side_px: int) -> list[int]:
    """Return evenly spaced starts of tiles that cover a length with some overlap; one start when a single tile is enough."""
    if length_px <= side_px:
        return [0]
    count = 1 + int(np.ceil((length_px - side_px) / (side_px * (1 - _LEAST_OVERLAP))))
    return [round(index * (length_px - side_px) / (count - 1)) for index in range(count)]


def _detect(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    height, width = rgb.shape[:2]
    detections = face_detection_graph().process(rgb)
    boxes = [detection.location_data.relative_bounding_box for detection in detections]
    corners = [(box.xmin, box.ymin, box.xmin + box.width, box.ymin + box.height) for box in boxes]
    return np.array(corners, np.float32).reshape(-1, 4) * np.array([width, height, width, height], np.float32)


def _without_doubles(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return boxes largest first, each face once: of boxes that lie over each other, or mostly in each other, the largest stays."""
    kept: list[Box] = []
    for box in sorted(Box.rows(boxes), key=lambda box: (-box.height, box.left, box.top)):
        if all(box.overlap(other) < _SAME_FACE_IOU and box.share_inside(other) < _PART_OF_FACE_SHARE for other in kept):
            kept.append(box)
    return np.array(kept, np.float32).reshape(-1, 4)
