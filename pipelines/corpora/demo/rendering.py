"""Draws one frame of a talking head from the coefficients of its rig and its pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.eye_layer import EyeLayer
from pipelines.corpora.demo.head_mesh import HeadMesh, build_head_mesh
from pipelines.corpora.demo.head_pose import nearness, place_head, rotation_matrix
from pipelines.corpora.demo.lighting import TurningLight
from pipelines.corpora.demo.mouth_layer import MouthLayer
from pipelines.corpora.demo.portrait import FACE_POINTS, Float, Image, Portrait
from pipelines.corpora.demo.rig import Rig, build_rig, face_shape
from pipelines.corpora.demo.skin_texture import SkinTexture
from pipelines.corpora.demo.speakers import FaceShape, shaped
from pipelines.corpora.demo.warping import PiecewiseWarp

_JAW = UNITS.index(Unit.JAW)
_ROUND = UNITS.index(Unit.ROUND)
_SMILES = (UNITS.index(Unit.SMILE_LEFT), UNITS.index(Unit.SMILE_RIGHT))


@dataclass(frozen=True)
class FrameMotion:
    """What one frame shows.

    Attributes:
        units: float64 (units,) coefficients in the order of `UNITS`.
        gaze: float64 (2,) shift of the irises right and down, as shares of the eye distance.
        tongue: 0 (at rest) to 1 (at the upper teeth).
        pose: float64 (6,) yaw, pitch, roll in radians, then the translation in frame pixels.
    """

    units: Float
    gaze: Float
    tongue: float
    pose: Float


class FaceRenderer:
    """Renders frames of one speaker; keeps buffers, so use one per thread."""

    def __init__(self, portrait: Portrait, shape: FaceShape) -> None:
        self._portrait = portrait
        self._shape = shape
        self.mesh: HeadMesh = build_head_mesh(portrait)
        self.rig: Rig = self._shaped_rig()
        self._skin = SkinTexture(portrait)
        self._warp = PiecewiseWarp(self.mesh.vertices[:, :2], self.mesh.triangles, self.mesh.hole_count, portrait.size_px)
        self._eyes = (EyeLayer(portrait, 0), EyeLayer(portrait, 1))
        self._mouth = MouthLayer(portrait)
        self._light = TurningLight(self.mesh, mirrored=portrait.mirrored)

    def render(self, motion: FrameMotion) -> tuple[Image, Float]:
        """Return the frame, RGB uint8 (size, size, 3), and the 478 landmarks as drawn, float64 (478, 3) in frame pixels."""
        size = self._portrait.size_px
        vertices = place_head(face_shape(self.rig, motion.units), self.mesh.follow, self.mesh, size, motion.pose)
        smile = float(np.mean(motion.units[list(_SMILES)]))
        rotation, scale = rotation_matrix(*motion.pose[:3]), nearness(motion.pose, size)
        image = self._warp.warp(self._skin.at(smile), vertices, self._light.brightness(rotation))
        irises = []
        for eye in self._eyes:
            centre, gaze = self._on_skull(eye.iris_rest[0], motion.pose), motion.gaze * self.rig.eye_distance
            eye.draw(image, vertices, gaze, rotation, centre, scale)
            irises.append(eye.iris_now(gaze, rotation, centre, scale))
        self._draw_mouth(image, vertices, motion, rotation)
        return image, np.concatenate([vertices[:FACE_POINTS], *irises])

    def _shaped_rig(self) -> Rig:
        rig = build_rig(self.mesh)
        neutral = self._shaped(rig.neutral, self.mesh.follow)
        moved = [self._shaped(rig.neutral + unit, self.mesh.follow) - neutral for unit in rig.basis]
        return Rig(np.round(neutral, 3), np.round(np.stack(moved), 3), rig.eye_distance)

    def _shaped(self, points: Float, follow: Float) -> Float:
        face = self.mesh.vertices
        eyes_y, chin_y = float(face[[33, 263], 1].mean()), float(face[152, 1])
        return shaped(points, follow, self._shape, float(self.mesh.pivot[0]), eyes_y, chin_y)

    def _on_skull(self, point: Float, pose: Float) -> Float:
        """Return where a point (3,) of the portrait's skull is in a pose."""
        shaped_point = self._shaped(point[None], np.ones(1))
        return np.asarray(place_head(shaped_point, np.ones(1), self.mesh, self._portrait.size_px, pose)[0])

    def _draw_mouth(self, image: Image, vertices: Float, motion: FrameMotion, rotation: Float) -> None:
        rest = self._mouth.skull_rest
        jaw = np.array([rest[0], self.rig.neutral[14, 1], rest[2]]) + motion.units[_JAW] * self.rig.basis[_JAW, 17]
        skull_now = self._on_skull(rest, motion.pose)
        jaw_now = place_head(jaw[None], np.ones(1), self.mesh, self._portrait.size_px, motion.pose)[0]
        self._mouth.draw(image, vertices, rotation, skull_now, jaw_now, motion.tongue, float(motion.units[_ROUND]))
