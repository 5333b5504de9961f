"""Sequences of a folder of imported coefficients: no audio, no labels, one part a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.face_model.importing import read_coefficients
from pipelines.training.coefficient_sequences import SEQUENCE_SCHEMA, CoefficientSequence, SequenceTable
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import content_hash, file_sha256

_SUFFIXES = (".mat", ".npy")
_DIGITS = 16


class ImportedSequences:
    """The files of a folder in the 257-number layout (see `pipelines.face_model.importing`), sorted by name.

    Args:
        folder: whose .mat and .npy files are taken.
        pattern: of their names.
        validation: names (without suffix) of the files that are held out.

    Raises:
        BadInputError: there are none, one cannot be read, or a held-out name is not there.
    """

    has_audio = False
    face_model = ""
    parents: tuple[str, ...] = ()

    def __init__(self, folder: Path, pattern: str = "*", validation: Collection[str] = ()) -> None:
        self._paths = {path.name: path for path in sorted(folder.glob(pattern)) if path.suffix.lower() in _SUFFIXES}
        if not self._paths:
            raise BadInputError(
                f"{folder} holds no {' or '.join(_SUFFIXES)} file named {pattern!r}; name a folder of extracted coefficients"
            )
        self._validation = frozenset(validation)
        missing = self._validation - {path.stem for path in self._paths.values()}
        if missing:
            raise BadInputError(f"{folder} holds no {', '.join(sorted(missing))}, which should be held out")
        digests = [[name, file_sha256(path), self._split(path)] for name, path in self._paths.items()]
        self.dataset = f"imported-{content_hash(digests)[:_DIGITS]}"
        self._read = {name: read_coefficients(path) for name, path in self._paths.items()}

    def table(self, split: str) -> SequenceTable:
        """Return the files of a split, train or validation."""
        chosen = [name for name, path in self._paths.items() if self._split(path) == split]
        rows = [
            {
                "sequence_id": Path(name).stem, "split": split, "speaker": "", "emotion": "", "frames": len(self._read[name].expression),
                "coefficients_part": name, "coefficients_start": 0, "audio_part": "", "log_mel_start": 0, "log_mel_frames": 0,
            }
            for name in chosen
        ]  # fmt: skip
        return SequenceTable(pa.Table.from_pylist(rows, SEQUENCE_SCHEMA))

    def read(self, table: SequenceTable, rows: Sequence[int] | NDArray[np.int64]) -> list[CoefficientSequence]:
        """Return the sequences of some rows; rho is angles in rad and Deep3DFaceRecon's translation."""
        return [self._sequence(name) for name in table.column("coefficients_part", np.asarray(rows, np.int64))]

    def _sequence(self, name: str) -> CoefficientSequence:
        found = self._read[name]
        path = self._paths[name]
        pose = np.concatenate([found.angles_rad, found.translation], axis=1)
        usable = np.ones(len(pose), bool)
        return CoefficientSequence(path.stem, "", "", self._split(path), found.expression, pose, usable, None)

    def _split(self, path: Path) -> str:
        return "validation" if path.stem in self._validation else "train"
