"""The tracking region: a fixed part of the frame around the face, in which the tracker runs and from which crops are cut.

A clip has one region. A face that comes near its edge gets another one, and with it another clip: the crop window is fixed, and a
window for a face that walks through the frame would show it tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.face_tracking.boxes import Box

REGION_TO_FACE = 3.5
"""Side of the region as a multiple of the face box: the crop window, about 2.1 times the box, and head motion fit in."""
_TIGHT_REGION_TO_FACE = 2.2
_UPWARD_SHIFT = 0.15
"""The region's centre lies this share of the face box above the face's, as the crop window's does, for the hair."""
_WHOLE_FRAME_SHARE = 0.6
"""A region larger than this share of the frame becomes the whole frame: nothing is saved by cutting it out."""
_ROOM = 0.25
"""Room that the face needs around it inside the region, as a share of its box; the tracker looks at 1.5 times the box."""


@dataclass(frozen=True)
class Region:
    """A rectangle of whole pixels of the upright source frame."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int

    @property
    def box(self) -> Box:
        """Return the region's edges."""
        return Box(self.x_px, self.y_px, self.x_px + self.width_px, self.y_px + self.height_px)

    def view(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the region of a (height, width, 3) frame without copying."""
        return rgb[self.y_px : self.y_px + self.height_px, self.x_px : self.x_px + self.width_px]

    def cut(self, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the region C-contiguous: a copy, or a view where the region is all of the frame."""
        return np.ascontiguousarray(self.view(rgb))

    def contains(self, x_px: float, y_px: float, width_px: float, height_px: float) -> bool:
        """Tell whether a rectangle in source pixels lies inside."""
        return (
            self.x_px <= x_px
            and self.y_px <= y_px
            and x_px + width_px <= self.x_px + self.width_px
            and y_px + height_px <= self.y_px + self.height_px
        )


def whole_frame(frame_width: int, frame_height: int) -> Region:
    """Return the region that is all of a frame."""
    return Region(0, 0, frame_width, frame_height)


def choose_region(box: Box, frame_width: int, frame_height: int, must_show: Region | None = None, *, others: Sequence[Box] = ()) -> Region:
    """Return the tracking region for a face.

    Args:
        box: the face in source pixels.
        frame_width: width of the upright source frame in pixels.
        frame_height: its height.
        must_show: part of the frame that the region has to contain as well, such as an annotated crop window.
        others: other faces, of which the region shall show little: the tracker follows whichever it likes best.

    Returns:
        A square of `REGION_TO_FACE` times the box, shifted inside the frame and cut to it; the whole frame for a large face.
    """
    region = _square_around(box, REGION_TO_FACE, frame_width, frame_height)
    if any(other.share_inside(region.box) > 0 for other in others):
        region = _square_around(box, _TIGHT_REGION_TO_FACE, frame_width, frame_height)
        return region if must_show is None else _around_both(region, must_show)
    if must_show is not None:
        region = _around_both(region, must_show)
    is_large = region.width_px * region.height_px >= _WHOLE_FRAME_SHARE * frame_width * frame_height
    return whole_frame(frame_width, frame_height) if is_large else region


def _square_around(box: Box, times: float, frame_width: int, frame_height: int) -> Region:
    size = max(box.width, box.height, 1.0)
    width, height = min(round(times * size), frame_width), min(round(times * size), frame_height)
    x_px = round((box.left + box.right - width) / 2)
    y_px = round((box.top + box.bottom - height) / 2 - _UPWARD_SHIFT * size)
    return Region(min(max(x_px, 0), frame_width - width), min(max(y_px, 0), frame_height - height), width, height)


def _around_both(one: Region, other: Region) -> Region:
    left, top = min(one.x_px, other.x_px), min(one.y_px, other.y_px)
    right = max(one.x_px + one.width_px, other.x_px + other.width_px)
    bottom = max(one.y_px + one.height_px, other.y_px + other.height_px)
    return Region(left, top, right - left, bottom - top)


def has_outgrown(box: Box, region: Region, frame_width: int, frame_height: int) -> bool:
    """Tell whether a face has come too near to an edge of its region that is not an edge of the frame."""
    room_x, room_y = _ROOM * box.width, _ROOM * box.height
    return (
        box.left - room_x < region.x_px > 0
        or box.top - room_y < region.y_px > 0
        or box.right + room_x > region.x_px + region.width_px < frame_width
        or box.bottom + room_y > region.y_px + region.height_px < frame_height
    )
