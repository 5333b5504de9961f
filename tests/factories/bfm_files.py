"""A BFM_model_front.mat in Deep3DFaceRecon's layout, with invented numbers: the real one may not be passed on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.io import savemat

from pipelines.face_model.landmark_points import MEDIAPIPE_OF_68
from pipelines.face_model.reference import TriangleGroup, load_reference_face

UNIT = 0.87
SHIFT = np.array([0.02, 0.3, 0.6])


def bfm_arrays() -> dict[str, np.ndarray]:
    """Return the arrays of the file; the mean face is the reference face in other units, every triangle clockwise."""
    face = load_reference_face()
    points = face.points[:468]
    rng = np.random.default_rng(0)
    triangles = face.triangles[face.triangle_groups == TriangleGroup.SKIN]
    wave = np.sin(points @ rng.normal(size=(3, 144)) * 2 + rng.uniform(0, 6, 144))
    bases = (wave[:, None] * rng.normal(0, 0.01, (3, 144))).reshape(-1, 144)
    return {
        "meanshape": ((points * UNIT) + SHIFT).reshape(1, -1),
        "idBase": bases[:, :80].astype(np.float32),
        "exBase": bases[:, 80:].astype(np.float32),
        "texBase": np.zeros((468 * 3, 80), np.float32),
        "meantex": np.zeros((1, 468 * 3)),
        "tri": triangles[:, ::-1].astype(np.float64) + 1,
        "point_buf": np.ones((468, 8)),
        "keypoints": np.array([MEDIAPIPE_OF_68], dtype=np.float64) + 1,
    }


def write_bfm(path: Path, *, without: tuple[str, ...] = (), **changed: np.ndarray) -> Path:
    """Write the file, less some keys and with others changed."""
    arrays = {**bfm_arrays(), **changed}
    savemat(path, {key: value for key, value in arrays.items() if key not in without})
    return path
