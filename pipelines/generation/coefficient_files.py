"""Files of generated coefficients: safetensors (or npz) with beta, rho and, as JSON, where they come from."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from pipelines.dataset.export_files import written_whole
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import canonical_json_bytes
from storage_schemas.part_layout import EXPRESSION_SIZE, POSE_SIZE

Float32Array = NDArray[np.float32]

COEFFICIENTS_FORMAT = 1
SUFFIXES = (".safetensors", ".npz")
_KEY = "coefficients"


class CoefficientsCard(BaseModel):
    """Where generated coefficients come from: enough to make them again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = COEFFICIENTS_FORMAT
    item_id: str
    frames: int = Field(ge=1)
    fps: int = 25
    seed: int
    take: int
    settings: dict[str, Any] = Field(default_factory=dict, description="the rest of the request: intensity, temperature, pose, blinks ...")
    emotion: dict[str, float] = Field(default_factory=dict, description="weights of the labels that were used")
    audio: dict[str, str] = Field(default_factory=dict, description="name and sha256 of the sound")
    reference: dict[str, str] = Field(default_factory=dict, description="name and sha256 of the emotion reference; empty: none")
    models: dict[str, dict[str, Any]] = Field(default_factory=dict, description="by kind: run, dataset version, face model, weights")

    @property
    def face_model(self) -> str:
        """Id of the face model of the coefficients; empty: unknown."""
        return str(self.models.get("expflow", {}).get("face_model", ""))


@dataclass(frozen=True, eq=False)
class StoredCoefficients:
    """Content of a file: beta (frames, 64), rho (frames, 6) or None, float32, and its card if it has one."""

    beta: Float32Array
    rho: Float32Array | None
    card: CoefficientsCard | None


def require_suffix(path: Path) -> None:
    """Raise BadInputError unless coefficients can be written to a path."""
    if path.suffix not in SUFFIXES:
        raise BadInputError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}")


def write_coefficients(path: Path, beta: Float32Array, rho: Float32Array, card: CoefficientsCard) -> None:
    """Write a file, whole or not at all; the same content gives the same bytes as safetensors.

    Args:
        path: ends in .safetensors or .npz.
        beta: (frames, 64) float32.
        rho: (frames, 6) float32.
        card: stored as JSON, in the metadata or, as bytes, in the array `card`.

    Raises:
        BadInputError: the suffix is another one.
        StoreError: the file cannot be written.
    """
    require_suffix(path)
    text = canonical_json_bytes(card.model_dump(mode="json"))
    with written_whole(path) as partial:
        if path.suffix == ".npz":
            with partial.open("wb") as file:
                np.savez(file, beta=beta, rho=rho, card=np.frombuffer(text, np.uint8))
        else:
            arrays = {"beta": np.ascontiguousarray(beta), "rho": np.ascontiguousarray(rho)}
            partial.write_bytes(save(arrays, metadata={_KEY: text.decode()}))


def read_coefficients_file(path: Path) -> StoredCoefficients:
    """Read a file of `write_coefficients`, or any safetensors or npz with beta and perhaps rho.

    Raises:
        BadInputError: the file is missing, damaged or holds something else.
    """
    require_suffix(path)
    try:
        arrays, text = _read_npz(path) if path.suffix == ".npz" else _read_safetensors(path)
        card = CoefficientsCard.model_validate(orjson.loads(text)) if text else None
    except (OSError, SafetensorError, ValueError, zipfile.BadZipFile, ValidationError) as error:
        raise BadInputError(f"{path}: not a readable file of coefficients: {error}") from error
    beta, rho = arrays.get("beta"), arrays.get("rho")
    _check(path, "beta", beta, EXPRESSION_SIZE)
    if rho is not None:
        _check(path, "rho", rho, POSE_SIZE)
    assert beta is not None  # noqa: S101 - checked
    return StoredCoefficients(beta.astype(np.float32), None if rho is None else rho.astype(np.float32), card)


def _read_npz(path: Path) -> tuple[dict[str, NDArray[Any]], bytes]:
    with np.load(path, allow_pickle=False) as opened:
        arrays = {name: opened[name] for name in ("beta", "rho", "card") if name in opened.files}
    card = arrays.pop("card", None)
    return arrays, b"" if card is None else card.tobytes()


def _read_safetensors(path: Path) -> tuple[dict[str, NDArray[Any]], bytes]:
    with safe_open(path, framework="numpy") as opened:
        text = (opened.metadata() or {}).get(_KEY, "")
        names = set(opened.keys())
        return {name: opened.get_tensor(name) for name in ("beta", "rho") if name in names}, text.encode()


def _check(path: Path, name: str, values: NDArray[Any] | None, size: int) -> None:
    if values is None:
        raise BadInputError(f"{path}: expected an array {name} (frames, {size}), found none")
    if values.ndim != 2 or values.shape[1] != size or not len(values) or values.dtype.kind != "f" or not np.isfinite(values).all():
        raise BadInputError(f"{path}: expected {name} as finite floats (frames, {size}), found {values.dtype} {values.shape}")
