"""Handles of lids, brows and nose."""

from __future__ import annotations

import numpy as np

from pipelines.corpora.demo.face_regions import (
    BROW_INNER,
    BROW_OUTER,
    CHEEKS,
    CHIN,
    LID_CREASES,
    LID_FOLDS,
    LOWER_LIDS,
    LOWER_LIP_CURVES,
    NOSE,
    NOSE_WINGS,
    UNDER_EYES,
    UPPER_LIDS,
    UPPER_LIP_CURVES,
)
from pipelines.corpora.demo.handles import BROW_POINTS, LID_POINTS, Handles, hold_still, points_of
from pipelines.corpora.demo.portrait import Float

_FOREHEAD_SLOPE = 0.3  # how far skin goes back as it goes up: it slides over the forehead


def lid_handles(neutral: Float, side: int) -> Handles:
    """Return the moves that close an eye: the edges of its lids meet near the lower one, the crease follows; side 0 is the image's left."""
    handles: Handles = {}
    for column, (upper, lower) in enumerate(zip(UPPER_LIDS[side], LOWER_LIDS[side], strict=True)):
        if upper == lower:
            handles[upper] = np.zeros(3)
            continue
        gap = neutral[lower] - neutral[upper]
        handles[upper], handles[lower] = 0.86 * gap, -0.14 * gap
        handles[LID_CREASES[side][column - 1]] = 0.42 * gap
        handles[UNDER_EYES[side][column - 1]] = -0.06 * gap
    hold_still(handles, [*LID_FOLDS[side], *BROW_POINTS, *NOSE])
    return handles


def squint_handles(neutral: Float) -> Handles:
    """Return the moves that narrow both eyes, from above and below."""
    handles: Handles = {}
    for side in (0, 1):
        for column, (upper, lower) in enumerate(zip(UPPER_LIDS[side], LOWER_LIDS[side], strict=True)):
            gap = neutral[lower] - neutral[upper]
            handles[upper], handles[lower] = 0.24 * gap, -0.26 * gap
            if 0 < column < 8:
                handles[UNDER_EYES[side][column - 1]] = -0.2 * gap
    hold_still(handles, [*BROW_POINTS, *NOSE])
    return handles


def brow_handles(eye_distance: float, inner: float, outer: tuple[float, float], pinch: float = 0.0) -> Handles:
    """Return the moves of the brows; the lids stay.

    Args:
        eye_distance: the unit of length in pixels.
        inner: how far the inner ends are raised, as a share of the eye distance; negative: lowered.
        outer: likewise the outer parts, left and right.
        pinch: how far the inner ends come together.
    """
    handles: Handles = {}
    for side, outward in ((0, -1.0), (1, 1.0)):
        handles.update(dict.fromkeys(BROW_INNER[side], np.array([-outward * pinch, -inner, _FOREHEAD_SLOPE * inner]) * eye_distance))
        for order, i in enumerate(BROW_OUTER[side]):
            mix = (0.0, 0.2, 0.65)[order % 3]  # the outer third towards the arch, which both parts lift
            raised = mix * inner * 0.5 + (1 - 0.5 * mix) * outer[side]
            handles[i] = np.array([-outward * pinch * 0.4 * mix, -raised, _FOREHEAD_SLOPE * raised]) * eye_distance
        lift = 0.5 * (inner + outer[side])
        for column, i in enumerate(LID_FOLDS[side]):
            handles[i] = np.array([0, -0.4 * (lift if column < 5 else inner), 0]) * eye_distance
    hold_still(handles, [*LID_POINTS, 6, 197, 195, 5, 4])
    return handles


def nose_handles(eye_distance: float) -> Handles:
    """Return the moves of a wrinkled nose: wings, upper lip and cheeks go up."""
    handles: Handles = {}
    for side, outward in ((0, -1.0), (1, 1.0)):
        handles.update(dict.fromkeys(NOSE_WINGS[side], np.array([outward * 0.012, -0.04, 0]) * eye_distance))
        handles.update(dict.fromkeys(CHEEKS[side], np.array([0, -0.018, 0]) * eye_distance))
    for curve in UPPER_LIP_CURVES:
        for column, i in enumerate(curve):
            handles[i] = np.array([0, -0.035 * max(0.0, 1 - (abs(column - 5) / 5) ** 3), 0]) * eye_distance
    hold_still(handles, [1, 4, 5, 6, 168, *points_of(LOWER_LIP_CURVES), *LID_POINTS, *CHIN])
    return handles
