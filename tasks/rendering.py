"""The Prefect tasks that render a script list: read it, render its clips here or elsewhere, make one table and a gallery of the results."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.face_model_store import fetch_face_model
from pipelines.rendering.batch.clip_plan import PlannedClip, cut, plan_clips
from pipelines.rendering.batch.clip_sources import ClipNaming
from pipelines.rendering.batch.list_rendering import ListEvents, ListRendering, now_text
from pipelines.rendering.batch.list_results import finish_list
from pipelines.rendering.batch.render_engine import RenderEngine
from pipelines.rendering.batch.render_models import load_render_models, resolve_models, weights_of
from pipelines.rendering.batch.run_tally import RunTally
from pipelines.scripts.places import REMOTE, is_remote, located
from pipelines.scripts.reading import ScriptList, read_script_list
from pipelines.speech.engines import SpeechEngine, open_speech_engine, speak_to_file
from storage_schemas.errors import BadInputError
from storage_schemas.render_request import RenderRequest
from storage_schemas.render_results import GALLERY_FILE, RESULTS_FILE, ClipResult, ClipStatus, RenderSummary
from storage_schemas.script_rows import NumberedRow, ScriptProblem
from tasks.progress import RunProgress


@dataclass(frozen=True)
class ListPlan:
    """A list that was read.

    Attributes:
        address: of the list.
        sha256: of its bytes.
        base: folder that relative names begin at.
        rows: without a problem.
        problems: of the others.
        groups: clips of the rows, as they are rendered together.
    """

    address: str
    sha256: str
    base: str
    rows: list[NumberedRow]
    problems: list[ScriptProblem]
    groups: list[Sequence[PlannedClip]]

    @property
    def clips(self) -> list[PlannedClip]:
        """All clips in the order in which they are rendered."""
        return [clip for group in self.groups for clip in group]

    def failures(self) -> list[ClipResult]:
        """Return a record for each row with problems."""
        by_row: dict[int, list[ScriptProblem]] = {}
        for problem in self.problems:
            by_row.setdefault(problem.row, []).append(problem)
        return [
            ClipResult(
                row=row, take=0, status=ClipStatus.FAILED, reason=found[0].reason.value, finished=now_text(),
                message="; ".join(f"{problem.column}: {problem.message}" if problem.column else problem.message for problem in found),
            )
            for row, found in sorted(by_row.items())
        ]  # fmt: skip


def read_list(request: RenderRequest, check: Callable[[ScriptList, str], ScriptList] = lambda found, _: found) -> ListPlan:
    """Read and check a list, and plan its clips.

    Args:
        request: what is asked for.
        check: looks for more problems, given the list and the folder that relative names begin at.

    Raises:
        BadInputError: the list is missing or unusable as a whole; names every problem.
    """
    base, _, _ = request.scripts.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="flowvqtalker-list-") as scratch:
        place = located(request.scripts, str(Path.cwd()))
        path = _fetched(place, Path(scratch)) if is_remote(place) else Path(place)
        if not path.is_file():
            raise BadInputError(f"script list {request.scripts}: there is no such file")
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        base = base if is_remote(place) else str(path.absolute().parent)
        found = check(read_script_list(path), base)
    whole = found.list_problems()
    if whole:
        raise BadInputError(f"script list {request.scripts}: " + "; ".join(str(problem) for problem in whole))
    chunks = cut(plan_clips(found.rows), request.chunk_clips)
    groups = [group for chunk in chunks for group in cut(chunk, request.options.group_clips)]
    return ListPlan(request.scripts, sha256, base, found.rows, found.problems, groups)


def _fetched(address: str, folder: Path) -> Path:
    """Copy an s3:// object into a folder; FileNotFoundError if it is not there."""
    parent, _, name = address.rpartition("/")
    if parent + "/" == REMOTE:
        raise BadInputError(f"expected s3://bucket/path, found {address!r}")
    target = Path(tempfile.mkdtemp(dir=folder)) / name
    with open_store(parent, Settings()) as store, store.open(name) as source, target.open("wb") as file:
        while data := source.read(1 << 20):
            file.write(data)
    return target


class _Files:
    """Local copies of the files that rows name."""

    def __init__(self, base: str, scratch: Path) -> None:
        self._base, self._scratch = base, scratch

    def __call__(self, address: str) -> Path:
        place = located(address, self._base)
        return _fetched(place, self._scratch) if is_remote(place) else Path(place)


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


