"""Where clips are rendered: a process with the output folder, a speech engine and, once something is missing, the loaded models."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from infra.source_files import SourceFiles
from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.rendering.batch.clip_plan import PlannedClip, cut
from pipelines.rendering.batch.clip_sources import ClipNaming
from pipelines.rendering.batch.list_rendering import ListEvents, ListRendering
from pipelines.rendering.batch.render_engine import RenderEngine
from pipelines.rendering.batch.render_models import load_render_models, weights_of
from pipelines.scripts.places import located
from pipelines.speech.engines import SpeechEngine, open_speech_engine, speak_to_file
from storage_schemas.render_request import RenderRequest


class RenderWorkplace:
    """What a process keeps between lists and chunks; a context manager.

    Args:
        request: what is asked for, its models named in full; of its list nothing is read here.
    """

    def __init__(self, request: RenderRequest) -> None:
        self.request = request
        self._settings = Settings()
        self._stack = ExitStack()
        self._engine: RenderEngine | None = None

    def __enter__(self) -> RenderWorkplace:
        self.output: ManagedStore = self._stack.enter_context(open_store(self.request.out, self._settings))
        self.output.check_writable()
        self.output.remove_stale_scratch()
        self.scratch = self.output.scratch_folder()
        self._files = self._stack.enter_context(SourceFiles(self.scratch / "fetched", self._settings))
        self._speaker = _Speaker(self.request.speech or self._settings.speech, self._stack)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.__exit__(kind, error, trace)

    @property
    def engine(self) -> RenderEngine | None:
        """The engine, if one was needed."""
        return self._engine

    def render(self, base: str, chunks: Sequence[Sequence[PlannedClip]], events: ListEvents) -> None:
        """Render what is missing of some chunks of a list.

        Args:
            base: folder that relative names begin at.
            chunks: clips.
            events: who is told.

        Raises:
            BadInputError: a run is missing.
            StoreError: something cannot be read or written.
        """
        with open_store(self.request.store, self._settings) as store:
            shown = {"models": weights_of(store, self.request.models), **self.request.options.shown()}
        naming = ClipNaming(lambda address: self._files.local(located(address, base)), shown, lambda: self._speaker.engine.identity)
        groups = [group for chunk in chunks for group in cut(chunk, self.request.options.group_clips)]
        ListRendering(self.output, naming, events).run(self._started, groups)

    def _started(self) -> RenderEngine:
        if self._engine is None:
            with open_store(self.request.store, self._settings) as store:
                models = load_render_models(store, self.request.models)
                face_model = fetch_face_model(store, models.face_model.model_id, self.scratch)
            engine = RenderEngine(models, self.request.options, face_model, self.scratch, self._speaker)
            self._engine = self._stack.enter_context(engine)
        return self._engine


class _Speaker:
    """A speech engine that is opened when something is first said, and used by one thread at a time."""

    def __init__(self, setting: str, stack: ExitStack) -> None:
        self._setting, self._stack = setting, stack
        self._engine: SpeechEngine | None = None
        self._guard = threading.Lock()

    @property
    def engine(self) -> SpeechEngine:
        if self._engine is None:
            self._engine = self._stack.enter_context(open_speech_engine(self._setting))
        return self._engine

    def __call__(self, text: str, voice: str, path: Path) -> None:
        with self._guard:
            speak_to_file(self.engine, text, voice, path)
