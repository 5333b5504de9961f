"""Preparing the files of a group of clips in processes of their own, each file once, a group ahead of what is rendered."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from pipelines.dataset.isolation import IsolatedProcess, LimitExceededError, Limits, run_twice
from pipelines.generation.reference_files import read_reference_file
from pipelines.generation.request import Reference
from pipelines.rendering.batch.file_preparing import PORTRAIT_FILE
from pipelines.rendering.batch.prepared import PreparedPortrait, PreparedSound, UnusableInputError, load_portrait
from pipelines.rendering.batch.sound_files import prepared_sound
from pipelines.rendering.portrait_frame import FacePlace
from storage_schemas.errors import BadInputError, ItemRejectedError
from storage_schemas.rejections import RejectionReason
from storage_schemas.render_results import RenderFailure

_MODULE = "pipelines.rendering.batch.preparing_main"
_LIMITS = Limits(time_s=120.0, memory_mb=4096, time_per_media_s=5.0, silence_s=60.0)
_KEPT = 256
"""Portraits and references that are remembered; more than are in use at a time, which is those of two groups of clips."""
_FAILURES = {
    RejectionReason.CRASHED: RenderFailure.CRASHED,
    RejectionReason.TIME_LIMIT: RenderFailure.TIME_LIMIT,
    RejectionReason.MEMORY_LIMIT: RenderFailure.MEMORY_LIMIT,
}

Result = TypeVar("Result")
Speak = Callable[[str, str, Path], None]
"""Writes the speech of (text, voice) to a sound file; BadInputError where it cannot be spoken. Called from several threads."""
_SPOKEN_FILE = "spoken.wav"


@dataclass(frozen=True)
class PortraitDemands:
    """What portraits are prepared for.

    Attributes:
        face_model: file of the face model.
        size_px: side of the generator's pictures.
        place: where the generator wants the face.
        paste_back: whether frames are to be pasted into the picture.
    """

    face_model: Path
    size_px: int
    place: FacePlace
    paste_back: bool = False


class _Kept(OrderedDict[str, "Future[Any]"]):
    """The last results by name, each made once, also when asked for from several threads."""

    def get_or_start(self, name: str, start: Callable[[], Future[Result]]) -> Future[Result]:
        if name not in self:
            self[name] = start()
        self.move_to_end(name)
        while len(self) > _KEPT:
            _, oldest = self.popitem(last=False)
            oldest.add_done_callback(_forget)
        return self[name]


def _forget(future: Future[Any]) -> None:
    """Remove the picture of a portrait that is no longer kept."""
    if not future.cancelled() and future.exception() is None:
        prepared = future.result()
        if isinstance(prepared, PreparedPortrait) and prepared.picture is not None:
            shutil.rmtree(Path(prepared.picture["file"]).parent, ignore_errors=True)


class Preparation:
    """Prepares files; a context manager that ends its processes.

    Args:
        demands: of portraits.
        scratch: folder for raw samples and arrays.
        processes: files prepared at once.
    """

    def __init__(self, demands: PortraitDemands, scratch: Path, processes: int = 1) -> None:
        self._demands, self._scratch = demands, scratch
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="prepare")
        self._idle: SimpleQueue[IsolatedProcess] = SimpleQueue()
        self._all = [IsolatedProcess(scratch / f"prepare-{number}.log", _MODULE) for number in range(processes)]
        for process in self._all:
            self._idle.put(process)
        self._kept: dict[str, _Kept] = {kind: _Kept() for kind in ("portrait", "reference")}
        self._guard = threading.Lock()

    def __enter__(self) -> Preparation:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._all:
            process.close()
        self._threads.shutdown(wait=True)

    def start(self) -> None:
        """Start the processes; their imports go on in the background."""
        for process in self._all:
            process.start()

    def portrait(self, path: Path) -> Future[PreparedPortrait]:
        """Return a portrait to be; its result raises UnusableInputError where the file cannot be used."""
        with self._guard:
            return self._kept["portrait"].get_or_start(str(path), lambda: self._threads.submit(self._portrait, path))

    def reference(self, path: Path) -> Future[Reference]:
        """Return a reference to be, whose result raises UnusableInputError."""
        with self._guard:
            return self._kept["reference"].get_or_start(str(path), lambda: self._threads.submit(self._reference, path))

    def sound(self, path: Path, folder: Path) -> Future[PreparedSound]:
        """Return sound to be, in files of a folder; its result raises UnusableInputError."""
        return self._threads.submit(self._sound, path, folder)

    def speech(self, text: str, voice: str, folder: Path, speak: Speak | None) -> Future[PreparedSound]:
        """Return the sound of a text to be, in files of a folder; its result raises UnusableInputError."""
        return self._threads.submit(self._speech, text, voice, folder, speak)

    def _portrait(self, path: Path) -> PreparedPortrait:
        demands, folder = self._demands, Path(tempfile.mkdtemp(dir=self._scratch))
        request = {
            "kind": "portrait", "face_model": str(demands.face_model), "size_px": demands.size_px, "paste_back": demands.paste_back,
            "place": [demands.place.x, demands.place.y, demands.place.scale, demands.place.surroundings],
        }  # fmt: skip
        picture = None
        try:
            values = self._answer(request, path, folder)
            picture = values["picture"]
            return PreparedPortrait(load_portrait(folder / PORTRAIT_FILE, values), picture)
        finally:
            if picture is None:
                shutil.rmtree(folder, ignore_errors=True)

    def _reference(self, path: Path) -> Reference:
        try:
            return read_reference_file(path, self._demands.face_model)
        except (BadInputError, ItemRejectedError) as error:
            raise UnusableInputError(RenderFailure.BAD_REFERENCE, str(error)) from error

    def _speech(self, text: str, voice: str, folder: Path, speak: Speak | None) -> PreparedSound:
        if speak is None:
            raise UnusableInputError(
                RenderFailure.SPEECH_FAILED, "the row has text, but there is no speech engine; name one, or give audio"
            )
        folder.mkdir(parents=True, exist_ok=True)
        spoken = folder / _SPOKEN_FILE
        try:
            speak(text, voice, spoken)
        except BadInputError as error:
            raise UnusableInputError(RenderFailure.SPEECH_FAILED, str(error)) from error
        try:
            return self._sound(spoken, folder)
        finally:
            spoken.unlink(missing_ok=True)

    def _sound(self, path: Path, folder: Path) -> PreparedSound:
        folder.mkdir(parents=True, exist_ok=True)
        return prepared_sound(self._answer({"kind": "sound"}, path, folder), folder)

    def _answer(self, request: dict[str, Any], path: Path, folder: Path) -> dict[str, Any]:
        with self._process() as process:
            try:
                answer = run_twice(process, {**request, "path": str(path), "out_folder": str(folder)}, _LIMITS, path.name)
            except LimitExceededError as error:
                message = f"{request['kind']} {path}: {error.message}; give another file"
                raise UnusableInputError(_FAILURES.get(error.reason, RenderFailure.CRASHED), message) from error
        if "reason" in answer:
            raise UnusableInputError(RenderFailure(answer["reason"]), answer["message"])
        return answer

    @contextmanager
    def _process(self) -> Any:  # noqa: ANN401 - an iterator of IsolatedProcess
        process = self._idle.get()
        try:
            yield process
        finally:
            self._idle.put(process)