@dataclass
class RenderWorkplace:
    """What a process keeps between lists and chunks: the engine, loaded when it is first needed.

    Args:
        request: what is asked for, its models named in full.
    """

    request: RenderRequest
    _stack: ExitStack = field(default_factory=ExitStack)
    _engine: RenderEngine | None = None

    def __enter__(self) -> RenderWorkplace:
        self.output = self._stack.enter_context(open_store(self.request.out, Settings()))
        self.speaker = _Speaker(self.request.speech, self._stack)
        self.scratch = self.output.scratch_folder()
        return self

    def __exit__(self, *details: Any) -> None:
        self._stack.__exit__(*details)

    def engine(self) -> RenderEngine:
        """Return the engine.

        Raises:
            BadInputError: a run is missing.
            StoreError: a run is damaged.
        """
        if self._engine is None:
            with open_store(self.request.store, Settings()) as store:
                models = load_render_models(store, self.request.models)
                face_model = fetch_face_model(store, models.face_model.model_id, self.scratch)
            self._engine = self._stack.enter_context(
                RenderEngine(models, self.request.options, face_model, self.scratch, self.speaker)
            )
        return self._engine

    def render(self, plan: ListPlan, groups: Sequence[Sequence[PlannedClip]], events: ListEvents) -> None:
        """Render what is missing of some groups of a list.

        Raises:
            BadInputError: a run is missing.
            StoreError: something cannot be read or written.
        """
        with open_store(self.request.store, Settings()) as store:
            settings = {"models": weights_of(store, self.request.models), **self.request.options.shown()}
        naming = ClipNaming(_Files(plan.base, self.scratch), settings, lambda: self.speaker.engine.identity)
        ListRendering(self.output, naming, events).run(self.engine, groups)


@contextmanager
def render_workplace(request: RenderRequest) -> Iterator[RenderWorkplace]:
    """Yield a workplace, its output folder made sure to be writable and cleared of what killed processes left."""
    with RenderWorkplace(request) as workplace:
        store: ManagedStore = workplace.output
        store.check_writable()
        store.remove_stale_scratch()
        yield workplace



@task(name="render list", cache_policy=NO_CACHE, persist_result=False)
def render_list(request: RenderRequest) -> RenderSummary:
    """Render what is missing of a list in this process.

    Raises:
        BadInputError: the list is unusable as a whole, or a run is missing.
        StoreError: something cannot be read or written.
    """
    started_s = time.monotonic()
    with open_store(request.store, Settings()) as store:
        request = request.model_copy(update={"models": resolve_models(store, request.models)})
    plan = read_list(request)
    tally = RunTally(plan.clips, plan.failures())
    progress = RunProgress("render-batch", tally.clips, f"clips of {plan.address.rsplit('/', 1)[-1]}")
    with render_workplace(request) as workplace:
        workplace.render(plan, plan.groups, _events(tally, progress))
        results = [tally.results[key] for key in sorted(tally.results)]
        finish_list(
            workplace.output, results, scripts=plan.address, scripts_sha256=plan.sha256, models=request.models, finished=now_text()
        )  # fmt: skip
        return _summary(request, tally, workplace.output.uri, time.monotonic() - started_s)


def _events(tally: RunTally, progress: RunProgress) -> ListEvents:
    def on_result(result: ClipResult, was_there: bool) -> None:
        tally.add(result, was_there)
        progress.reach(len(tally.results), tally.clips, tally.note())

    def on_frames(count: int) -> None:
        tally.add_frames(count)
        progress.tell(tally.note())

    return ListEvents(on_result, on_frames)


def _summary(request: RenderRequest, tally: RunTally, out: str, seconds: float) -> RenderSummary:
    return RenderSummary(
        **tally.rows(),
        clips_done=tally.clips_done,
        clips_failed=tally.clips - tally.clips_done - tally.clips_skipped,
        clips_skipped=tally.clips_skipped,
        frames=tally.frames,
        seconds=round(seconds, 3),
        failures=dict(sorted(Counter(result.reason for result in tally.failed).items())),
        models=request.models,
        out=out,
        results=f"{out.rstrip('/')}/{RESULTS_FILE}",
        gallery=f"{out.rstrip('/')}/{GALLERY_FILE}",
    )
