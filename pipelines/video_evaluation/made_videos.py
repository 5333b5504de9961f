"""The videos of a method: one of our render batches, whose rows say what they are of, or any folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.corpora.walking import VIDEO_SUFFIXES, checked_root, walk_files
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion, escape_path
from storage_schemas.render_results import RESULTS_FILE, ClipStatus

_ROW_COLUMNS = ("status", "output", "audio", "emotion", "emotion_reference", "reason", "message", "row", "take")


@dataclass(frozen=True)
class MadeVideo:
    """One video of a method.

    Attributes:
        name: path in the folder, with suffix.
        path: where it is.
        candidates: what it may be called after: the sound of its row, and its own name, in the order in which they are tried.
        emotion: that it was asked for; empty: unknown.
        problem: why there is no video, of a row that failed.
    """

    name: str
    path: Path
    candidates: tuple[str, ...]
    emotion: str = ""
    problem: str = ""


def made_videos(folder: Path) -> list[MadeVideo]:
    """Return the videos of a folder, sorted by name.

    A folder with a table of results (`results.parquet`, which `render` writes) has the videos that the table names, failed rows with their
    reason; any other folder has all videos in it and below.

    Raises:
        BadInputError: there is no such folder, or nothing in it, or its table is damaged.
    """
    if str(folder).startswith("s3:"):
        raise BadInputError(f"{folder}: videos are read from a local folder; copy them there first")
    checked_root(folder)
    table = folder / RESULTS_FILE
    found = _of_batch(folder, table) if table.is_file() else _of_folder(folder)
    if not found:
        raise BadInputError(f"{folder}: expected videos, found none; name the output folder of `render` or a folder of videos")
    return sorted(found, key=lambda video: video.name)


def _of_folder(folder: Path) -> list[MadeVideo]:
    return [
        MadeVideo(
            escape_path(file.path), folder / file.path, (escape_path(file.path),), problem=file.problem.message if file.problem else ""
        )
        for file in walk_files(folder, VIDEO_SUFFIXES)
    ]


def _of_batch(folder: Path, table: Path) -> list[MadeVideo]:
    try:
        rows = pq.read_table(table, columns=list(_ROW_COLUMNS)).to_pylist()
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError) as error:
        raise BadInputError(f"{table}: expected the results of a rendered list ({error}); render the list again") from error
    labels = {emotion.value for emotion in Emotion} - {Emotion.UNLABELLED.value}
    found = []
    for row in rows:
        output = row["output"] or f"row {row['row']}, take {row['take']}"
        candidates = tuple(name for name in (row["audio"], row["output"]) if name)
        problem = "" if row["status"] == ClipStatus.DONE else f"{row['reason']}: {row['message']}"
        emotion = row["emotion"] if row["emotion"] in labels and not row["emotion_reference"] else ""
        found.append(MadeVideo(output, folder / row["output"], candidates, emotion, problem))
    return found
