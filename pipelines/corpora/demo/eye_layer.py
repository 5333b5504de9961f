"""The eyeballs: the portrait's own eyes, completed behind the lids, which turn with the head and look about."""

from __future__ import annotations

import numpy as np

from pipelines.corpora.demo.face_regions import IRISES, LOWER_LIDS, UPPER_LIDS
from pipelines.corpora.demo.layers import Float32, blend, blurred, placed, plane_affine, soft_outline, soft_polygon, window_around
from pipelines.corpora.demo.portrait import Float, Image, Portrait

_SCLERA_SHADE = 0.8


class EyeLayer:
    """One eye's ball, drawn where the lids are open."""

    def __init__(self, portrait: Portrait, side: int) -> None:
        self._unit = portrait.size_px / 512
        self._upper, self._lower = list(UPPER_LIDS[side]), list(LOWER_LIDS[side])
        self._edge = [*self._upper, *reversed(self._lower[1:-1])]
        columns, rows = np.round(portrait.points[self._upper, :2]).astype(int).T
        self._lash = np.asarray(0.8 * np.percentile(portrait.image[rows, columns], 25, axis=0), dtype=np.float32)
        self.iris_rest = portrait.points[list(IRISES[side])]
        self._patch, self._origin = _completed_eye(portrait, self._edge, self.iris_rest, self._unit)

    def iris_now(self, gaze_px: Float, rotation: Float, centre_now: Float, nearness: float) -> Float:
        """Return the five points of the iris (5, 3) for a gaze shift (2,) in unturned frame pixels; `centre_now` is the eye's place."""
        offset = self.iris_rest - self.iris_rest[0] + np.array([gaze_px[0], gaze_px[1], 0.0])
        return np.asarray(centre_now + nearness * offset @ rotation.T)

    def draw(self, image: Image, vertices: Float, gaze_px: Float, rotation: Float, centre_now: Float, nearness: float) -> None:
        """Draw the eyeball into the image in place, inside the opening of the lids at `vertices` (n, 3)."""
        opening = vertices[self._edge, :2]
        window = window_around(opening, 3 * self._unit, image.shape[0])
        if window is None:
            return
        height = float((vertices[self._lower, 1] - vertices[self._upper, 1]).max())
        lashes = float(np.clip(2 - height / (2 * self._unit), 0, 1))  # the line of closed lashes hides the seam of the lids
        if lashes > 0:
            line = 0.75 * lashes * soft_outline(opening, 1.5 * self._unit, window)
            blend(image, window, np.broadcast_to(self._lash, (window.height, window.width, 3)), line)
        cover = soft_polygon(opening, window)
        rest = self.iris_rest[0].copy()
        rest[:2] -= self._origin
        moved = centre_now + nearness * rotation @ np.array([gaze_px[0], gaze_px[1], 0.0])
        ball = placed(self._patch, plane_affine(rotation, rest, moved, nearness), window)
        shade = _SCLERA_SHADE + (1 - _SCLERA_SHADE) * np.clip(1.6 * blurred(cover, 2.2 * self._unit), 0, 1)
        blend(image, window, ball * shade[..., None], cover)


def _completed_eye(portrait: Portrait, edge: list[int], iris: Float, unit: float) -> tuple[Float32, Float]:
    """Return the eye's surroundings with lids replaced by what lies behind them, RGB float32, and the patch's corner in the frame."""
    window = window_around(portrait.points[edge, :2], 14 * unit, portrait.size_px)
    if window is None:  # the portrait has both eyes well inside
        msg = "the portrait's eye lies outside the frame"
        raise ValueError(msg)
    rows, columns = window.slices
    patch = portrait.image[rows, columns].copy()
    inside = soft_polygon(portrait.points[edge, :2], window)
    known = inside > 0.4
    centre, radius = iris[0, :2] - (window.x, window.y), float(np.linalg.norm(iris[1:, :2] - iris[0, :2], axis=1).mean())
    ys, xs = np.mgrid[: window.height, : window.width]
    distance = np.hypot(xs - centre[0], ys - centre[1])
    white = known & (distance > 1.25 * radius)
    dark = known & (distance < 0.85 * radius)
    sclera = np.percentile(patch[white], 40, axis=0)
    iris_colour = np.median(patch[dark], axis=0)
    disc = np.clip((radius * 1.03 - distance) / (1.6 * unit) + 0.5, 0, 1)[..., None]
    behind = sclera * (1 - disc) + iris_colour * disc
    keep = inside[..., None]
    return (patch * keep + behind * (1 - keep)).astype(np.float32), np.array([window.x, window.y], dtype=np.float64)
