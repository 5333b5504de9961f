"""The Basel Face Model as the user has it: ``BFM_model_front.mat`` in the layout of Deep3DFaceRecon_pytorch.

Its licence forbids passing it on, so it is never part of this project; the user names the file. Kept are the shape parts and
the 68 keypoints, which stand for 68 of MediaPipe's landmarks (`landmark_points.MEDIAPIPE_OF_68`). Bases are those of the file,
already multiplied by their standard deviations, so alpha and beta are the numbers that Deep3DFaceRecon extracts; lengths are
divided by the distance of the outer eye corners (keypoints 36 and 45) of the mean face, and the origin moves midway between them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from pipelines.face_model.alignment import rigid_weights
from pipelines.face_model.basis import EXPRESSION_MODES, IDENTITY_MODES, FaceModel
from pipelines.face_model.camera import PerspectiveCamera
from pipelines.face_model.landmark_points import MEDIAPIPE_OF_68
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import file_sha256

REQUIRED_KEYS = ("meanshape", "idBase", "exBase", "tri", "keypoints")
_RIGHT_CORNER, _LEFT_CORNER = 36, 45
_HOW_TO_GET = (
    "apply for the Basel Face Model 2009 at https://faces.dmi.unibas.ch/bfm/main.php?nav=1-2&id=downloads, and make "
    "BFM_model_front.mat from it as the README of https://github.com/sicxu/Deep3DFaceRecon_pytorch says; "
    "or use the learned face model, which needs no licence"
)


def read_bfm(path: Path) -> FaceModel:
    """Read the Basel Face Model.

    Raises:
        BadInputError: if the file is missing or unreadable, lacks keys (all are listed), or has arrays of unexpected size; the
            message says where to apply for the model.
    """
    arrays = _load(path)
    vertices = arrays["meanshape"].size // 3
    expected = {
        "meanshape": (vertices * 3,),
        "idBase": (vertices * 3, IDENTITY_MODES),
        "exBase": (vertices * 3, EXPRESSION_MODES),
        "tri": (arrays["tri"].size // 3, 3),
        "keypoints": (len(MEDIAPIPE_OF_68),),
    }
    problems = [f"{name} must be {shape}, found {arrays[name].shape}" for name, shape in expected.items() if arrays[name].shape != shape]
    indices = {"tri": arrays["tri"], "keypoints": arrays["keypoints"]}
    problems += [f"{name} must count vertices from 1 to {vertices}" for name, values in indices.items() if not _counts(values, vertices)]
    if problems:
        raise BadInputError(f"{path}: {'; '.join(problems)}; {_HOW_TO_GET}")
    return _model(arrays, file_sha256(path))


def bfm_camera(model: FaceModel) -> PerspectiveCamera:
    """Return Deep3DFaceRecon's camera with the unit and origin of a model read by `read_bfm`."""
    return PerspectiveCamera(unit_per_iod=model.meta["unit_per_iod"], origin=tuple(model.meta["origin"]))


def _load(path: Path) -> dict[str, NDArray[Any]]:
    if not path.is_file():
        raise BadInputError(f"{path}: there is no such file; {_HOW_TO_GET}")
    try:
        content = loadmat(path)
    except Exception as error:  # loadmat raises anything on a damaged file
        raise BadInputError(f"{path}: not a readable MATLAB file: {type(error).__name__}: {error}; {_HOW_TO_GET}") from error
    missing = [key for key in REQUIRED_KEYS if key not in content]
    if missing:
        found = sorted(key for key in content if not key.startswith("__"))
        raise BadInputError(
            f"{path}: lacks {', '.join(missing)} of the keys of BFM_model_front.mat (found {', '.join(found)}); {_HOW_TO_GET}"
        )
    flat = {key: content[key].reshape(-1) for key in ("meanshape", "keypoints")}
    return {**{key: content[key] for key in REQUIRED_KEYS}, **flat}


def _counts(values: NDArray[Any], vertices: int) -> bool:
    return bool(np.issubdtype(values.dtype, np.number) and values.size and values.min() >= 1 and values.max() <= vertices)


def _model(arrays: dict[str, NDArray[Any]], file_sha256: str) -> FaceModel:
    mean = arrays["meanshape"].astype(np.float64).reshape(-1, 3)
    # Deep3DFaceRecon takes the vertices' centre as the origin of its world.
    mean = mean - mean.mean(axis=0)
    keypoints = arrays["keypoints"].astype(np.int32) - 1
    corners = mean[keypoints[[_RIGHT_CORNER, _LEFT_CORNER]]]
    unit, origin = float(np.linalg.norm(corners[0] - corners[1])), corners.mean(axis=0)
    triangles = _facing_camera(arrays["tri"].astype(np.int32) - 1, mean)
    weights = rigid_weights()[list(MEDIAPIPE_OF_68)]
    return FaceModel(
        source="bfm",
        mean=((mean - origin) / unit).astype(np.float32),
        identity_basis=(arrays["idBase"].reshape(len(mean), 3, -1) / unit).astype(np.float32),
        identity_stddevs=np.ones(IDENTITY_MODES, dtype=np.float32),
        expression_basis=(arrays["exBase"].reshape(len(mean), 3, -1) / unit).astype(np.float32),
        expression_stddevs=np.ones(EXPRESSION_MODES, dtype=np.float32),
        triangles=triangles,
        triangle_groups=np.zeros(len(triangles), dtype=np.uint8),
        landmarks=np.array(MEDIAPIPE_OF_68, dtype=np.int32),
        landmark_vertices=keypoints,
        pose_weights=(weights / weights.sum()).astype(np.float32),
        meta={"file_sha256": file_sha256, "unit_per_iod": unit, "origin": origin.tolist()},
    )


def _facing_camera(triangles: NDArray[np.int32], points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return the triangles counter-clockwise seen from the camera; a file has all one way round."""
    first, second, third = (points[triangles[:, corner], :2] for corner in range(3))
    edge, other = second - first, third - first
    turned = float((edge[:, 0] * other[:, 1] - edge[:, 1] * other[:, 0]).sum()) < 0
    return np.ascontiguousarray(triangles[:, ::-1]) if turned else triangles
