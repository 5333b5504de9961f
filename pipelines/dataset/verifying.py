"""Verifying a dataset version: every problem is found before anything is said, and nothing damaged raises."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from pipelines.dataset.clip_rows import StoredIndex, part_columns
from pipelines.dataset.face_model_store import fetch_face_model, read_card
from pipelines.dataset.local_copies import folder_for_copies
from pipelines.dataset.part_checks import check_part, parts_of
from pipelines.dataset.problems import Check, Problem, ProblemList
from pipelines.dataset.table_checks import check_manifest, check_tables
from pipelines.dataset.version_tables import VersionTable, read_rows, version_folder
from pipelines.dataset.versions import MANIFEST_FILE, parse_manifest, resolve_version
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartClip, part_path

Progress = Callable[[int, int], None]
"""(objects checked so far, objects in all)."""

_PART_COLUMNS = {
    Family.FRAMES: "frames_part",
    Family.LANDMARKS: "landmarks_part",
    Family.AUDIO: "audio_part",
    Family.COEFFICIENTS: "coefficients_part",
}
_CLIP_FIELDS = (
    "clip_id", "clip_key", "recording_id", "frames", "source_start_s", "source_width_px", "source_height_px", "source_fps",
    "window_x_px", "window_y_px", "window_size_px", "window_source", "frames_held", "face_height_px", "detection_rate",
)  # fmt: skip


def verify_version(store: ObjectStore, version: str, *, manifest_only: bool = False, progress: Progress | None = None) -> list[Problem]:
    """Return everything that is wrong with a version; an empty list means that it is whole.

    Always: the id is the hash of the content, the tables have the hashes, digests and counts that the manifest states, their rows
    are sorted, unique and consistent. Unless `manifest_only`, also: every object is there with its size and SHA-256 (every byte is
    read), tars and arrays have the members, shapes and types of their layout, every clip decodes to the bytes its hash was made of,
    the clips table says what the parts' indices say, and the face model that the version names is there and has the content of its id.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.
        manifest_only: read no objects.
        progress: called after each part.

    Raises:
        BadInputError: if there is no such version, or its format is newer than this program.
    """
    problems = ProblemList()
    version_id = resolve_version(store, version)
    manifest = _manifest(store, version_id, problems)
    if manifest is None:
        return problems.all()
    check_manifest(manifest, version_id, problems)
    check_tables(store, manifest, version_id, problems)
    if not manifest_only:
        checks = (
            _check_parts(store, manifest, version_id, progress),
            _check_clip_rows(store, version_id),
            _check_face_model(store, manifest.face_model),
        )
        for check in checks:
            problems.extend(list(_until_unreadable(check)))
    return problems.all()


def _manifest(store: ObjectStore, version_id: str, problems: ProblemList) -> VersionManifest | None:
    path = f"{version_folder(version_id)}/{MANIFEST_FILE}"
    try:
        return parse_manifest(store.read_bytes(path), path)
    except FileNotFoundError:
        problems.add(Check.MANIFEST, path, "expected a manifest, there is none")
    except StoreError as error:
        problems.add(Check.MANIFEST, path, str(error))
    return None


def _until_unreadable(problems: Iterator[Problem]) -> Iterator[Problem]:
    """Yield problems until a table or the scratch folder fails, and say so."""
    try:
        yield from problems
    except (FileNotFoundError, StoreError, pa.ArrowException, KeyError, ValueError, OSError) as error:
        yield Problem(check=Check.UNCHECKED, item="", message=f"not everything could be checked: {error}")


def _check_parts(store: ObjectStore, manifest: VersionManifest, version_id: str, progress: Progress | None) -> Iterator[Problem]:
    checked, total = 0, manifest.counts.get("objects", 0)
    for part in parts_of(read_rows(store, version_id, VersionTable.OBJECTS), manifest.spec.crop.size_px):
        yield from check_part(store, part)
        checked += len(part.objects)
        if progress is not None:
            progress(checked, total)


def _check_face_model(store: ObjectStore, model_id: str) -> Iterator[Problem]:
    """Check that the model of the coefficients is there and is the one its id says."""
    if not model_id:
        return
    try:
        read_card(store, model_id)
        with folder_for_copies(store) as folder:
            fetch_face_model(store, model_id, folder)
    except FileNotFoundError:
        yield Problem(check=Check.FACE_MODEL, item=model_id, message="the version names this face model, the store does not have it")
    except StoreError as error:
        yield Problem(check=Check.FACE_MODEL, item=model_id, message=str(error))


def _check_clip_rows(store: ObjectStore, version_id: str) -> Iterator[Problem]:
    """Compare each clip with the indices of its parts, which are read once each because the clips of a part follow each other."""
    rows = read_rows(store, version_id, VersionTable.CLIPS)
    for keys, clips in itertools.groupby(rows, key=lambda row: tuple(row[column] for column in _PART_COLUMNS.values())):
        indices = {family: _clips_of(store, family, key) for family, key in zip(_PART_COLUMNS, keys, strict=True) if key}
        if any(found is None for found in indices.values()):
            continue  # the index is damaged or missing, and that is reported with the objects
        for row in clips:
            yield from _check_clip_row(row, {family: found or {} for family, found in indices.items()})


def _clips_of(store: ObjectStore, family: Family, key: str) -> dict[str, PartClip] | None:
    try:
        stored = StoredIndex.from_bytes(store.read_bytes(f"{part_path(family, key)}/{PART_INDEX_FILE}"))
    except (FileNotFoundError, StoreError, ValidationError):
        return None
    return {item.clip.clip_id: item for recording in stored.index.recordings for item in recording.clips}


def _check_clip_row(row: dict[str, Any], indices: dict[Family, dict[str, PartClip]]) -> Iterator[Problem]:
    clip_id = row["clip_id"]
    absent = [family.value for family, clips in indices.items() if clip_id not in clips]
    if absent:
        yield Problem(check=Check.CLIP_ROW, item=clip_id, message=f"the parts that the clip names do not hold it: {', '.join(absent)}")
        return
    clips = {family: found[clip_id] for family, found in indices.items()}
    expected = part_columns(clips, {family: row[column] for family, column in _PART_COLUMNS.items()})
    first = next(iter(clips.values()), None)
    if first is not None:
        expected |= {name: getattr(first.clip, name) for name in _CLIP_FIELDS}
    wrong = {name: (value, row[name]) for name, value in expected.items() if value != row[name]}
    if wrong:
        detail = "; ".join(f"{name}: the part says {value!r}, the table {found!r}" for name, (value, found) in wrong.items())
        yield Problem(check=Check.CLIP_ROW, item=clip_id, message=detail)
