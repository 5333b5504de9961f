"""The face model: a mean shape, identity and expression directions, and how they meet MediaPipe's landmarks.

A face is ``mean + identity_basis @ alpha + expression_basis @ beta``. Axes: x right in the image, y up, z towards the camera
(right-handed); origin midway between the outer eye corners of the mean face, whose distance is the unit of length. Coefficients
are in the basis' own units: `expression_stddevs` says how large each usually is (all 1 for a BFM, as in Deep3DFaceRecon).

Stored as one safetensors file: the arrays and, under the metadata key "face_model", canonical JSON of the rest. A model's id is
a hash of that content, so it names the same numbers everywhere.
"""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipelines.face_model.rotations import FloatArray
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import canonical_json_bytes

FACE_MODEL_FORMAT = 1
EXPRESSION_MODES = 64
IDENTITY_MODES = 80
_METADATA_KEY = "face_model"

Float32Array = NDArray[np.float32]
Int32Array = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear face model; arrays are read-only.

    Attributes:
        source: "learned" or "bfm".
        mean: (vertices, 3) float32.
        identity_basis: (vertices, 3, identity modes) float32.
        identity_stddevs: (identity modes,) float32, above 0.
        expression_basis: (vertices, 3, 64) float32.
        expression_stddevs: (64,) float32, above 0.
        triangles: (triangles, 3) int32 vertex numbers, counter-clockwise seen from the camera.
        triangle_groups: (triangles,) uint8, `reference.TriangleGroup`.
        landmarks: (points,) int32, the MediaPipe landmarks that the model accounts for, ascending where they are all 478.
        landmark_vertices: (points,) int32, the vertex of each.
        pose_weights: (points,) float32, how much each counts for the head's pose; its sum is 1.
        meta: JSON values: where the model comes from and the figures of its making.
    """

    source: str
    mean: Float32Array
    identity_basis: Float32Array
    identity_stddevs: Float32Array
    expression_basis: Float32Array
    expression_stddevs: Float32Array
    triangles: Int32Array
    triangle_groups: NDArray[np.uint8]
    landmarks: Int32Array
    landmark_vertices: Int32Array
    pose_weights: Float32Array
    meta: dict[str, Any]

    def __post_init__(self) -> None:
        _check_shapes(self)
        for name in ARRAY_NAMES:
            array = np.ascontiguousarray(getattr(self, name))
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @cached_property
    def model_id(self) -> str:
        """Source, dash and 16 hex digits of the SHA-256 of the content."""
        digest = hashlib.sha256(_description(self))
        for name in ARRAY_NAMES:
            digest.update(getattr(self, name).tobytes())
        return f"{self.source}-{digest.hexdigest()[:16]}"

    def shape(self, identity: FloatArray, expression: FloatArray) -> FloatArray:
        """Return faces (..., vertices, 3) in model units.

        Args:
            identity: (..., identity modes) alpha.
            expression: (..., 64) beta; leading axes broadcast against those of `identity`.
        """
        vertices = self.mean.shape[0]
        identities = np.asarray(identity, dtype=np.float64) @ self.identity_basis.reshape(vertices * 3, -1).T
        expressions = np.asarray(expression, dtype=np.float64) @ self.expression_basis.reshape(vertices * 3, -1).T
        faces = identities + expressions + self.mean.reshape(-1)
        return np.asarray(faces.reshape(*faces.shape[:-1], vertices, 3))

    def landmark_rows(self) -> FaceModel:
        """Return the model cut down to its landmarks, vertex k being `landmarks[k]`, without triangles: what fitting needs."""
        rows = self.landmark_vertices
        return dataclasses.replace(
            self,
            mean=self.mean[rows],
            identity_basis=self.identity_basis[rows],
            expression_basis=self.expression_basis[rows],
            triangles=np.zeros((0, 3), dtype=np.int32),
            triangle_groups=np.zeros(0, dtype=np.uint8),
            landmark_vertices=np.arange(len(rows), dtype=np.int32),
        )


_DTYPES: dict[str, tuple[type[np.generic], int]] = {
    "mean": (np.float32, 2),
    "identity_basis": (np.float32, 3),
    "identity_stddevs": (np.float32, 1),
    "expression_basis": (np.float32, 3),
    "expression_stddevs": (np.float32, 1),
    "triangles": (np.int32, 2),
    "triangle_groups": (np.uint8, 1),
    "landmarks": (np.int32, 1),
    "landmark_vertices": (np.int32, 1),
    "pose_weights": (np.float32, 1),
}
ARRAY_NAMES = tuple(_DTYPES)


def _check_shapes(model: FaceModel) -> None:
    """Raise ValueError listing every array that does not fit the others."""
    problems = [
        f"{name} must be {dtype.__name__} with {axes} axes, got {getattr(model, name).dtype} {getattr(model, name).shape}"
        for name, (dtype, axes) in _DTYPES.items()
        if getattr(model, name).dtype != dtype or getattr(model, name).ndim != axes
    ]
    if not problems:
        vertices, points = len(model.mean), len(model.landmarks)
        wanted = {
            "mean": (vertices, 3),
            "identity_basis": (vertices, 3, len(model.identity_stddevs)),
            "expression_basis": (vertices, 3, EXPRESSION_MODES),
            "expression_stddevs": (EXPRESSION_MODES,),
            "triangles": (len(model.triangles), 3),
            "triangle_groups": (len(model.triangles),),
            "landmark_vertices": (points,),
            "pose_weights": (points,),
        }
        problems = [
            f"{name} must be {shape}, got {getattr(model, name).shape}"
            for name, shape in wanted.items()
            if getattr(model, name).shape != shape
        ]
    problems += [f"{name} must be finite" for name in ARRAY_NAMES if not np.isfinite(getattr(model, name)).all()]
    if problems:
        raise ValueError("face model: " + "; ".join(problems))


def _description(model: FaceModel) -> bytes:
    shapes = {name: list(getattr(model, name).shape) for name in ARRAY_NAMES}
    return canonical_json_bytes({"format": FACE_MODEL_FORMAT, "source": model.source, "meta": model.meta, "shapes": shapes})


def face_model_bytes(model: FaceModel) -> bytes:
    """Return the model as the content of a safetensors file: the same bytes for the same model."""
    # One metadata key only: safetensors writes several in an order that changes from run to run.
    return save({name: getattr(model, name) for name in ARRAY_NAMES}, metadata={_METADATA_KEY: _description(model).decode()})


def write_face_model(path: Path, model: FaceModel) -> None:
    """Write the model to a safetensors file."""
    path.write_bytes(face_model_bytes(model))


def read_face_model(path: Path) -> FaceModel:
    """Read a model written by `write_face_model`.

    Raises:
        BadInputError: if the file is missing, is no safetensors file, or holds something else.
    """
    try:
        with safe_open(path, framework="numpy") as opened:
            description = orjson.loads((opened.metadata() or {}).get(_METADATA_KEY, "null"))
            names = set(opened.keys())
            arrays = {name: opened.get_tensor(name) for name in ARRAY_NAMES if name in names}
    except (OSError, SafetensorError, orjson.JSONDecodeError) as error:
        raise BadInputError(f"{path}: not a readable face model (a safetensors file was expected): {error}") from error
    if description is None or len(arrays) < len(ARRAY_NAMES):
        missing = sorted(set(ARRAY_NAMES) - set(arrays))
        raise BadInputError(f"{path}: a safetensors file, but not of a face model: missing {missing or 'its description'}")
    if description["format"] != FACE_MODEL_FORMAT:
        raise BadInputError(
            f"{path}: face model format {description['format']}, this version reads {FACE_MODEL_FORMAT}; build the model again"
        )
    try:
        return FaceModel(source=description["source"], meta=description["meta"], **arrays)
    except ValueError as error:
        raise BadInputError(f"{path}: {error}") from error
