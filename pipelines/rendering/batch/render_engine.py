"""The engine that renders clips: models are loaded once, portraits encoded once, coefficients drawn and frames made for many clips at once.

    with RenderEngine(models, settings, face_model_file, scratch) as engine:
        engine.render(group, wanted, on_clip, on_frames)

A group of clips goes through four stages: files are prepared (the next group's meanwhile), coefficients are drawn for all of them and
kept on disk, frames are made in batches across clips, and encoding processes write the clips. None holds more than a few hundred frames.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from pipelines.rendering.batch.clip_maker import ClipMaker, DrawnClip
from pipelines.rendering.batch.clip_sources import NamedClip, PendingClip, PreparedClip
from pipelines.rendering.batch.encoders import EncodedClip, EncoderPool, EncodingClip
from pipelines.rendering.batch.encoding_request import EncodingRequest
from pipelines.rendering.batch.lineage import container_tags, lineage_of
from pipelines.rendering.batch.preparation import PortraitDemands, Preparation, Speak
from pipelines.rendering.batch.prepared import UnusableInputError
from pipelines.rendering.batch.render_models import RenderModels
from storage_schemas.render_request import RenderOptions
from storage_schemas.render_results import RenderFailure

_LOGGER = logging.getLogger(__name__)
_PUBLISHERS = 4


@dataclass(frozen=True, eq=False)
class MadeClip:
    """A clip whose file is finished, not published yet."""

    named: NamedClip
    frames: int
    lineage: dict[str, Any]
    encoded: EncodedClip


@dataclass(frozen=True, eq=False)
class FailedClip:
    """A clip that cannot be made."""

    named: NamedClip
    reason: RenderFailure
    message: str


OnClip = Callable[[MadeClip | FailedClip], None]
"""Called for each clip that was wanted, from any thread."""
OnFrames = Callable[[int], None]


class _Group:
    """The clips of a group with the folder of their temporary files."""

    def __init__(self, clips: Sequence[NamedClip], wanted: Collection[str], folder: Path) -> None:
        self.clips, self.wanted, self.folder = clips, wanted, folder
        self.pending: list[PendingClip] = []
        self.published: list[Future[None]] = []

    def finish(self) -> None:
        """Wait until every clip is out of the encoders and has been taken, then remove the temporary files.

        Raises:
            BaseException: whatever taking one of them raised.
        """
        for future in self.published:
            future.result()
        shutil.rmtree(self.folder, ignore_errors=True)


class RenderEngine:
    """Renders clips; a context manager that ends its processes. Used by one thread at a time.

    Args:
        models: trained networks.
        settings: how clips are made.
        face_model: file of the face model.
        scratch: folder for temporary files; finished clips are there until they are published.
        speak: says text; None: rows with text fail.
    """

    def __init__(self, models: RenderModels, settings: RenderOptions, face_model: Path, scratch: Path, speak: Speak | None = None) -> None:
        self.models, self.settings = models, settings
        self._scratch, self._speak = scratch, speak
        self.maker = ClipMaker(models, settings)
        self._demands = PortraitDemands(face_model, models.frames.size_px, models.frames.place, settings.paste_back)
        self._lineage = models.lineage()
        self._stack = ExitStack()

    def __enter__(self) -> RenderEngine:
        settings = self.settings
        self._preparation = self._stack.enter_context(Preparation(self._demands, self._scratch, settings.preparers))
        self._preparation.start()
        self._publishers = self._stack.enter_context(ThreadPoolExecutor(_PUBLISHERS + settings.encoders, thread_name_prefix="publish"))
        self._encoders = self._stack.enter_context(EncoderPool(settings.encoders, settings.batch_frames, self._scratch))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    def render(self, groups: Iterable[tuple[Sequence[NamedClip], Collection[str]]], on_clip: OnClip, on_frames: OnFrames) -> None:
        """Render what is wanted of each group.

        Args:
            groups: clips that belong together, and the ids of those that are wanted; the others are drawn beside them.
            on_clip: gets every wanted clip, made or failed; what it raises ends the rendering.
            on_frames: told how many frames were made.

        Raises:
            StoreError: temporary files cannot be written.
        """
        before: _Group | None = None
        for group in self._prepared_ahead(groups):
            self._make(group, self._drawn(group, on_clip), on_clip, on_frames)
            if before is not None:
                before.finish()
            before = group
        if before is not None:
            before.finish()

    def _prepared_ahead(self, groups: Iterable[tuple[Sequence[NamedClip], Collection[str]]]) -> Iterator[_Group]:
        """Yield groups whose files are being prepared, the next one's too."""
        ahead: _Group | None = None
        for clips, wanted in groups:
            following = self._begun(clips, wanted)
            if ahead is not None:
                yield ahead
            ahead = following
        if ahead is not None:
            yield ahead

    def _begun(self, clips: Sequence[NamedClip], wanted: Collection[str]) -> _Group:
        group = _Group(clips, wanted, Path(tempfile.mkdtemp(dir=self._scratch)))
        group.pending = [
            PendingClip(named, self._preparation, group.folder / f"sound-{place}", self._speak) for place, named in enumerate(clips)
        ]
        return group

    def _drawn(self, group: _Group, on_clip: OnClip) -> list[DrawnClip]:
        """Draw the coefficients of a group."""
        ready: list[PreparedClip] = []
        for pending in group.pending:
            try:
                ready.append(pending.prepared(self.settings))
            except UnusableInputError as error:
                _fail(group, pending.named, error, on_clip)
        drawn, undrawn = self.maker.draw(ready, group.folder)
        for clip in undrawn:
            _fail(group, ready[clip.place].named, UnusableInputError(RenderFailure.GENERATION_FAILED, clip.message), on_clip)
        return drawn

    def _make(self, group: _Group, drawn: list[DrawnClip], on_clip: OnClip, on_frames: OnFrames) -> None:
        """Make the frames of a group and hand them to the encoders."""
        wanted = {place for place, clip in enumerate(drawn) if clip.prepared.named.clip_id in group.wanted}
        encoding: dict[int, EncodingClip] = {}
        for runs, frames in self.maker.frames(drawn, wanted):
            start = 0
            for run in runs:
                if run.clip in wanted:
                    if run.clip not in encoding:
                        encoding[run.clip] = self._begin(group, drawn[run.clip], run.clip, on_clip)
                    encoding[run.clip].write(frames[start : start + run.length])
                    on_frames(run.length)
                start += run.length

    def _begin(self, group: _Group, clip: DrawnClip, place: int, on_clip: OnClip) -> EncodingClip:
        named, settings = clip.prepared.named, self.settings
        lineage = lineage_of(named, self._lineage, settings.shown(), clip.spool.sha256)
        track = clip.prepared.sound.track
        request = EncodingRequest(
            path=str(group.folder / f"clip-{place}.mp4"),
            size_px=self.models.frames.size_px,
            frames=clip.spool.frames,
            sound=str(track.path),
            rate_hz=track.rate_hz,
            metadata=container_tags(named, lineage),
            crf=settings.crf,
            preset=settings.x264_preset.value,
            picture=clip.prepared.picture,
        )
        encoding = self._encoders.begin(request)
        group.published.append(self._publishers.submit(_take, encoding, named, lineage, on_clip))
        return encoding


def _take(encoding: EncodingClip, named: NamedClip, lineage: dict[str, Any], on_clip: OnClip) -> None:
    try:
        encoded = encoding.done.result()
    except UnusableInputError as error:
        on_clip(FailedClip(named, error.reason, error.message))
    else:
        on_clip(MadeClip(named, encoding.request.frames, lineage, encoded))


def _fail(group: _Group, named: NamedClip, error: UnusableInputError, on_clip: OnClip) -> None:
    _LOGGER.info("%s: %s", named.clip.name, error.message)
    if named.clip_id in group.wanted:
        on_clip(FailedClip(named, error.reason, error.message))
