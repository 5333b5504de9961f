"""Invented sequences of coefficients: expressions that follow an invented sound and an emotion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.training.coefficient_sequences import SEQUENCE_SCHEMA, CoefficientSequence, SequenceTable
from storage_schemas.training_runs import EMOTIONS

SMALL_NETWORK: dict[str, Any] = {
    "steps": 2, "width": 16, "heads": 2, "feed_forward": 16, "past_frames": 3, "audio_radius_frames": 1, "audio_channels": 8,
}  # fmt: skip
SMALL_TRAINING: dict[str, Any] = {
    "steps": 60, "batch_windows": 4, "window_frames": 10, "validate_every": 20, "validation_windows": 8, "warmup_steps": 5,
}  # fmt: skip


def invented_sequence(
    number: int, frames: int = 70, *, split: str = "train", speaker: str = "", emotion: str = "", audio: bool = True
) -> CoefficientSequence:
    """Return a sequence whose first component is the loudness of its sound and whose second tells its emotion."""
    random = np.random.default_rng(number)
    columns = 1 + frames * 16 // 5
    loudness = np.convolve(random.normal(size=columns + 8), np.ones(9) / 3, mode="valid")
    log_mel = (loudness[:, None] + 0.1 * random.normal(size=(columns, 80))).astype(np.float32)
    heard = loudness[np.minimum(columns - 1, np.arange(frames) * 16 // 5)]
    beta = (0.02 * random.normal(size=(frames, 64))).astype(np.float32)
    beta[:, 0] += heard
    beta[:, 1] += EMOTIONS.index(emotion) / 4 if emotion else 0.0
    rho = np.cumsum(0.01 * random.normal(size=(frames, 6)), axis=0).astype(np.float32)
    usable = np.ones(frames, bool)
    return CoefficientSequence(f"clip-{number:03d}", speaker, emotion, split, beta, rho, usable, log_mel if audio else None)


class MemorySequences:
    """A source of given sequences, `per_part` of them in a part; counts how many it was asked for."""

    face_model = ""
    parents: tuple[str, ...] = ("versions/invented",)

    def __init__(self, sequences: Sequence[CoefficientSequence], per_part: int = 2, dataset: str = "0123456789abcdef") -> None:
        self.dataset = dataset
        self.sequences = {sequence.sequence_id: sequence for sequence in sequences}
        self.has_audio = all(sequence.log_mel is not None for sequence in sequences)
        self.per_part = per_part
        self.reads = 0

    def table(self, split: str) -> SequenceTable:
        """Return the sequences of a split."""
        chosen = [sequence for sequence in self.sequences.values() if sequence.split == split]
        rows = [
            {
                "sequence_id": sequence.sequence_id, "split": split, "speaker": sequence.speaker, "emotion": sequence.emotion,
                "frames": sequence.frames, "coefficients_part": f"part-{number // self.per_part}", "coefficients_start": 0,
                "audio_part": "", "log_mel_start": 0, "log_mel_frames": 0,
            }
            for number, sequence in enumerate(chosen)
        ]  # fmt: skip
        return SequenceTable(pa.Table.from_pylist(rows, SEQUENCE_SCHEMA))

    def read(self, table: SequenceTable, rows: Sequence[int] | NDArray[np.int64]) -> list[CoefficientSequence]:
        """Return the sequences of some rows."""
        self.reads += len(rows)
        return [self.sequences[name] for name in table.column("sequence_id", np.asarray(rows, np.int64))]


def invented_source(clips: int = 12, *, validation: int = 3, audio: bool = True) -> MemorySequences:
    """Return clips of two speakers and three emotions, the last few for validation."""
    emotions = ("neutral", "happy", "angry")
    sequences = [
        invented_sequence(
            number,
            40 + 7 * number,
            split="train" if number < clips - validation else "validation",
            speaker=f"S{number % 2}",
            emotion=emotions[number % 3],
            audio=audio,
        )
        for number in range(clips)
    ]
    return MemorySequences(sequences)
