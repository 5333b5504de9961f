"""The inside of the mouth: a dark cavity, the tongue, lower teeth that go with the jaw, upper teeth that stay with the skull."""

from __future__ import annotations

import numpy as np

from pipelines.corpora.demo.face_regions import LOWER_LIP_CURVES, UPPER_LIP_CURVES
from pipelines.corpora.demo.layers import Float32, Window, blend, blurred, placed, plane_affine, soft_outline, soft_polygon, window_around
from pipelines.corpora.demo.portrait import Float, Image, Portrait

_CAVITY_RGB = (46.0, 15.0, 14.0)
_TONGUE_RGB = (168.0, 84.0, 82.0)
_GUM_RGB = (176.0, 104.0, 100.0)


class MouthLayer:
    """Drawn where the inner lips part."""

    def __init__(self, portrait: Portrait) -> None:
        self._unit = portrait.size_px / 512
        self._edge = [*UPPER_LIP_CURVES[-1], *reversed(LOWER_LIP_CURVES[-1][1:-1])]
        half = len(UPPER_LIP_CURVES[-1])
        self._line = [*self._edge[:half], 306, 291, 306, *self._edge[half:], 76, 61, 76]  # on to the outer corners
        points = portrait.points
        self._lip_line = _darkest_lip(portrait, self._edge)
        self.skull_rest = np.array([points[[61, 291], 0].mean(), points[14, 1], points[13, 2]])
        teeth, cover, origin = _upper_teeth(portrait, self._edge)
        self._teeth, self._teeth_cover, self._origin = teeth, cover, origin
        self._lower_teeth, self._lower_cover = teeth[::-1].copy() * 0.72, cover[::-1].copy()

    def draw(
        self, image: Image, vertices: Float, rotation: Float, skull_now: Float, jaw_now: Float, tongue_lift: float, rounding: float
    ) -> None:
        """Draw into the image in place.

        Args:
            image: RGB uint8 frame.
            vertices: the turned mesh (n, 3); its inner lips bound the opening.
            rotation: (3, 3) of the head.
            skull_now: (3,) place of `skull_rest` on the turned skull.
            jaw_now: (3,) place of the same point if it moved with the jaw.
            tongue_lift: 0 (at rest behind the lower teeth) to 1 (at the upper teeth).
            rounding: 0..1; rounded lips leave the teeth in the dark.
        """
        opening = vertices[self._edge, :2]
        window = window_around(vertices[self._line, :2], 3 * self._unit, image.shape[0])
        if window is None:
            return
        # The line between closed lips; at the edge of an open mouth it would make the opening look larger than it is.
        gap = float(np.ptp(vertices[[13, 14], 1])) / self._unit
        line = (0.1 + 0.7 * np.clip(1 - gap / 4, 0, 1)) * soft_outline(vertices[self._line, :2], 1.9 * self._unit, window)
        blend(image, window, np.broadcast_to(self._lip_line, (window.height, window.width, 3)), line)
        if gap < 0.15:
            return
        cover = soft_polygon(opening, window)
        inside = np.broadcast_to(np.array(_CAVITY_RGB, dtype=np.float32), (window.height, window.width, 3)).copy()
        self._draw_tongue(inside, window.x, window.y, jaw_now, skull_now, tongue_lift)
        seen = 1.0 - 0.8 * min(1.0, max(0.0, rounding))
        self._draw_teeth(inside, window, (rotation, jaw_now + np.array([0, 3.0 * self._unit, 0])), upper=False, seen=0.8 * seen)
        self._draw_teeth(inside, window, (rotation, skull_now), upper=True, seen=seen)
        shade = np.clip(0.3 + 1.1 * blurred(cover, 2.6 * self._unit), 0, 1)
        blend(image, window, inside * shade[..., None], cover)

    def _draw_tongue(self, inside: Float32, x: int, y: int, jaw_now: Float, skull_now: Float, lift: float) -> None:
        unit = self._unit
        low, high = jaw_now[1] + 1.0 * unit, skull_now[1] + 2.0 * unit
        centre_y = (1 - lift) * low + lift * min(low, high) - y
        columns, rows = np.arange(inside.shape[1]) - (jaw_now[0] - x), np.arange(inside.shape[0]) - centre_y
        outwards = np.hypot(columns[None] / (25 * unit), rows[:, None] / (8.5 * unit))
        mask = np.clip((1.25 - outwards) / 0.5, 0, 1)[..., None].astype(np.float32)
        inside += (np.array(_TONGUE_RGB, dtype=np.float32) * (0.6 + 0.3 * lift) - inside) * mask * 0.9

    def _draw_teeth(self, inside: Float32, window: Window, place: tuple[Float, Float], *, upper: bool, seen: float) -> None:
        rotation, now = place
        rest = self.skull_rest.copy()
        rest[:2] -= self._origin
        teeth, cover = (self._teeth, self._teeth_cover) if upper else (self._lower_teeth, self._lower_cover)
        if not upper:
            rest[1] = teeth.shape[0] - 1 - rest[1]
        affine = plane_affine(rotation, rest, now, 1.0)
        colour = placed(teeth, affine, window)
        share = placed(cover, affine, window)[..., None]
        inside += (colour - inside) * share * seen


