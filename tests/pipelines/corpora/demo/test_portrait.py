"""The portrait comes with scikit-image, and its mesh is what MediaPipe finds on it."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import skimage

from pipelines.corpora.demo.portrait import face_triangles, load_portrait, mirror_indices, portrait_landmarks


def test_the_portrait_lies_in_the_wheel() -> None:
    assert (Path(skimage.__file__).parent / "data" / "astronaut.png").is_file()


def test_the_frame_is_square_and_upright() -> None:
    portrait = load_portrait(256)
    assert portrait.image.shape == (256, 256, 3)
    eyes = portrait.points[[33, 263], :2]
    assert abs(eyes[0, 1] - eyes[1, 1]) < 3
    assert portrait.points[468:, :2].min() > 80


def test_mirroring_twice_changes_nothing_and_exchanges_the_eyes() -> None:
    mirror = mirror_indices()
    assert np.array_equal(mirror[mirror], np.arange(478))
    assert mirror[33] == 263
    assert mirror[61] == 291
    plain, mirrored = load_portrait(256), load_portrait(256, mirrored=True)
    assert np.array_equal(plain.image[:, ::-1], mirrored.image)
    assert mirrored.points[33, 0] == pytest.approx(255 - plain.points[263, 0])
    assert mirrored.points[33, 0] < mirrored.points[263, 0]


def test_coordinates_of_a_512_px_frame_are_those_of_the_portrait() -> None:
    portrait = load_portrait(512)
    landmarks = portrait_landmarks()
    assert portrait.to_frame(landmarks[:, :2]) == pytest.approx(portrait.points[:, :2])


def test_triangles_are_the_faces_of_mediapipes_tesselation() -> None:
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION  # noqa: PLC0415 - slow

    edges = {tuple(sorted(edge)) for edge in FACEMESH_TESSELATION}
    triangles = face_triangles()
    used = Counter(tuple(sorted((int(a), int(b)))) for t in triangles for a, b in itertools.combinations(t, 2))
    assert set(used) == edges
    assert max(used.values()) == 2
    assert len(triangles) == 852
    assert 468 - len(edges) + len(triangles) == 1 - 3  # a disc with three holes: two eyes and the mouth


def test_landmarks_are_those_of_the_network() -> None:
    import mediapipe  # noqa: PLC0415

    portrait = load_portrait(960)
    with mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True) as network:
        found = network.process(portrait.image).multi_face_landmarks[0].landmark
    points = np.array([(point.x * 960, point.y * 960) for point in found])
    assert np.linalg.norm(points - portrait.points[:, :2], axis=1).mean() < 0.6 * portrait.scale
