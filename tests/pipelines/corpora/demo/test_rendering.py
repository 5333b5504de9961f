"""A frame shows what its coefficients say, at the landmarks it names."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.emotions import EMOTIONS, LEVEL_STRENGTH, STYLES
from pipelines.corpora.demo.portrait import Float, Image
from pipelines.corpora.demo.rendering import FaceRenderer, FrameMotion
from pipelines.corpora.demo.speakers import SPEAKERS, speaker_portrait


@pytest.fixture(scope="module")
def renderer() -> FaceRenderer:
    return FaceRenderer(speaker_portrait(SPEAKERS[0], 256), SPEAKERS[0].shape)


def _render(renderer: FaceRenderer, *, gaze: tuple[float, float] = (0, 0), yaw_rad: float = 0.0, **units: float) -> tuple[Image, Float]:
    coefficients = np.zeros(len(UNITS))
    for name, value in units.items():
        coefficients[UNITS.index(Unit(name))] = value
    return renderer.render(FrameMotion(coefficients, np.array(gaze, dtype=np.float64), 0.0, np.array([yaw_rad, 0, 0, 0, 0, 0])))


def _around(image: Image, points: Float, half_px: int = 3) -> Float:
    x, y = np.round(points[:2]).astype(int)
    return image[y - half_px : y + half_px + 1, x - half_px : x + half_px + 1].astype(np.float64)


def test_shapes(renderer: FaceRenderer) -> None:
    image, landmarks = _render(renderer)
    assert image.shape == (256, 256, 3)
    assert image.dtype == np.uint8
    assert landmarks.shape == (478, 3)


def test_an_open_mouth_is_dark_inside_and_a_closed_one_is_not(renderer: FaceRenderer) -> None:
    opened, points = _render(renderer, jaw=0.8)
    middle = points[[13, 14]].mean(axis=0) + np.array([0, 4, 0])
    closed, _ = _render(renderer)
    assert _around(opened, middle, 2).mean() < 0.6 * _around(closed, middle, 2).mean()


def test_closed_lids_hide_the_iris(renderer: FaceRenderer) -> None:
    opened, points = _render(renderer)
    closed, _ = _render(renderer, lid_left=1, lid_right=1)
    assert _around(closed, points[468], 2).mean() > 1.25 * _around(opened, points[468], 2).mean()


def test_gaze_moves_the_irises_alone(renderer: FaceRenderer) -> None:
    _, ahead = _render(renderer)
    _, aside = _render(renderer, gaze=(0.03, 0))
    moved = aside - ahead
    assert np.all(moved[:468] == 0)
    assert moved[468:, 0] == pytest.approx(np.full(10, 0.03 * renderer.rig.eye_distance))


def test_the_same_motion_gives_the_same_frame(renderer: FaceRenderer) -> None:
    first, _ = _render(renderer, yaw_rad=0.1, smile_left=1)
    _render(renderer, jaw=1)
    again, _ = _render(renderer, yaw_rad=0.1, smile_left=1)
    assert np.array_equal(first, again)


def test_speakers_look_different() -> None:
    faces = [speaker_portrait(speaker, 128).image.astype(int) for speaker in SPEAKERS]
    for k, face in enumerate(faces):
        assert all(np.abs(face - other).mean() > 8 for other in faces[k + 1 :])


def test_every_two_emotions_are_apart_at_their_mildest(renderer: FaceRenderer) -> None:
    """By the largest distance of a landmark, in eye distances: a viewer tells faces apart by a corner of the mouth or by a brow."""
    faces = {}
    for emotion in EMOTIONS:
        units = {unit.value: min(LEVEL_STRENGTH.values()) * offset for unit, offset in STYLES[emotion].units.items()}
        faces[emotion] = _render(renderer, **units)[1] / renderer.rig.eye_distance
    for first, second in combinations(EMOTIONS, 2):
        assert np.linalg.norm(faces[first] - faces[second], axis=1).max() > 0.055, (first, second)
