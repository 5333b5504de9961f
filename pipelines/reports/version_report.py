"""The report of a version that has just been built: its tables, and pictures read from its parts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from pipelines.dataset.face_model_store import fetch_face_model, read_card
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_reading import array_rows, read_part_index
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.version_tables import VersionTable, parquet_batches
from pipelines.face_model.basis import read_face_model
from pipelines.reports.contact_sheet import SHEET_COLUMNS, SheetClip, SheetItem, choose_sheet_clips
from pipelines.reports.dataset_report import render_report
from pipelines.reports.fit_clips import FIT_COLUMNS, choose_fit_clips
from pipelines.reports.fit_samples import read_fit_samples
from pipelines.reports.fit_view import FitPictures, fit_pictures
from pipelines.reports.frame_search import read_frame_jpeg
from storage_schemas.dataset_version import VersionManifest
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, PartRecording, RowRange

_CLIPS_READ_AT_ONCE = 8


def make_version_report(store: ObjectStore, manifest: VersionManifest, tables: Path) -> str:
    """Return the HTML report of a version.

    Args:
        store: where its parts are.
        manifest: of the version.
        tables: local folder with the version's Parquet files.

    Raises:
        StoreError: a part that a picture needs, or the face model, cannot be read.
    """
    chosen = choose_sheet_clips(_batches(tables, VersionTable.CLIPS, SHEET_COLUMNS))
    items = read_sheet(store, chosen)
    fit = _fit_pictures(store, manifest, tables) if manifest.face_model else None
    return render_report(manifest, _batches(tables, VersionTable.CLIPS), _batches(tables, VersionTable.REJECTIONS), items, fit)


def _fit_pictures(store: ObjectStore, manifest: VersionManifest, tables: Path) -> FitPictures:
    clips = choose_fit_clips(_batches(tables, VersionTable.CLIPS, FIT_COLUMNS))
    with tempfile.TemporaryDirectory() as folder:
        model = read_face_model(fetch_face_model(store, manifest.face_model, Path(folder)))
    return fit_pictures(model, read_card(store, manifest.face_model), *read_fit_samples(store, model, clips))


def read_sheet(store: ObjectStore, clips: Sequence[SheetClip]) -> list[SheetItem]:
    """Return the first, middle and last frame of each clip, with its landmarks if it has any.

    Raises:
        StoreError: a part cannot be read or is damaged.
    """
    with ThreadPoolExecutor(_CLIPS_READ_AT_ONCE) as pool:
        return [item for items in pool.map(lambda clip: list(_sheet_items(store, clip)), clips) for item in items]


def _sheet_items(store: ObjectStore, clip: SheetClip) -> Iterator[SheetItem]:
    recording = _recording_of(store, clip)
    landmarks = open_part_array(store, clip.landmarks_part, layout_of("landmarks")) if clip.landmarks_part else None
    caption = ", ".join(label for label in (clip.speaker, clip.emotion, clip.split) if label)
    for index in clip.shown_frames():
        jpeg = read_frame_jpeg(store, clip.frames_part, recording, clip.clip_key, index)
        points = None
        if landmarks is not None:
            points = array_rows(landmarks, RowRange(start=clip.landmarks_start + index, count=1))[0, :, :2]
        yield SheetItem(clip.clip_id, jpeg, points, index, caption)


def _recording_of(store: ObjectStore, clip: SheetClip) -> PartRecording:
    for recording in read_part_index(store, Family.FRAMES, clip.frames_part).recordings:
        if any(item.clip.clip_key == clip.clip_key for item in recording.clips):
            return recording
    msg = f"{store.uri}: frames part {clip.frames_part} should hold clip {clip.clip_id} ({clip.clip_key}) and does not; build again"
    raise StoreError(msg)


def _batches(tables: Path, table: VersionTable, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    with (tables / table.file_name).open("rb") as file:
        yield from parquet_batches(file, columns)
