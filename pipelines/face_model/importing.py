"""Coefficients that others extracted, in Deep3DFaceRecon's layout of 257 numbers a frame.

    0-79 identity, 80-143 expression, 144-223 texture, 224-226 pitch, yaw, roll in rad, 227-253 lighting, 254-256 translation

Read are ``.mat`` files (StyleTalk: `coeff`, `transform_params`; SadTalker: `full_3dmm`, `trans_params`) and ``.npy`` files (SAAS:
a pickled dictionary with `coeff`, `trans_param`; or a plain array). The rows are frames of whatever video they were made from:
its frame rate and cropping are not in the file. StyleTalk's files lack the first two frames.

The crop values of a frame are width and height of the frame in pixels, scale, and centre x and y (y up): the aligned crop of
224 px that the pose refers to is the frame scaled by `scale` and cut around the centre.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.io import loadmat

from pipelines.face_model.array_pickles import read_npy
from pipelines.face_model.camera import PerspectiveCamera, pose_from_perspective, pose_in_other_crop
from pipelines.face_model.rotations import FloatArray
from storage_schemas.errors import BadInputError

COEFFICIENTS = 257
IDENTITY, EXPRESSION, TEXTURE = slice(0, 80), slice(80, 144), slice(144, 224)
ANGLES, LIGHTING, TRANSLATION = slice(224, 227), slice(227, 254), slice(254, 257)
_COEFFICIENT_KEYS = ("coeff", "full_3dmm")
_CROP_KEYS = ("transform_params", "trans_param", "trans_params")

Float32Array = NDArray[np.float32]


@dataclass(frozen=True)
class ImportedCoefficients:
    """Extracted coefficients of T frames.

    Attributes:
        identity: (T, 80) float32.
        expression: (T, 64) float32.
        texture: (T, 80) float32.
        angles_rad: (T, 3) float32 pitch, yaw, roll; same convention as `rotations`.
        lighting: (T, 27) float32.
        translation: (T, 3) float32 in Deep3DFaceRecon's units.
        crop: (T, 5) float64 width, height, scale, centre x, centre y; None if the file has none.
    """

    identity: Float32Array
    expression: Float32Array
    texture: Float32Array
    angles_rad: Float32Array
    lighting: Float32Array
    translation: Float32Array
    crop: NDArray[np.float64] | None

    def pose_in_frame(self, camera: PerspectiveCamera) -> FloatArray:
        """Return rho (T, 6) of a square source frame (see `camera`), in shares of its side.

        Args:
            camera: Deep3DFaceRecon's; exact in scale and place with the unit and origin of the user's BFM.

        Raises:
            BadInputError: if there are no crop values or the source frames are not square.
        """
        pose = pose_from_perspective(self.angles_rad.astype(np.float64), self.translation.astype(np.float64), camera)
        if self.crop is None:
            raise BadInputError("these coefficients have no crop values, so the head cannot be placed in the source frame")
        width, height, scale, centre_x, centre_y = self.crop.T
        if not np.array_equal(width, height):
            raise BadInputError(f"poses are shares of the side of a square frame; the source frame is {width[0]:g} x {height[0]:g}")
        side = camera.image_px / (scale * width)
        offset = np.stack([centre_x / width - 0.5, centre_y / width - 0.5], axis=-1)
        return pose_in_other_crop(pose, side, offset)


def read_coefficients(path: Path) -> ImportedCoefficients:
    """Read a file of extracted coefficients.

    Raises:
        BadInputError: if the file is missing, damaged, of another layout, or a pickle of anything but arrays; the message says
            what was found.
    """
    found = _read_mat(path) if path.suffix.lower() == ".mat" else read_npy(path)
    if isinstance(found, np.ndarray):
        found = {"coeff": found}
    if not isinstance(found, dict):
        raise BadInputError(f"{path}: expected an array or a dictionary of arrays, found {type(found).__name__}")
    arrays = {str(key): value for key, value in found.items() if isinstance(value, np.ndarray)}
    name = next((key for key in _COEFFICIENT_KEYS if key in arrays), None)
    if name is None:
        raise BadInputError(f"{path}: expected one of {', '.join(_COEFFICIENT_KEYS)}, found {_listing(arrays) or 'no arrays'}")
    coefficients = np.atleast_2d(arrays[name])
    if coefficients.ndim != 2 or coefficients.shape[1] != COEFFICIENTS or coefficients.dtype.kind != "f" or not len(coefficients):
        raise BadInputError(f"{path}: expected {name} as floats (frames, {COEFFICIENTS}), found {_listing({name: arrays[name]})}")
    if not np.isfinite(coefficients).all():
        raise BadInputError(f"{path}: {name} has values that are not finite")
    whole = np.ascontiguousarray(coefficients, dtype=np.float32)
    return ImportedCoefficients(
        identity=whole[:, IDENTITY],
        expression=whole[:, EXPRESSION],
        texture=whole[:, TEXTURE],
        angles_rad=whole[:, ANGLES],
        lighting=whole[:, LIGHTING],
        translation=whole[:, TRANSLATION],
        crop=_crop(path, arrays, len(whole)),
    )


def _crop(path: Path, arrays: dict[str, NDArray[np.generic]], frames: int) -> NDArray[np.float64] | None:
    name = next((key for key in _CROP_KEYS if key in arrays), None)
    if name is None:
        return None
    crop = np.atleast_2d(arrays[name])
    if crop.shape != (frames, 5) or crop.dtype.kind not in "fiu":
        raise BadInputError(f"{path}: expected {name} as numbers ({frames}, 5), found {_listing({name: arrays[name]})}")
    return np.asarray(crop, dtype=np.float64)


def _read_mat(path: Path) -> dict[str, object]:
    if not path.is_file():
        raise BadInputError(f"{path}: there is no such file")
    try:
        content = loadmat(path)
    except Exception as error:  # loadmat raises anything on a damaged file
        raise BadInputError(f"{path}: not a readable MATLAB file (version 5 to 7.2): {type(error).__name__}: {error}") from error
    return {key: value for key, value in content.items() if not key.startswith("__")}


def _listing(arrays: dict[str, NDArray[np.generic]]) -> str:
    return ", ".join(f"{key} {value.dtype} {value.shape}" for key, value in sorted(arrays.items()))
