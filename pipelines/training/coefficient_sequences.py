"""Sequences of coefficients to train on: what one is, and what a place that has them can be asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]

SEQUENCE_SCHEMA = pa.schema(
    [
        ("sequence_id", pa.string()), ("split", pa.string()), ("speaker", pa.string()), ("emotion", pa.string()), ("frames", pa.int32()),
        ("coefficients_part", pa.string()), ("coefficients_start", pa.int64()),
        ("audio_part", pa.string()), ("log_mel_start", pa.int64()), ("log_mel_frames", pa.int64()),
    ]
)  # fmt: skip
"""Columns of a `SequenceTable`; for imported files the part is the file's name and there is no audio."""


@dataclass(frozen=True)
class CoefficientSequence:
    """The coefficients of one clip, 25 a second.

    Attributes:
        sequence_id: clip id, or name of the imported file.
        speaker: empty: unknown.
        emotion: label; empty: unknown.
        split: train, validation, test or unlisted.
        beta: float32 (frames, 64) expression.
        rho: float32 (frames, 6) pose.
        usable: bool (frames,), False where the fit is flagged.
        log_mel: float32 (columns, 80), 80 columns a second from the time of frame 0; None: no audio.
    """

    sequence_id: str
    speaker: str
    emotion: str
    split: str
    beta: Float32Array
    rho: Float32Array
    usable: NDArray[np.bool_]
    log_mel: Float32Array | None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.beta)


class SequenceTable:
    """The sequences of one split and where they lie: some tens of bytes for each, so millions fit into memory.

    Args:
        rows: of SEQUENCE_SCHEMA, or of another that has the columns that are asked for; those of a part follow each other.
        part_column: the part of this family is what is read at a time.
    """

    def __init__(self, rows: pa.Table, part_column: str = "coefficients_part") -> None:
        self.rows = rows
        self.frames: NDArray[np.int64] = rows["frames"].to_numpy().astype(np.int64)
        parts = rows[part_column].combine_chunks().dictionary_encode()
        codes = parts.indices.to_numpy(zero_copy_only=False) if len(parts) else np.empty(0, np.int64)
        changes = np.flatnonzero(np.diff(codes)) + 1
        self._bounds: NDArray[np.int64] = np.concatenate([[0], changes, [len(codes)]]) if len(codes) else np.zeros(1, np.int64)

    def __len__(self) -> int:
        return int(self.rows.num_rows)

    @property
    def parts(self) -> int:
        """Number of runs of rows that lie in the same part."""
        return len(self._bounds) - 1

    def part_rows(self, part: int) -> NDArray[np.int64]:
        """Return the rows of a part, in order."""
        return np.arange(self._bounds[part], self._bounds[part + 1])

    def part_frames(self) -> NDArray[np.int64]:
        """Return the number of frames of every part."""
        return np.add.reduceat(self.frames, self._bounds[:-1]) if self.parts else np.empty(0, np.int64)

    def column(self, name: str, rows: NDArray[np.int64] | None = None) -> list[str]:
        """Return the values of a text column, of all rows or of some."""
        column = self.rows[name] if rows is None else self.rows[name].take(pa.array(rows))
        values: list[str] = column.to_pylist()
        return values


class SequenceSource(Protocol):
    """A place that has sequences: a dataset version, or a folder of imported files. May be used by several threads."""

    dataset: str
    """Id of what is in it: of the dataset version, or "imported-" and a hash."""
    face_model: str
    """Id of the face model of the coefficients; empty: unknown."""
    parents: tuple[str, ...]
    """What a run that is trained on it was made from, as paths relative to the store."""
    has_audio: bool

    def table(self, split: str) -> SequenceTable:
        """Return the sequences of a split in a fixed order, without their arrays."""
        ...

    def read(self, table: SequenceTable, rows: Sequence[int] | NDArray[np.int64]) -> list[CoefficientSequence]:
        """Return the sequences of some rows of a table, in the order asked for; only these are held in memory."""
        ...
