"""The action units of the rig: the movements a face is made to make."""

from __future__ import annotations

from enum import StrEnum


class Unit(StrEnum):
    """Action units; 1 is a strong movement, in the unit's named direction."""

    JAW = "jaw"
    SEAL = "seal"  # brings lips that the jaw has parted together again; scaled by the jaw
    ROUND = "round"
    WIDE = "wide"
    PRESS = "press"
    BITE = "bite"  # lower lip under the upper teeth, as in f and v
    SMILE_LEFT = "smile_left"
    SMILE_RIGHT = "smile_right"
    FROWN = "frown"
    UPPER_LIP = "upper_lip"  # raised
    LOWER_LIP = "lower_lip"  # lowered
    LID_LEFT = "lid_left"  # closed; negative: opened wider
    LID_RIGHT = "lid_right"
    SQUINT = "squint"
    BROW_INNER = "brow_inner"  # raised
    BROW_OUTER_LEFT = "brow_outer_left"
    BROW_OUTER_RIGHT = "brow_outer_right"
    BROW_LOWER = "brow_lower"
    NOSE_WRINKLE = "nose_wrinkle"


UNITS = tuple(Unit)
"""All units in the order of every array of coefficients."""