def _darkest_lip(portrait: Portrait, edge: list[int]) -> Float32:
    """Return the colour (3,) of the line between closed lips: the darker lip colours of the portrait at the edge of the mouth."""
    columns, rows = np.round(portrait.points[edge, :2]).astype(int).T
    return np.asarray(0.72 * np.percentile(portrait.image[rows, columns], 30, axis=0), dtype=np.float32)


def _upper_teeth(portrait: Portrait, edge: list[int]) -> tuple[Float32, Float32, Float]:
    """Return the portrait's teeth as RGB float32, how opaque they are, and the patch's corner in the frame.

    Above the portrait's upper lip they go on into the gum, to the sides they fade into the dark of the cheeks.
    """
    unit = portrait.size_px / 512
    window = window_around(portrait.points[edge, :2], 22 * unit, portrait.size_px)
    if window is None:  # the portrait has its mouth well inside
        msg = "the portrait's mouth lies outside the frame"
        raise ValueError(msg)
    rows, columns = window.slices
    patch = portrait.image[rows, columns].astype(np.float32)
    inner = portrait.points[list(UPPER_LIP_CURVES[-1]), :2] - (window.x, window.y)
    lower = portrait.points[list(LOWER_LIP_CURVES[-1]), :2] - (window.x, window.y)
    xs = np.arange(window.width)
    top = np.interp(xs, *_by_x(inner)) + 1.5 * unit
    bottom = np.interp(xs, *_by_x(lower)) - 0.5 * unit
    ys = np.arange(window.height)[:, None]
    rows_from = np.clip(ys, np.ceil(top), np.maximum(np.ceil(top), np.floor(bottom))).astype(int)
    filled = patch[rows_from, xs[None]]
    gum = np.clip((top - 5 * unit - ys) / (3 * unit), 0, 1)[..., None]
    filled = filled * (1 - gum) + np.array(_GUM_RGB, dtype=np.float32) * gum
    bright = filled.mean(axis=-1)
    opaque = np.clip((bright - 95) / 60, 0, 1) * np.clip((bottom - ys) / (1.5 * unit) + 0.5, 0, 1)
    opaque = np.where(gum[..., 0] > 0.5, opaque.max(axis=0, keepdims=True), opaque)
    sides = np.clip((26 * unit - np.abs(xs - (inner[0, 0] + inner[-1, 0]) / 2)) / (5 * unit), 0, 1)
    cover = (opaque * sides).astype(np.float32)
    return filled.astype(np.float32), blurred(cover, 0.6 * unit), np.array([window.x, window.y], dtype=np.float64)


def _by_x(points: Float) -> tuple[Float, Float]:
    order = np.argsort(points[:, 0])
    return points[order, 0], points[order, 1]
