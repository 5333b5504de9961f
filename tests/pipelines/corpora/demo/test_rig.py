"""Each unit does what its name says, and reaches no farther than it should."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.corpora.demo.action_units import UNITS, Unit
from pipelines.corpora.demo.head_mesh import build_head_mesh
from pipelines.corpora.demo.portrait import Float, load_portrait
from pipelines.corpora.demo.rig import Rig, build_rig, face_shape


@pytest.fixture(scope="module")
def rig() -> Rig:
    return build_rig(build_head_mesh(load_portrait(256)))


def _face(rig: Rig, **units: float) -> Float:
    coefficients = np.zeros(len(UNITS))
    for name, value in units.items():
        coefficients[UNITS.index(Unit(name))] = value
    return face_shape(rig, coefficients) / rig.eye_distance


def _gap(face: Float) -> float:
    return float(face[14, 1] - face[13, 1])


def _width(face: Float) -> float:
    return float(face[291, 0] - face[61, 0])


def _eye(face: Float) -> float:
    return float(face[145, 1] - face[159, 1])


def test_neutral_lips_are_closed_and_level(rig: Rig) -> None:
    face = _face(rig)
    assert abs(_gap(face)) < 0.003
    assert _width(face) == pytest.approx(0.6, abs=0.01)
    assert abs(face[[61, 291], 1].mean() - face[[13, 14], 1].mean()) < 0.02  # the portrait's smile is gone


def test_jaw_opens_and_seal_closes(rig: Rig) -> None:
    assert _gap(_face(rig, jaw=0.5)) > 0.15
    assert abs(_gap(_face(rig, jaw=0.5, seal=0.5))) < 0.01
    assert _face(rig, jaw=0.5)[152, 1] > _face(rig)[152, 1] + 0.1


def test_lips_round_and_widen(rig: Rig) -> None:
    assert _width(_face(rig, round=1)) < 0.75 * _width(_face(rig)) < _width(_face(rig, wide=1)) * 0.75


def test_lids_close_and_open_wide(rig: Rig) -> None:
    at_rest = _eye(_face(rig))
    assert abs(_eye(_face(rig, lid_left=1))) < 0.01
    assert _eye(_face(rig, lid_left=-0.3)) > 1.2 * at_rest
    assert _eye(_face(rig, lid_right=1)) == pytest.approx(at_rest, abs=0.003)


def test_corners_and_brows_go_where_they_should(rig: Rig) -> None:
    rest = _face(rig)
    smile, frown = _face(rig, smile_left=1, smile_right=1), _face(rig, frown=1)
    assert np.all(smile[[61, 291], 1] < rest[[61, 291], 1] - 0.05)
    assert np.all(frown[[61, 291], 1] > rest[[61, 291], 1] + 0.03)
    assert np.all(_face(rig, smile_right=1)[61] == pytest.approx(rest[61], abs=0.01))
    assert _face(rig, brow_inner=1)[107, 1] < rest[107, 1] - 0.05
    assert _face(rig, brow_lower=1)[107, 1] > rest[107, 1] + 0.03


def test_units_move_the_face_only(rig: Rig) -> None:
    reach = np.abs(rig.basis[:, 468:]).max(axis=(0, 2))
    far = np.linalg.norm(rig.neutral[468:, :2] - rig.neutral[1, :2], axis=1) > 1.6 * rig.eye_distance
    assert np.all(reach[far] == 0)
    assert np.abs(rig.basis).max() < 0.5 * rig.eye_distance


def test_the_mirrored_rig_mirrors(rig: Rig) -> None:
    mirrored = build_rig(build_head_mesh(load_portrait(256, mirrored=True)))
    left = rig.basis[UNITS.index(Unit.SMILE_LEFT), 61]
    right = mirrored.basis[UNITS.index(Unit.SMILE_RIGHT), 291]
    assert right == pytest.approx(left * (-1, 1, 1), abs=0.05)
