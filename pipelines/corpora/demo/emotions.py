"""How each emotion looks and sounds: offsets of the rig's units, of pose and of the voice at full strength (level 3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.corpora.demo.action_units import Unit
from storage_schemas.identifiers import Emotion

LEVEL_STRENGTH = {1: 0.8, 2: 0.9, 3: 1.0}


@dataclass(frozen=True)
class EmotionStyle:
    """One emotion at full strength.

    Attributes:
        units: offsets of the rig's units.
        pitch_rad, roll_rad: offsets of the head's rotation.
        jaw_gain: how much wider than usual the mouth opens in speech.
        rate, pitch, pitch_range: factors of the voice's settings.
        liveliness: factor of head motion.
    """

    units: dict[Unit, float] = field(default_factory=dict)
    pitch_rad: float = 0.0
    roll_rad: float = 0.0
    jaw_gain: float = 1.0
    rate: float = 1.0
    pitch: float = 1.0
    pitch_range: float = 1.0
    liveliness: float = 1.0


STYLES: dict[Emotion, EmotionStyle] = {
    Emotion.ANGRY: EmotionStyle(
        {Unit.BROW_LOWER: 1.7, Unit.SQUINT: 0.9, Unit.NOSE_WRINKLE: 0.3, Unit.FROWN: 0.9, Unit.PRESS: 0.4, Unit.ROUND: 0.4},
        pitch_rad=0.08, jaw_gain=1.2, rate=1.08, pitch=0.95, pitch_range=1.4, liveliness=1.4,
    ),
    Emotion.CONTEMPT: EmotionStyle(
        {Unit.SMILE_RIGHT: 1.8, Unit.SMILE_LEFT: -0.6, Unit.LID_LEFT: 0.3, Unit.LID_RIGHT: 0.3, Unit.BROW_OUTER_LEFT: 0.9,
         Unit.BROW_LOWER: 0.25},
        pitch_rad=-0.08, roll_rad=0.09, jaw_gain=0.85, rate=0.95, pitch=0.9, pitch_range=0.8, liveliness=0.8,
    ),
    Emotion.DISGUSTED: EmotionStyle(
        {Unit.NOSE_WRINKLE: 1.5, Unit.UPPER_LIP: 0.65, Unit.BROW_LOWER: 0.5, Unit.SQUINT: 1.0, Unit.LOWER_LIP: 0.1},
        pitch_rad=-0.06, roll_rad=-0.06, jaw_gain=0.9, rate=0.92, pitch=0.9, pitch_range=1.1,
    ),
    Emotion.FEAR: EmotionStyle(
        {Unit.BROW_INNER: 1.35, Unit.BROW_OUTER_LEFT: 0.25, Unit.BROW_OUTER_RIGHT: 0.25, Unit.LID_LEFT: -0.4, Unit.LID_RIGHT: -0.4,
         Unit.WIDE: 0.95, Unit.JAW: 0.1, Unit.LOWER_LIP: 0.35, Unit.FROWN: 0.7},
        pitch_rad=-0.03, jaw_gain=0.9, rate=1.15, pitch=1.2, pitch_range=1.2, liveliness=1.2,
    ),
    Emotion.HAPPY: EmotionStyle(
        {Unit.SMILE_LEFT: 1.55, Unit.SMILE_RIGHT: 1.55, Unit.SQUINT: 0.55, Unit.BROW_OUTER_LEFT: 0.2, Unit.BROW_OUTER_RIGHT: 0.2,
         Unit.UPPER_LIP: 0.3, Unit.JAW: 0.08},
        pitch_rad=-0.02, jaw_gain=1.05, rate=1.05, pitch=1.12, pitch_range=1.5, liveliness=1.3,
    ),
    Emotion.NEUTRAL: EmotionStyle(),
    Emotion.SAD: EmotionStyle(
        {Unit.BROW_INNER: 1.3, Unit.BROW_LOWER: 0.15, Unit.LID_LEFT: 0.4, Unit.LID_RIGHT: 0.4, Unit.FROWN: 1.05, Unit.PRESS: 0.1},
        pitch_rad=0.11, roll_rad=0.05, jaw_gain=0.8, rate=0.84, pitch=0.85, pitch_range=0.6, liveliness=0.6,
    ),
    Emotion.SURPRISED: EmotionStyle(
        {Unit.BROW_INNER: 1.4, Unit.BROW_OUTER_LEFT: 1.4, Unit.BROW_OUTER_RIGHT: 1.4, Unit.LID_LEFT: -0.4, Unit.LID_RIGHT: -0.4,
         Unit.JAW: 0.3, Unit.ROUND: 0.25},
        pitch_rad=-0.06, jaw_gain=1.15, rate=1.0, pitch=1.2, pitch_range=1.6, liveliness=1.2,
    ),
}  # fmt: skip
EMOTIONS = tuple(STYLES)
"""The eight emotions in the order in which clips cycle through them."""
