"""Measures groups in several processes at once, in order, with a bounded number under way; what a video breaks costs that video."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from pipelines.dataset.isolation import IsolatedProcess, LimitExceededError, Limits, run_twice
from pipelines.video_evaluation.clip_staging import stage_clip
from pipelines.video_evaluation.pairing import Pair
from pipelines.video_evaluation.true_clips import TrueClip
from storage_schemas.evaluation_requests import EvaluationSettings, GroupAnswer, GroupRequest, MeasuredVideo, WantedInputs
from storage_schemas.identifiers import escape_path
from storage_schemas.object_store_protocol import ObjectStore

_MODULE = "pipelines.video_evaluation.measuring_main"
_AHEAD = 2
"""Groups that may be finished before they are asked for; their pictures wait on the disk."""
LIMITS = Limits(time_s=120.0, memory_mb=3000, time_per_media_s=20.0, silence_s=120.0)


@dataclass(frozen=True)
class MeasuredGroup:
    """A true clip with its pairs, what was measured, and where the pictures for networks are while the group is looked at."""

    clip: TrueClip
    pairs: tuple[Pair, ...]
    answer: GroupAnswer
    folder: Path


@dataclass(frozen=True)
class MeasuringPlan:
    """What is measured of every group.

    Attributes:
        groups: true clips and their pairs.
        settings: of the evaluation.
        wanted: pictures for networks.
        store: with the stored clips; None: all are videos.
        scratch: local folder for temporary files.
        workers: processes.
    """

    groups: Sequence[tuple[TrueClip, tuple[Pair, ...]]]
    settings: EvaluationSettings
    wanted: WantedInputs
    store: ObjectStore | None
    scratch: Path
    workers: int


def measured_groups(plan: MeasuringPlan) -> Iterator[MeasuredGroup]:
    """Yield every group of a plan in its order; a group's folder is gone when the next one is asked for.

    Raises:
        StoreError: a stored clip is damaged, or the scratch folder cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="evaluation-", dir=plan.scratch) as folder:
        pool = _Pool(plan, Path(folder))
        try:
            yield from pool.run()
        finally:
            pool.close()


class _Pool:
    def __init__(self, plan: MeasuringPlan, folder: Path) -> None:
        self._plan, self._folder = plan, folder
        self._processes = [IsolatedProcess(folder / f"process-{number}.log", _MODULE) for number in range(plan.workers)]
        self._free: SimpleQueue[IsolatedProcess] = SimpleQueue()
        for process in self._processes:
            process.start()
            self._free.put(process)

    def run(self) -> Iterator[MeasuredGroup]:
        waiting: deque[Future[MeasuredGroup]] = deque()
        todo = iter(enumerate(self._plan.groups))
        with ThreadPoolExecutor(self._plan.workers, "evaluation") as threads:
            try:
                for number, (clip, pairs) in todo:
                    waiting.append(threads.submit(self._measured, number, clip, pairs))
                    if len(waiting) >= self._plan.workers + _AHEAD:
                        yield from _taken(waiting)
                while waiting:
                    yield from _taken(waiting)
            finally:
                for future in waiting:
                    future.cancel()

    def close(self) -> None:
        for process in self._processes:
            process.close()

    def _measured(self, number: int, clip: TrueClip, pairs: tuple[Pair, ...]) -> MeasuredGroup:
        process = self._free.get()
        try:
            folder = self._folder / f"group-{number}"
            folder.mkdir()
            reference, kind = clip.path, "video"
            if self._plan.store is not None and reference is None:
                reference, kind = folder / "clip.npz", "stored"
                stage_clip(self._plan.store, clip.row, reference)
            request = GroupRequest(
                reference_kind=kind,
                reference=escape_path(reference or ""),
                videos=[escape_path(pair.video.path) for pair in pairs],
                settings=self._plan.settings,
                wanted=self._plan.wanted,
                out_folder=str(folder),
            )
            return MeasuredGroup(clip, pairs, _answered(lambda part: _asked(process, part, clip.name), request), folder)
        finally:
            self._free.put(process)


def _taken(waiting: deque[Future[MeasuredGroup]]) -> Iterator[MeasuredGroup]:
    group = waiting.popleft().result()
    yield group
    shutil.rmtree(group.folder, ignore_errors=True)


def _asked(process: IsolatedProcess, request: GroupRequest, name: str) -> GroupAnswer:
    return GroupAnswer.model_validate(run_twice(process, request.model_dump(mode="json"), LIMITS, name))


def _answered(ask: Callable[[GroupRequest], GroupAnswer], request: GroupRequest) -> GroupAnswer:
    """Measure a group; if that fails as a whole, one video at a time, so that a broken one costs no other."""
    try:
        return ask(request)
    except LimitExceededError as error:
        if len(request.videos) == 1:
            return GroupAnswer(reference_problem="", videos=[MeasuredVideo(problem=f"{error.reason.value}: {error.message}")])
    answers = [_alone(ask, request, number) for number in range(len(request.videos))]
    reference = next((answer.reference for answer in answers if answer.reference is not None), None)
    problem = next((answer.reference_problem for answer in answers if answer.reference_problem), "")
    return GroupAnswer(reference=reference, reference_problem=problem, videos=[video for answer in answers for video in answer.videos])


def _alone(ask: Callable[[GroupRequest], GroupAnswer], request: GroupRequest, number: int) -> GroupAnswer:
    """Measure one video of a group, its pictures in a folder of their own."""
    folder = Path(request.out_folder) / f"alone-{number}"
    folder.mkdir()
    answer = _answered(ask, request.model_copy(update={"videos": [request.videos[number]], "out_folder": str(folder)}))
    text = answer.model_dump(mode="json")
    for side in (text["reference"], *((video["figures"] or {}).get("made") for video in text["videos"])):
        if side and side["inputs"]:
            side["inputs"] = f"{folder.name}/{side['inputs']}"
    return GroupAnswer.model_validate(text)
