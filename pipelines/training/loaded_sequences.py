"""Sequences in memory, end to end in a few large arrays, from which windows are cut by indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.models.normalizing_flow.audio_encoder import column_range
from pipelines.training.coefficient_sequences import CoefficientSequence, Float32Array
from pipelines.training.window_plan import PHASES, IntArray
from storage_schemas.training_runs import EMOTIONS

COLUMNS_IN_PHASES = 16
"""Log-mel columns in PHASES frames."""

_EMOTION_INDEX = {label: index for index, label in enumerate(EMOTIONS)}
_UNLABELLED = _EMOTION_INDEX["unlabelled"]


@dataclass(frozen=True)
class Windows:
    """Windows cut from loaded sequences: W windows of T target frames with P frames before each, and sound around them.

    Attributes:
        values: float32 (W, P + T, features), beyond the sequence's ends its first or last frame.
        known: bool (W, P + T), False beyond the ends.
        usable: bool (W, P + T), known and not flagged.
        log_mel: float32 (W, columns, 80) for the T target frames and the margins, edges repeated; None: no sound.
        mel_frame: what `encode_audio` has to be told as the first frame of `log_mel`: one that falls on the same place of a column.
        emotion: int64 (W,) index into EMOTIONS.
        sequence: int64 (W,) which of the loaded sequences.
    """

    values: Float32Array
    known: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    log_mel: Float32Array | None
    mel_frame: int
    emotion: IntArray
    sequence: IntArray


def emotion_index(label: str) -> int:
    """Return the place of a label in EMOTIONS; that of "unlabelled" for an empty one."""
    return _EMOTION_INDEX[label] if label else _UNLABELLED


class LoadedSequences:
    """Some sequences and the values that are modelled.

    Args:
        sequences: one or more.
        values: float32 (frames, features) of each: beta without blinks, or rho.
    """

    def __init__(self, sequences: Sequence[CoefficientSequence], values: Sequence[Float32Array]) -> None:
        self.sequence_ids = [sequence.sequence_id for sequence in sequences]
        self.speakers = [sequence.speaker for sequence in sequences]
        self.frames: IntArray = np.array([sequence.frames for sequence in sequences], np.int64)
        self.emotions: IntArray = np.array([emotion_index(sequence.emotion) for sequence in sequences], np.int64)
        self.values = np.concatenate([np.asarray(item, np.float32) for item in values])
        self.usable = np.concatenate([sequence.usable for sequence in sequences])
        self._start = _starts(self.frames)
        sounds = [sequence.log_mel for sequence in sequences if sequence.log_mel is not None]
        self.log_mel = np.concatenate(sounds).astype(np.float32, copy=False) if len(sounds) == len(sequences) else None
        self._columns: IntArray = np.array([len(sound) for sound in sounds], np.int64)
        self._first_column = _starts(self._columns)

    def __len__(self) -> int:
        return len(self.frames)

    def of(self, sequence: int) -> tuple[Float32Array, NDArray[np.bool_]]:
        """Return values and usable of one sequence."""
        place = slice(self._start[sequence], self._start[sequence] + self.frames[sequence])
        return self.values[place], self.usable[place]

    def windows(self, sequence: IntArray, start: IntArray, *, past: int, target: int, margin: int) -> Windows:
        """Cut windows.

        Args:
            sequence: (W,) which sequences.
            start: (W,) first target frame of each, all the same modulo `window_plan.PHASES`; may be before the sequence.
            past: frames before it.
            target: target frames.
            margin: frames of sound on either side of the target frames.
        """
        length = self.frames[sequence][:, None]
        wanted = start[:, None] + np.arange(-past, target)
        place = self._start[sequence][:, None] + np.clip(wanted, 0, length - 1)
        known = (wanted >= 0) & (wanted < length)
        mel_frame = PHASES + int(start[0] - margin) % PHASES
        log_mel = None
        if self.log_mel is not None:
            begin, end = column_range(mel_frame, target + 2 * margin)
            first = begin + (start - margin - mel_frame) // PHASES * COLUMNS_IN_PHASES
            log_mel = self.log_mel[self._mel_places(sequence, first, end - begin)]
        return Windows(self.values[place], known, known & self.usable[place], log_mel, mel_frame, self.emotions[sequence], sequence)

    def _mel_places(self, sequence: IntArray, first: IntArray, columns: int) -> IntArray:
        """Return (W, columns): rows of the log-mel from column `first` of each sequence on."""
        wanted = first[:, None] + np.arange(columns)
        return np.asarray(self._first_column[sequence][:, None] + np.clip(wanted, 0, self._columns[sequence][:, None] - 1))


def _starts(lengths: IntArray) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64) if len(lengths) else np.zeros(0, np.int64)
