"""The source face beta_0 of training windows: a neutral frame of the same speaker, so that it tells who speaks and not how.

A frame of the clip itself would tell its emotion, and a network trained with it would look there rather than at the label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipelines.training.coefficient_sequences import CoefficientSequence, Float32Array, SequenceSource, SequenceTable
from pipelines.training.window_plan import IntArray, generator

CLIPS_A_SPEAKER = 4
FRAMES_A_SPEAKER = 64
_NEUTRAL = "neutral"

ReadValues = Callable[[CoefficientSequence], Float32Array]
"""Returns the modelled values (frames, F) of a sequence."""


@dataclass
class _Clips:
    """Rows of a speaker's clips in a table."""

    table: SequenceTable
    rows: list[int] = field(default_factory=list)
    neutral: list[int] = field(default_factory=list)

    def add(self, row: int, *, is_neutral: bool) -> None:
        self.rows.append(row)
        if is_neutral:
            self.neutral.append(row)


class SourceFaces:
    """Source faces of the speakers of a split, read when a speaker is first asked for and then kept (16 kB for each).

    For a speaker with neutral clips these are frames of some of them; for one without, the mean of some clips of every label.

    Args:
        source: where the clips are.
        tables: of splits; a speaker's faces are from the first one that has the speaker.
        values: what of a sequence is modelled.
    """

    def __init__(self, source: SequenceSource, tables: Sequence[SequenceTable], values: ReadValues) -> None:
        self._source, self._values = source, values
        self._faces: dict[str, Float32Array] = {}
        self._clips: dict[str, _Clips] = {}
        for table in tables:
            known = set(self._clips)
            for row, (speaker, emotion) in enumerate(zip(table.column("speaker"), table.column("emotion"), strict=True)):
                if speaker not in known:
                    self._clips.setdefault(speaker, _Clips(table)).add(row, is_neutral=emotion == _NEUTRAL)

    def faces(self, speaker: str) -> Float32Array:
        """Return the faces (n, F) of a speaker of the split; n is at least 1."""
        if speaker not in self._faces:
            self._faces[speaker] = self._read(speaker)
        return self._faces[speaker]

    def draw(self, speakers: list[str], random: np.random.Generator) -> Float32Array:
        """Return one face (W, F) for each of W speakers."""
        places = random.random(len(speakers))
        faces = [self.faces(speaker) for speaker in speakers]
        return np.stack([rows[int(place * len(rows))] for rows, place in zip(faces, places, strict=True)])

    def _read(self, speaker: str) -> Float32Array:
        clips = self._clips[speaker]
        rows = _some(np.array(clips.neutral or clips.rows, np.int64), CLIPS_A_SPEAKER)
        sequences = self._source.read(clips.table, rows)
        found = np.concatenate([self._values(sequence)[sequence.usable] for sequence in sequences])
        if not len(found):
            return np.zeros((1, found.shape[1]), np.float32)  # nothing usable: the mean face
        return np.asarray(found[_some(np.arange(len(found)), FRAMES_A_SPEAKER)] if clips.neutral else found.mean(axis=0, keepdims=True))


def _some(rows: IntArray, count: int) -> IntArray:
    """Return at most `count` of some rows, the same ones every time."""
    return rows if len(rows) <= count else np.sort(generator(len(rows), count).choice(rows, count, replace=False))
