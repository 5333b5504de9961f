"""Rendering the clips of a list that are missing, into an output folder."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from pipelines.rendering.batch.clip_plan import PlannedClip
from pipelines.rendering.batch.clip_sources import ClipNaming, NamedClip
from pipelines.rendering.batch.existing_clips import ExistingClips
from pipelines.rendering.batch.lineage import asked, result_of
from pipelines.rendering.batch.prepared import UnusableInputError
from pipelines.rendering.batch.render_engine import FailedClip, MadeClip, OnClip, OnFrames
from pipelines.rendering.batch.results_table import ResultsJournal
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.render_results import ClipResult, ClipStatus

Group = tuple[Sequence[NamedClip], Collection[str]]


class Engine(Protocol):
    """What renders groups: a `RenderEngine`."""

    def render(self, groups: Iterator[Group], on_clip: OnClip, on_frames: OnFrames) -> None:
        """See `RenderEngine.render`."""
        ...


@dataclass(frozen=True)
class ListEvents:
    """Who is told what; called from several threads.

    Attributes:
        on_result: a clip was made, failed, or (was_there) found.
        on_frames: frames were made.
    """

    on_result: Callable[[ClipResult, bool], None]
    on_frames: Callable[[int], None]


class ListRendering:
    """Renders groups of planned clips.

    Args:
        output: the output folder.
        naming: finds files and hashes them.
        events: who is told.
    """

    def __init__(self, output: ObjectStore, naming: ClipNaming, events: ListEvents) -> None:
        self._output, self._naming, self._events = output, naming, events
        self._existing = ExistingClips(output)
        self._journal = ResultsJournal(output)
        self._guard = threading.Lock()

    def run(self, engine: Callable[[], Engine], groups: Sequence[Sequence[PlannedClip]]) -> None:
        """Render what is missing of groups of clips.

        Args:
            engine: gives the engine; called when the first missing clip is found, so that a run with nothing to do loads no models.
            groups: as `clip_plan.cut` makes them.

        Raises:
            StoreError: the output folder cannot be written.
        """
        missing = self._missing(groups)
        first = next(missing, None)
        try:
            if first is not None:
                engine().render(_chained(first, missing), self._take, self._events.on_frames)
        finally:
            self._journal.flush()

    def _missing(self, groups: Sequence[Sequence[PlannedClip]]) -> Iterator[Group]:
        for clips in groups:
            named = [found for clip in clips if (found := self._named(clip)) is not None]
            wanted = {clip.clip_id for clip in named if not self._noted(clip)}
            if wanted:
                yield named, wanted

    def _named(self, clip: PlannedClip) -> NamedClip | None:
        try:
            return self._naming.name(clip)
        except UnusableInputError as error:
            self._note(failure(clip, error.reason.value, error.message), was_there=False)
            return None

    def _noted(self, named: NamedClip) -> bool:
        """Note a clip that is there."""
        found = self._existing.find(named)
        if found is None:
            return False
        self._note(found, was_there=True)
        return True

    def _take(self, clip: MadeClip | FailedClip) -> None:
        if isinstance(clip, FailedClip):
            self._note(failure(clip.named.clip, clip.reason.value, clip.message, clip.named.clip_id), was_there=False)
            return
        named, encoded = clip.named, clip.encoded
        self._output.publish_file(encoded.path, named.output)
        result = result_of(
            named, clip.lineage, frames=clip.frames, size=encoded.size_bytes, finished=now_text(), thumbnail=encoded.thumbnail
        )  # fmt: skip
        self._note(result, was_there=False)

    def _note(self, result: ClipResult, *, was_there: bool) -> None:
        if not was_there or not result.finished:
            self._journal.add(result)
        self._events.on_result(result, was_there)


def failure(clip: PlannedClip, reason: str, message: str, clip_id: str = "") -> ClipResult:
    """Return the record of a clip that failed."""
    return ClipResult(
        row=clip.number, take=clip.take, status=ClipStatus.FAILED, reason=reason, message=message, clip_id=clip_id,
        output=clip.output(clip_id) if clip_id else clip.row.clip_name(clip.take), finished=now_text(), **asked(clip),
    )  # fmt: skip


def now_text() -> str:
    """Return the UTC time as ISO 8601."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _chained(first: Group, others: Iterator[Group]) -> Iterator[Group]:
    yield first
    yield from others
