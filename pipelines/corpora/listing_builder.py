"""Collecting what a corpus reader finds: recordings into Arrow columns, everything else into rejections and notes."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.corpora.emotion_names import known_emotions, parse_emotion
from pipelines.corpora.walking import FileProblem
from storage_schemas.build_spec import CorpusSettings
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion
from storage_schemas.recordings import RECORDING_SCHEMA, Recording
from storage_schemas.rejections import Rejection, RejectionReason, Stage

_ROWS_PER_BATCH = 16_384

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """What a corpus holds.

    Attributes:
        recordings: in RECORDING_SCHEMA, sorted by recording_id, which is unique; hashes still empty.
        rejections: what was found or annotated but cannot be used, sorted by item id; stage DISCOVER.
        notes: one sentence each on irregularities that cost no recording, e.g. a crop row that does not fit its frame.
    """

    recordings: pa.Table
    rejections: list[Rejection]
    notes: list[str] = field(default_factory=list)


class ListingBuilder:
    """Takes recordings one at a time, keeps the wanted ones as Arrow batches and hands out the sorted listing."""

    def __init__(self, settings: CorpusSettings) -> None:
        self._settings = settings
        self._emotions = _wanted_emotions(settings)
        self._columns: dict[str, list[Any]] = {name: [] for name in RECORDING_SCHEMA.names}
        self._batches: list[pa.RecordBatch] = []
        self._rejections: list[Rejection] = []
        self._notes: list[str] = []
        self._unwanted: dict[str, int] = {}

    def wants(self, *, emotion: Emotion, level: int = 0, view: str = "") -> bool:
        """Say whether the settings ask for such a recording; those they do not ask for are counted for the messages."""
        settings = self._settings
        if self._emotions and emotion not in self._emotions:
            return self._skip(f"emotion {emotion.value}")
        if settings.levels and level not in settings.levels:
            return self._skip(f"level {level}")
        if settings.views and view not in settings.views:
            return self._skip(f"view {view}")
        return True

    def add(self, recording: Recording) -> None:
        """Append a recording; where it has no licence or consent note, those of the settings are stored."""
        values = recording.__dict__
        for name, column in self._columns.items():
            column.append(values[name])
        if not recording.licence:
            self._columns["licence"][-1] = self._settings.licence
        if not recording.consent:
            self._columns["consent"][-1] = self._settings.consent
        if len(self._columns["recording_id"]) >= _ROWS_PER_BATCH:
            self._flush()

    def reject(self, item_id: str, reason: RejectionReason, message: str, details: dict[str, float | int | str] | None = None) -> None:
        """Record that something is left out; `item_id` is a recording id or an escaped path."""
        self._rejections.append(
            Rejection(
                item_id=item_id, recording_id=item_id, stage=Stage.DISCOVER, reason=reason, message=message, details=details or {}
            )
        )  # fmt: skip

    def reject_file(self, item_id: str, path: str, problem: FileProblem) -> None:
        """Record that a file cannot be used; `path` is its escaped path."""
        self.reject(item_id, problem.reason, f"{path}: {problem.message}", {"path": path})

    def note(self, message: str) -> None:
        """Record an irregularity that costs no recording; the caller of the listing reports it."""
        self._notes.append(message)

    def finish(self, nothing_found: str) -> Listing:
        """Return the listing.

        Args:
            nothing_found: the message if there was neither a recording nor anything to reject.

        Raises:
            BadInputError: if nothing was found, or nothing that the settings ask for.
        """
        self._flush()
        table = pa.Table.from_batches(self._batches, schema=RECORDING_SCHEMA)
        self._batches = []
        if table.num_rows == 0 and self._unwanted:
            msg = f"no recording is left by the emotions, levels and views asked for; left out: {self._describe_unwanted()}"
            raise BadInputError(msg)
        if table.num_rows == 0 and not self._rejections:
            raise BadInputError(nothing_found)
        if self._unwanted:
            logger.info("not asked for and left out: %s", self._describe_unwanted())
        table = self._without_duplicates(table.sort_by([("recording_id", "ascending"), ("video", "ascending")]))
        self._rejections.sort(key=lambda rejection: (rejection.item_id, rejection.message))
        return Listing(table, self._rejections, self._notes)

    def _without_duplicates(self, table: pa.Table) -> pa.Table:
        """Keep the first of the rows with the same recording id and reject the others; `table` is sorted."""
        if table.num_rows < 2:
            return table.combine_chunks()
        ids = table["recording_id"].combine_chunks()
        repeated = pc.equal(ids[1:], ids[:-1])
        if pc.any(repeated).as_py():
            for row in pc.indices_nonzero(repeated).to_pylist():
                self._reject_duplicate(ids[row + 1].as_py(), table["video"][row + 1].as_py())
            table = table.filter(pa.concat_arrays([pa.array([True]), pc.invert(repeated)]))
        return table.combine_chunks()

    def _reject_duplicate(self, recording_id: str, video: str) -> None:
        message = f"{video}: another file is already listed as {recording_id}; keep one of them"
        self.reject(recording_id, RejectionReason.DUPLICATE_RECORDING, message, {"path": video})

    def _flush(self) -> None:
        arrays = [pa.array(self._columns[column.name], type=column.type) for column in RECORDING_SCHEMA]
        self._batches.append(pa.record_batch(arrays, schema=RECORDING_SCHEMA))
        for column in self._columns.values():
            column.clear()

    def _skip(self, what: str) -> bool:
        self._unwanted[what] = self._unwanted.get(what, 0) + 1
        return False

    def _describe_unwanted(self) -> str:
        return ", ".join(f"{count} with {what}" for what, count in sorted(self._unwanted.items()))


def _wanted_emotions(settings: CorpusSettings) -> frozenset[Emotion]:
    parsed = {text: parse_emotion(text) for text in settings.emotions}
    unknown = sorted(text for text, emotion in parsed.items() if emotion is None)
    if unknown:
        msg = f"corpus.emotions: unknown {', '.join(map(repr, unknown))}; known are {known_emotions()}"
        raise BadInputError(msg)
    return frozenset(emotion for emotion in parsed.values() if emotion is not None)
