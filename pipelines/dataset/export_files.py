"""Files of an export: each appears whole, under a name that every file system takes, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pyarrow as pa
from pyarrow import csv

from storage_schemas.errors import BadInputError, StoreError

EXPORT_FILE = "export.json"
_PARTIAL_PREFIX = ".partial-"  # not a suffix: what writes the file may look at that
_LONGEST_NAME_BYTES = 200
_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f]|[. ]$|^[. ]')


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to, and rename it when the block ends without an error.

    Raises:
        StoreError: if the file cannot be written.
    """
    partial = path.with_name(_PARTIAL_PREFIX + path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        partial.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error}; what was exported before is whole, and a new run goes on from it"
        raise StoreError(msg) from error
    finally:
        partial.unlink(missing_ok=True)


def exported_name(clip_id: str, clip_key: str) -> str:
    """Return the relative path of a clip's files without a suffix: its id, made safe, or its key if that is too long.

    Ids are paths already; characters that Windows refuses, and dots or spaces at the ends of a component, become ``%XX``.
    """
    components = [_safe(component) for component in clip_id.split("/") if component]
    if any(len(component.encode()) > _LONGEST_NAME_BYTES for component in components):
        return clip_key
    return "/".join(components) or clip_key


def _safe(component: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match.group().encode()), component)


def claim_folder(folder: Path, identity: dict[str, object]) -> None:
    """Make a folder that of one export, or go on with it.

    Raises:
        BadInputError: if the folder holds something else.
    """
    marker = folder / EXPORT_FILE
    wanted = orjson.dumps(identity, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    if marker.is_file():
        if marker.read_bytes() != wanted:
            msg = f"{folder} holds another export ({marker} differs); choose an empty folder"
            raise BadInputError(msg)
        return
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"{folder} is not an empty folder and has no {EXPORT_FILE} of an earlier export; choose an empty folder"
        raise BadInputError(msg)
    write_whole(marker, wanted)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that it appears whole."""
    with written_whole(path) as partial:
        partial.write_bytes(data)


def write_csv(path: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema) -> None:
    """Write record batches as one CSV file with a header line, streaming."""
    with written_whole(path) as partial, csv.CSVWriter(partial, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
