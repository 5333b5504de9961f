"""The portrait's skin as a texture: eyes and mouth painted shut, and a second version without the creases of the smile."""

from __future__ import annotations

import cv2
import numpy as np

from pipelines.corpora.demo.face_regions import BROWS, LOWER_LIDS, LOWER_LIP_CURVES, UPPER_LIDS, UPPER_LIP_CURVES
from pipelines.corpora.demo.head_mesh import in_frame
from pipelines.corpora.demo.layers import Window, blurred, soft_polygon, window_around
from pipelines.corpora.demo.portrait import Float, Image, Portrait

_LIP_LINE_RGB = (112.0, 56.0, 52.0)
_BROW_CONTRAST = 0.9
_CORNER_SHADE = 0.4
_MOUTH_CORNERS = ((78, 62, 76), (308, 292, 306))  # from the inner edge of the lips towards the outer one
_LASH_RGB = (84.0, 56.0, 44.0)
# Creases from the nose to the corners of the smile, then its dimples, in a 512 px frame, each with its width.
_CREASES = (
    (9, ((221, 276), (212, 288), (206, 295), (198, 301), (195, 308), (194, 315))),
    (9, ((281, 280), (290, 287), (300, 295), (307, 304), (309, 311), (308, 318))),
    (5, ((197, 304), (201, 307), (204, 310))),
    (5, ((307, 304), (303, 307), (301, 309))),
)


class SkinTexture:
    """Gives the texture for a strength of the smile."""

    def __init__(self, portrait: Portrait) -> None:
        unit = portrait.size_px / 512
        smiling = _with_clear_corners(_with_clear_brows(_painted_shut(portrait), portrait), portrait)
        creases = [(width, in_frame(portrait, np.array(line, dtype=np.float64))) for width, line in _CREASES]
        window = window_around(np.concatenate([line for _, line in creases]), 14 * unit, portrait.size_px)
        self._window = window or Window(0, 0, 2, 2)
        rows, columns = self._window.slices
        self._relaxed = smiling.copy()
        self._relaxed[rows, columns] = _without_creases(smiling[rows, columns], creases, self._window, unit)
        self._creased_part = smiling[rows, columns].copy()
        self._relaxed_part = self._relaxed[rows, columns].copy()

    def at(self, smile: float) -> Image:
        """Return the texture (size, size, 3), creased as far as `smile` (0..1) says; valid until the next call."""
        rows, columns = self._window.slices
        share = float(np.clip(smile, 0, 1))
        self._relaxed[rows, columns] = cv2.addWeighted(self._creased_part, share, self._relaxed_part, 1 - share, 0)
        return self._relaxed


def _painted_shut(portrait: Portrait) -> Image:
    """Paint eyes and mouth over: closed lids and lips must not show a line of eyeball or teeth."""
    unit, image = portrait.size_px / 512, portrait.image.astype(np.float32)
    lips = [*UPPER_LIP_CURVES[-1], *reversed(LOWER_LIP_CURVES[-1][1:-1])]
    eyes = [[*UPPER_LIDS[side], *reversed(LOWER_LIDS[side][1:-1])] for side in (0, 1)]
    whole = Window(0, 0, portrait.size_px, portrait.size_px)
    for edge, colour, spread in ((lips, _LIP_LINE_RGB, 0.7), (eyes[0], _LASH_RGB, 0.8), (eyes[1], _LASH_RGB, 0.8)):
        cover = soft_polygon(portrait.points[edge, :2], whole)
        grown = np.clip(2.2 * blurred(cover, spread * unit), 0, 1)[..., None]
        image += (np.array(colour, dtype=np.float32) - image) * grown
    return np.clip(image, 0, 255).astype(np.uint8)


def _with_clear_brows(image: Image, portrait: Portrait) -> Image:
    """Darken the hair of the brows, which is so fair in the portrait that their movement hardly shows."""
    unit = portrait.size_px / 512
    whole = Window(0, 0, portrait.size_px, portrait.size_px)
    cover = np.max([soft_polygon(portrait.points[list(brow), :2], whole) for brow in BROWS], axis=0)
    cover = np.clip(1.2 * blurred(cover.astype(np.float32), 2.5 * unit), 0, 1)[..., None]
    around = cv2.GaussianBlur(image, (0, 0), 9 * unit).astype(np.float32)
    hair = np.minimum(image.astype(np.float32) - around, 0)
    return np.asarray(np.clip(image + cover * _BROW_CONTRAST * hair, 0, 255), dtype=np.uint8)


def _with_clear_corners(image: Image, portrait: Portrait) -> Image:
    """Shade the corners of the mouth, which the portrait's smile has stretched until they are pale."""
    unit = portrait.size_px / 512
    mask = np.zeros(image.shape[:2], dtype=np.uint8)
    for corner in _MOUTH_CORNERS:
        line = np.round(portrait.points[list(corner), :2] * 16).astype(np.int32)
        cv2.polylines(mask, [line.reshape(-1, 1, 2)], False, (255,), max(1, round(2 * unit)), cv2.LINE_8, 4)
    share = _CORNER_SHADE * np.clip(1.5 * blurred(mask.astype(np.float32) / 255, 0.8 * unit), 0, 1)[..., None]
    return np.asarray(image + (np.array(_LIP_LINE_RGB, dtype=np.float32) - image) * share, dtype=np.uint8)


def _without_creases(part: Image, creases: list[tuple[int, Float]], window: Window, unit: float) -> Image:
    """Fill the creases from the skin beside them."""
    mask = np.zeros(part.shape[:2], dtype=np.uint8)
    for width, line in creases:
        corners = np.round((line - (window.x, window.y)) * 16).astype(np.int32)
        cv2.polylines(mask, [corners.reshape(-1, 1, 2)], False, (255,), max(1, round(width * unit)), cv2.LINE_8, 4)
    filled = cv2.GaussianBlur(cv2.inpaint(part, mask, 5 * unit, cv2.INPAINT_TELEA), (0, 0), 2.5 * unit).astype(np.float32)
    share = blurred(mask.astype(np.float32) / 255, 2.0 * unit)[..., None]
    return np.clip(part + (filled - part) * np.clip(1.3 * share, 0, 0.92), 0, 255).astype(np.uint8)
