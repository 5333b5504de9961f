from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

from pipelines.face_model.reference import TriangleGroup, load_reference_face


def test_skin_triangles_are_the_tessellation() -> None:
    face = load_reference_face()
    skin = face.triangles[face.triangle_groups == TriangleGroup.SKIN]
    edges = Counter(frozenset(edge) for triangle in skin.tolist() for edge in combinations(triangle, 2))
    assert len(skin) == 852
    assert set(edges) == {frozenset(edge) for edge in FACEMESH_TESSELATION}
    # an edge belongs to two triangles, or to one on the rim of the face (36), an eye (16 each) or the mouth (20)
    assert Counter(edges.values()) == {2: 1234, 1: 88}


def test_the_closed_surface_has_one_rim_only() -> None:
    face = load_reference_face()
    closed = face.triangles[face.triangle_groups != TriangleGroup.IRIS]
    edges = Counter(frozenset(edge) for triangle in closed.tolist() for edge in combinations(triangle, 2))
    assert sum(count == 1 for count in edges.values()) == 36
    assert max(edges.values()) == 2


def test_triangles_face_the_camera_and_go_round_the_same_way() -> None:
    face = load_reference_face()
    corners = face.points[face.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (normals[:, 2] > 0).all()
    directed = Counter(
        (t[i], t[(i + 1) % 3]) for t in face.triangles[face.triangle_groups != TriangleGroup.IRIS].tolist() for i in range(3)
    )
    assert max(directed.values()) == 1


def test_axes_unit_and_symmetry() -> None:
    face = load_reference_face()
    right, left, nose, chin = face.points[[33, 263, 1, 152]]
    assert np.allclose(right, [-0.5, 0, 0], atol=1e-4)
    assert np.allclose(left, [0.5, 0, 0], atol=1e-4)
    assert nose[2] > 0.3  # towards the camera
    assert chin[1] < -1  # down
    mirrored = face.points[face.mirror] * np.array([-1.0, 1, 1])
    assert np.abs(mirrored - face.points).max() < 2e-4
    assert not face.points.flags.writeable


def test_depth_agrees_with_mediapipes_canonical_face(shared_data: Path) -> None:
    lines = (shared_data / "models/canonical_face_model.obj").read_text().splitlines()
    canonical = np.array([[float(value) for value in line.split()[1:]] for line in lines if line.startswith("v ")])
    canonical /= np.linalg.norm(canonical[33] - canonical[263])
    ours = load_reference_face().points[:468]
    slope = np.polyfit(canonical[:, 2], ours[:, 2], 1)[0]
    assert 0.93 < slope < 1.07
    assert np.corrcoef(canonical[:, 2], ours[:, 2])[0, 1] > 0.99
