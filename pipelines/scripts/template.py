"""A script list to begin with: one row for each way of asking."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.scripts.list_files import CSV_SUFFIXES, JSON_SUFFIXES, PARQUET_SUFFIXES
from storage_schemas.errors import BadInputError
from storage_schemas.script_rows import COLUMNS, ScriptRow
from storage_schemas.store_trouble import store_trouble

EXAMPLES = (
    ScriptRow(portrait="portraits/anna.jpg", audio="speech/welcome.wav", emotion="happy", takes=2, output="welcome/anna"),
    ScriptRow(
        portrait="portraits/anna.jpg", text="The parcel is late, and we are sorry.", voice="en-us", emotion="sad", intensity=0.7, seed=3
    ),
    ScriptRow(portrait="portraits/ben.png", audio="speech/welcome.wav", emotion="happy:0.6,surprised:0.4", pose="fixed"),
    ScriptRow(portrait="portraits/ben.png", audio="speech/welcome.wav", emotion_reference="clips/angry.mp4", pose="clips/nodding.mp4"),
)


def write_template(path: Path) -> None:
    """Write the examples as a list of the kind that the file's name says; what is there is not overwritten.

    Raises:
        BadInputError: another suffix, or the file is there already.
        StoreError: it cannot be written.
    """
    suffix = path.suffix.lower()
    rows = [row.filled() for row in EXAMPLES]
    if suffix in CSV_SUFFIXES:
        data = _as_csv(rows, "\t" if suffix == ".tsv" else ",")
    elif suffix in JSON_SUFFIXES:
        data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    elif suffix in PARQUET_SUFFIXES:
        buffer = io.BytesIO()
        pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in COLUMNS} for row in rows]), buffer)
        data = buffer.getvalue()
    else:
        expected = ", ".join((*CSV_SUFFIXES, *JSON_SUFFIXES, *PARQUET_SUFFIXES))
        raise BadInputError(f"expected a name that ends in one of {expected}, found {path.name!r}")
    with store_trouble("write", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("xb") as file:
                file.write(data)
        except FileExistsError as error:
            raise BadInputError(f"{path} is there already; name another file") from error


def _as_csv(rows: list[dict[str, object]], delimiter: str) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")  # without the mark, spreadsheets take UTF-8 for something else
