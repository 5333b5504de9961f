"""Reading a script list for rendering, and handing its chunks to other processes through the output folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import orjson

from infra.settings import Settings
from infra.source_files import SourceFiles
from pipelines.rendering.batch.clip_plan import PlannedClip, cut, plan_clips
from pipelines.rendering.batch.list_rendering import now_text
from pipelines.scripts.checking import Surroundings, check_script_list
from pipelines.scripts.places import located, parent_of, scheme_problem
from pipelines.scripts.reading import read_script_list
from pipelines.speech.engines import open_speech_engine
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import content_hash
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.render_request import RenderRequest
from storage_schemas.render_results import CLIP_ID_DIGITS, PLANS_FOLDER, ClipResult, ClipStatus
from storage_schemas.script_rows import ScriptProblem, ScriptRow

Chunk = Sequence[PlannedClip]


@dataclass(frozen=True)
class ListPlan:
    """A list that was read.

    Attributes:
        address: of the list.
        sha256: of its bytes.
        base: folder that relative names begin at.
        problems: of rows that are left out.
        chunks: clips of the other rows, as they are handed to GPU workers.
    """

    address: str
    sha256: str
    base: str
    problems: list[ScriptProblem]
    chunks: list[Chunk]

    @property
    def clips(self) -> list[PlannedClip]:
        """All clips in the order in which they are rendered."""
        return [clip for chunk in self.chunks for clip in chunk]

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


def read_list(request: RenderRequest, scratch: Path, on_progress: Callable[[int, int], None] | None = None) -> ListPlan:
    """Read and check a list, and plan its clips.

    Args:
        request: what is asked for.
        scratch: folder for a copy of a list on S3.
        on_progress: called with (rows checked, rows).

    Raises:
        BadInputError: the list is missing or unusable as a whole; names every problem.
        StoreError: S3 cannot be reached.
    """
    if problem := scheme_problem(request.scripts):
        raise BadInputError(f"script list: {problem}")
    address, settings = located(request.scripts, str(Path.cwd())), Settings()
    with ExitStack() as stack:
        files = stack.enter_context(SourceFiles(scratch, settings))
        try:
            path = files.local(address)
        except FileNotFoundError as error:
            raise BadInputError(f"there is no script list {address}; `flowvqtalker scripts template` writes one") from error
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        found = read_script_list(path)
        whole = found.list_problems()
        if whole:
            raise BadInputError(f"script list {request.scripts}: " + "; ".join(str(problem) for problem in whole))
        speaks = any(row.text for _, row in found.rows)
        engine = stack.enter_context(open_speech_engine(request.speech or settings.speech)) if speaks else None
        surroundings = Surroundings(parent_of(address), files.exists, engine.voice_problem if engine is not None else None)
        found = check_script_list(found, surroundings, on_progress)
    return ListPlan(request.scripts, sha256, parent_of(address), found.problems, cut(plan_clips(found.rows), request.chunk_clips))


def plan_id(request: RenderRequest, plan: ListPlan) -> str:
    """Return the hash of a request, its models named in full, and its clips."""
    clips = [[clip.number, clip.take, clip.row.content_key()] for clip in plan.clips]
    return content_hash({"request": request.model_dump(mode="json"), "clips": clips})[:CLIP_ID_DIGITS]


def chunk_path(plan: str, number: int, kind: str = "clips") -> str:
    """Return where a chunk's clips, or its results, are in the output folder."""
    return f"{PLANS_FOLDER}/{plan}/{kind}-{number:06d}.json"


def write_chunk(output: ObjectStore, path: str, base: str, chunk: Chunk) -> None:
    """Write the clips of a chunk."""
    rows = [[clip.number, clip.take, clip.row.model_dump(mode="json")] for clip in chunk]
    output.write_bytes(path, orjson.dumps({"base": base, "clips": rows}))


def read_chunk(output: ObjectStore, path: str) -> tuple[str, list[PlannedClip]]:
    """Return the folder that relative names begin at, and the clips of a chunk."""
    data = orjson.loads(output.read_bytes(path))
    return data["base"], [PlannedClip(number, ScriptRow.model_validate(row), take) for number, take, row in data["clips"]]
