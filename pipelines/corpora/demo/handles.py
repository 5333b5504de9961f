"""Handles: points of the face mesh that a movement takes to given places; the rest of the mesh follows them (see `rig`)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipelines.corpora.demo.face_regions import BROW_INNER, BROW_OUTER, LID_CREASES, LID_FOLDS, LOWER_LIDS, UNDER_EYES, UPPER_LIDS
from pipelines.corpora.demo.portrait import Float

Handles = dict[int, Float]
"""Displacement (3,) in frame pixels of each point that is held."""


def hold_still(handles: Handles, indices: Iterable[int]) -> None:
    """Hold points where they are, except those that have a displacement already."""
    for i in indices:
        handles.setdefault(i, np.zeros(3))


def points_of(curves: Iterable[Iterable[int]]) -> list[int]:
    """Return the points of several curves in one list."""
    return [i for curve in curves for i in curve]


LID_POINTS = points_of([*UPPER_LIDS, *LOWER_LIDS])
EYE_POINTS = points_of([*UPPER_LIDS, *LOWER_LIDS, *LID_CREASES, *LID_FOLDS, *UNDER_EYES])
BROW_POINTS = points_of([*BROW_INNER, *BROW_OUTER])
