"""Exact sums over landmark frames: whatever the order, split or merging of clips, the same integers come out.

Learning a face model takes two passes over a corpus. The first sums every speaker's frames (`ShapeSums`), aligned to the
reference face; its means are what the second aligns each speaker's frames to, and it sums products of differences from them
(`ExpressionSums`). Both are made per part of a corpus, saved, loaded and merged in any order. Memory: 8 MB for the products and
11 kB a speaker, whatever the number of clips.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.linalg.blas import dsyrk

from pipelines.face_model.alignment import STEPS_PER_UNIT, AlignedFrames
from storage_schemas.errors import BadInputError
from storage_schemas.part_layout import LANDMARK_COUNT

COORDINATES = LANDMARK_COUNT * 3
_METADATA_KEY = "face_model_sums"
# Differences are under 2**16 steps, products under 2**32: 2**20 frames keep every partial sum under 2**53.
_ROWS_PER_PRODUCT = 4096

Int64Array = NDArray[np.int64]


@dataclass
class ShapeSums:
    """Frames and summed differences from a mean shape, by speaker.

    Attributes:
        frames: number of frames by speaker.
        sums: (1434,) int64 by speaker, units of 2**-16.
        frames_left_out: frames given but not used (no face, too far turned).
    """

    frames: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Int64Array] = field(default_factory=dict)
    frames_left_out: int = 0

    def add(self, aligned: AlignedFrames, speaker: str) -> None:
        """Count a clip's frames in."""
        self.frames_left_out += int((~aligned.kept).sum())
        if len(aligned.steps):
            self._add_sum(speaker, len(aligned.steps), aligned.steps.sum(axis=0).astype(np.int64))

    def _add_sum(self, speaker: str, frames: int, total: Int64Array) -> None:
        self.frames[speaker] = self.frames.get(speaker, 0) + frames
        self.sums[speaker] = self.sums[speaker] + total if speaker in self.sums else total.copy()

    def merge(self, other: ShapeSums) -> None:
        """Count another part's frames in."""
        self.frames_left_out += other.frames_left_out
        for speaker, frames in other.frames.items():
            self._add_sum(speaker, frames, other.sums[speaker])

    def mean_steps(self, speaker: str, base_steps: Int64Array) -> Int64Array:
        """Return (478, 3) the speaker's mean shape in whole steps, given what the frames were aligned to."""
        # Rounded in integers (half upwards), so that it is exact.
        frames = self.frames[speaker]
        mean = (2 * self.sums[speaker] + frames) // (2 * frames)
        return np.asarray(base_steps + mean.reshape(LANDMARK_COUNT, 3))

    def to_bytes(self) -> bytes:
        """Return the sums as the content of a safetensors file, speakers sorted."""
        return save(_speaker_arrays(self), metadata=_metadata(self, "shape"))

    @classmethod
    def read(cls, path: Path) -> ShapeSums:
        """Read what `to_bytes` made; raises BadInputError if the file is something else."""
        description, arrays = _read(path, "shape")
        return _shape_sums(description, arrays)


@dataclass
class ExpressionSums:
    """`ShapeSums` of frames aligned to their own speaker's mean, and the summed products of the differences.

    Attributes:
        shape: frames and sums by speaker, about the speaker's mean of the first pass.
        products: (1434, 1434) int64, upper triangle: sum over all frames of difference times difference, units of 2**-32.
    """

    shape: ShapeSums = field(default_factory=ShapeSums)
    products: Int64Array = field(default_factory=lambda: np.zeros((COORDINATES, COORDINATES), dtype=np.int64))
    _waiting: list[NDArray[np.float64]] = field(default_factory=list, repr=False)

    def add(self, aligned: AlignedFrames, speaker: str) -> None:
        """Count a clip's frames in."""
        self.shape.add(aligned, speaker)
        self._waiting.append(aligned.steps)
        if sum(len(rows) for rows in self._waiting) >= _ROWS_PER_PRODUCT:
            self.settle()

    def settle(self) -> None:
        """Move frames that wait to be multiplied together into `products`; done by itself before reading or merging."""
        if not self._waiting:
            return
        rows = np.concatenate(self._waiting)
        self._waiting.clear()
        for start in range(0, len(rows), _ROWS_PER_PRODUCT):
            block = rows[start : start + _ROWS_PER_PRODUCT]
            # Fortran order of the transpose is the block as it lies in memory; the sums are exact, so BLAS may order them freely.
            self.products += np.triu(dsyrk(1.0, block.T)).astype(np.int64)

    def merge(self, other: ExpressionSums) -> None:
        """Count another part's frames in."""
        self.settle()
        other.settle()
        self.shape.merge(other.shape)
        self.products += other.products

    def covariance(self) -> NDArray[np.float64]:
        """Return the (1434, 1434) covariance of frames about their speaker's mean, in model units squared."""
        self.settle()
        total = (self.products + np.triu(self.products, 1).T).astype(np.float64)
        for speaker in sorted(self.shape.frames):
            mean = self.shape.sums[speaker] / self.shape.frames[speaker]
            total -= np.outer(mean, mean) * self.shape.frames[speaker]
        return np.asarray(total / (sum(self.shape.frames.values()) * STEPS_PER_UNIT**2))

    def to_bytes(self) -> bytes:
        """Return the sums as the content of a safetensors file, speakers sorted."""
        self.settle()
        packed = {"products": self.products[np.triu_indices(COORDINATES)]}
        return save({**_speaker_arrays(self.shape), **packed}, metadata=_metadata(self.shape, "expression"))

    @classmethod
    def read(cls, path: Path) -> ExpressionSums:
        """Read what `to_bytes` made; raises BadInputError if the file is something else."""
        description, arrays = _read(path, "expression")
        sums = cls(_shape_sums(description, arrays))
        sums.products[np.triu_indices(COORDINATES)] = arrays["products"]
        return sums


def merged_shapes(parts: Iterable[ShapeSums]) -> ShapeSums:
    """Return the sum of parts."""
    total = ShapeSums()
    for part in parts:
        total.merge(part)
    return total


def _speaker_arrays(sums: ShapeSums) -> dict[str, Int64Array]:
    speakers = sorted(sums.frames)
    stacked = np.array([sums.sums[speaker] for speaker in speakers], dtype=np.int64).reshape(len(speakers), COORDINATES)
    return {"frames": np.array([sums.frames[speaker] for speaker in speakers], dtype=np.int64), "sums": stacked}


def _metadata(sums: ShapeSums, kind: str) -> dict[str, str]:
    description = {"kind": kind, "speakers": sorted(sums.frames), "frames_left_out": sums.frames_left_out}
    return {_METADATA_KEY: orjson.dumps(description, option=orjson.OPT_SORT_KEYS).decode()}


def _read(path: Path, kind: str) -> tuple[dict[str, Any], dict[str, Int64Array]]:
    try:
        with safe_open(path, framework="numpy") as opened:
            description = orjson.loads((opened.metadata() or {}).get(_METADATA_KEY, "{}"))
            arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, orjson.JSONDecodeError) as error:
        raise BadInputError(f"{path}: not a readable file of face model sums: {error}") from error
    if description.get("kind") != kind:
        raise BadInputError(f"{path}: expected face model sums of kind {kind!r}, found {description.get('kind')!r}")
    return description, arrays


def _shape_sums(description: dict[str, Any], arrays: dict[str, Int64Array]) -> ShapeSums:
    speakers = description["speakers"]
    frames = dict(zip(speakers, arrays["frames"].tolist(), strict=True))
    return ShapeSums(frames, dict(zip(speakers, arrays["sums"], strict=True)), description["frames_left_out"])
