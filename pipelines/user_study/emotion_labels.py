"""Which emotion each clip should show: from a CSV, or from what a batch of renderings says of its own clips."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from storage_schemas.errors import BadInputError
from storage_schemas.render_results import RESULTS_FILE

_COLUMNS = ("clip", "emotion")


def read_emotions(path: Path) -> dict[str, str]:
    """Return the labels of a CSV with the columns clip and emotion.

    Raises:
        BadInputError: the file cannot be read, lacks a column, or names a clip twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"{path}: expected a CSV with the columns {', '.join(_COLUMNS)} ({error})") from error
    found: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        clip, emotion = (str(row.get(column) or "").strip() for column in _COLUMNS)
        if not clip or not emotion:
            raise BadInputError(f"{path}, row {number}: expected values in the columns {', '.join(_COLUMNS)}, found {dict(row)}")
        if clip in found:
            raise BadInputError(f"{path}, row {number}: {clip} is there twice")
        found[clip] = emotion
    return found


def rendered_emotions(folders: Iterable[Path]) -> dict[str, str]:
    """Return the labels of clips that were rendered from script lists; folders without a results table say nothing."""
    found: dict[str, str] = {}
    for folder in folders:
        if not (folder / RESULTS_FILE).is_file():
            continue
        try:
            rows = pq.read_table(folder / RESULTS_FILE, columns=["output", "emotion", "emotion_reference"]).to_pylist()
        except (pa.ArrowInvalid, OSError) as error:
            raise BadInputError(f"{folder / RESULTS_FILE}: expected a table of rendered clips ({error})") from error
        for row in rows:
            if not row["emotion_reference"] and ":" not in row["emotion"]:
                found[PurePosixPath(row["output"]).with_suffix("").as_posix()] = row["emotion"] or "neutral"
    return found
