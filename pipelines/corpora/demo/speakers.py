"""The demo speakers: one portrait made into four people by mirroring, colours, light, face shape and voice."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.corpora.demo.face_regions import FACE_CONTOUR, LOWER_LIDS, LOWER_LIP_CURVES, UPPER_LIDS, UPPER_LIP_CURVES
from pipelines.corpora.demo.head_mesh import head_polygon
from pipelines.corpora.demo.layers import Float32, Window, blurred, soft_polygon
from pipelines.corpora.demo.portrait import Float, Image, Portrait, load_portrait
from pipelines.corpora.demo.speech import Voice

Rgb = tuple[float, float, float]
_WHITE: Rgb = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class FaceShape:
    """Scales of the head: width at the eyes and above, width at the chin, length below the eyes."""

    upper_width: float = 1.0
    jaw_width: float = 1.0
    lower_length: float = 1.0


@dataclass(frozen=True)
class Speaker:
    """One demo speaker.

    Attributes:
        name: folder name, like MEAD's M003.
        mirrored: whether the portrait is mirrored.
        skin, hair, background: factors of red, green and blue.
        side_light: brightness gained on the right of the frame and lost on the left; negative: the other way.
        shape: scales of the head.
        voice: how the speaker sounds when calm.
    """

    name: str
    voice: Voice
    mirrored: bool = False
    skin: Rgb = _WHITE
    hair: Rgb = _WHITE
    background: Rgb = _WHITE
    side_light: float = 0.0
    shape: FaceShape = FaceShape()


# Voices without espeak-ng's `breath` (f2, f3 and f5 have it): with it, the samples of a sentence differ from run to run.
SPEAKERS = (
    Speaker("D001", Voice("en-us+f1", 172, 52, 55)),
    Speaker(
        "D002", Voice("en-gb-x-rp+f4", 165, 38, 50), mirrored=True, skin=(0.74, 0.62, 0.54), hair=(0.40, 0.36, 0.36),
        background=(0.72, 0.84, 0.98), shape=FaceShape(1.02, 0.93, 1.05),
    ),
    Speaker(
        "D003", Voice("en-us+linda", 180, 62, 60), skin=(1.04, 0.98, 0.95), hair=(0.92, 0.60, 0.46),
        background=(0.86, 0.95, 0.80), side_light=0.16, shape=FaceShape(1.03, 1.10, 0.96),
    ),
    Speaker(
        "D004", Voice("en-gb-scotland+steph", 160, 45, 45), mirrored=True, skin=(0.93, 0.80, 0.68), hair=(0.80, 0.85, 0.96),
        background=(0.60, 0.58, 0.62), side_light=-0.14, shape=FaceShape(0.95, 0.95, 1.02),
    ),
)  # fmt: skip


def speaker_portrait(speaker: Speaker, size_px: int) -> Portrait:
    """Return the portrait in the speaker's colours and light, mirrored if they are; the shape is left to `shaped`."""
    portrait = load_portrait(size_px, mirrored=speaker.mirrored)
    return Portrait(_graded(portrait, speaker), portrait.points, portrait.scale, portrait.mirrored)


def shaped(points: Float, follow: Float, shape: FaceShape, centre_x: float, eyes_y: float, chin_y: float) -> Float:
    """Return points (n, 3) with the head's scales applied, as far as each point follows the head."""
    down = np.clip((points[:, 1] - eyes_y) / (chin_y - eyes_y), 0, 1.2)
    width = shape.upper_width + (shape.jaw_width - shape.upper_width) * down
    moved = points.copy()
    moved[:, 0] = centre_x + (points[:, 0] - centre_x) * width
    moved[:, 1] += (shape.lower_length - 1) * np.maximum(0, points[:, 1] - eyes_y)
    return np.asarray(points + follow[:, None] * (moved - points))


def _graded(portrait: Portrait, speaker: Speaker) -> Image:
    size = portrait.size_px
    hair, skin = _hair_and_skin(portrait)
    eyes_and_teeth = _eyes_and_teeth(portrait)
    skin *= 1 - eyes_and_teeth
    rest = np.clip(1 - hair - skin - eyes_and_teeth, 0, 1)
    covers = ((hair, speaker.hair), (skin, speaker.skin), (rest, speaker.background), (eyes_and_teeth, _in_shade(speaker.skin)))
    gain = sum(cover[..., None] * np.array(colour, dtype=np.float32) for cover, colour in covers)
    light = 1 + speaker.side_light * np.linspace(-1, 1, size, dtype=np.float32)[None, :, None]
    return np.asarray(np.clip(portrait.image * gain * light, 0, 255), dtype=np.uint8)


def _in_shade(skin: Rgb) -> Rgb:
    """Return the factor for white things in a face: a third of the way to the skin's brightness, without its colour."""
    grey = 1 + (sum(skin) / 3 - 1) / 3
    return (grey, grey, grey)


def _eyes_and_teeth(portrait: Portrait) -> Float32:
    whole = Window(0, 0, portrait.size_px, portrait.size_px)
    openings = [[*upper, *reversed(lower[1:-1])] for upper, lower in zip(UPPER_LIDS, LOWER_LIDS, strict=True)]
    openings.append([*UPPER_LIP_CURVES[-1], *reversed(LOWER_LIP_CURVES[-1][1:-1])])
    cover = np.max([soft_polygon(portrait.points[edge, :2], whole) for edge in openings], axis=0)
    return blurred(cover.astype(np.float32), 0.7 * portrait.size_px / 512)


def _hair_and_skin(portrait: Portrait) -> tuple[Float32, Float32]:
    """Return soft masks (size, size) 0..1: skin is reddish and light, hair is what else the outline of the head holds."""
    size, unit = portrait.size_px, portrait.size_px / 512
    whole = Window(0, 0, size, size)
    head = soft_polygon(head_polygon(portrait), whole)
    face = soft_polygon(portrait.points[list(FACE_CONTOUR), :2], whole)
    brow_y = portrait.points[[105, 334], 1].mean()
    rows = np.arange(size)[:, None]
    light = cv2.GaussianBlur(portrait.image, (0, 0), 2.5 * unit).astype(np.float32).mean(axis=-1)
    fringe = face * (rows < brow_y - 4 * unit) * (light < 150)
    saturated = cv2.GaussianBlur(portrait.image, (0, 0), 2.0 * unit).astype(np.float32)
    neck = (rows > portrait.points[152, 1] - 45 * unit) * (1 - face) * (light > 70) * (saturated[..., 0] - saturated[..., 2] > 25)
    neck = neck * (rows < portrait.points[152, 1] + 40 * unit) * (np.abs(np.arange(size)[None] - size / 2) < 85 * unit)
    ears = (head - face).clip(0, 1) * (rows > 265 * unit) * (light > 120)
    hair = blurred(np.clip((head - face).clip(0, 1) - ears + fringe, 0, 1).astype(np.float32), 2.0 * unit)
    skin = blurred(np.clip(face - fringe + neck + ears, 0, 1).astype(np.float32), 2.0 * unit)
    return hair, np.minimum(skin, 1 - hair)
