"""Exporting a dataset version into a folder: WebDataset shards by split, one video a clip, or tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict

from pipelines.dataset.clip_media import ClipMedia, clip_media
from pipelines.dataset.clip_tars import copy_clips
from pipelines.dataset.export_files import claim_folder, exported_name, write_csv, write_whole, written_whole
from pipelines.dataset.splitting import SPLITS
from pipelines.dataset.version_tables import VersionTable, read_batches, sha256_of
from pipelines.dataset.versions import load_manifest
from storage_schemas.errors import BadInputError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, part_path

ClipWriter = Callable[[Path, ClipMedia, dict[str, str]], None]
"""Writes the files of one clip: (path without a suffix, what is in it, metadata)."""
Progress = Callable[[int, int], None]
"""(clips done, clips in all)."""


class ExportKind(StrEnum):
    """What is written.

    webdataset: ``<split>/<part>.tar`` with the frames of that split's clips, ``<split>/index.json``, and clips.csv
    videos: ``<clip id>.mp4`` (with sound) and ``.wav`` for each clip, ``.jpg`` for a still, and clips.csv
    csv: clips.csv and rejections.csv
    """

    WEBDATASET = "webdataset"
    VIDEOS = "videos"
    CSV = "csv"


class ExportResult(BaseModel):
    """What an export did: clips in it, files written now, and files that an earlier run had written."""

    model_config = ConfigDict(frozen=True)

    dataset_version: str
    kind: ExportKind
    folder: str
    clips: int
    files_written: int
    files_kept: int


@dataclass
class _Export:
    store: ObjectStore
    version_id: str
    folder: Path
    splits: tuple[str, ...]
    progress: Progress | None
    clips_in_all: int = 0
    clips: int = 0
    written: int = 0
    kept: int = 0

    def count(self, clips: int) -> None:
        self.clips += clips
        if self.progress is not None:
            self.progress(self.clips, self.clips_in_all)


def export_version(
    store: ObjectStore,
    version: str,
    folder: Path,
    kind: ExportKind,
    *,
    splits: Sequence[str] = (),
    progress: Progress | None = None,
) -> ExportResult:
    """Write a version into a folder; if it is interrupted, the same call goes on where it was.

    Every file appears whole, and export.json says what the folder is of. `folder/<split>/index.json` comes last.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.
        folder: a new or empty folder, or that of the same export.
        kind: what to write.
        splits: which splits; empty: all.
        progress: called as clips are done.

    Raises:
        BadInputError: if there is no such version or split, or the folder holds something else.
        StoreError: if the folder cannot be written, or the store not read.
    """
    unknown = sorted(set(splits) - set(SPLITS))
    if unknown:
        msg = f"unknown splits {', '.join(unknown)}: expected some of {', '.join(SPLITS)}"
        raise BadInputError(msg)
    manifest = load_manifest(store, version)
    wanted = tuple(split for split in SPLITS if split in splits or not splits)
    claim_folder(folder, {"dataset_version": manifest.dataset_version, "kind": kind.value, "splits": list(wanted)})
    export = _Export(store, manifest.dataset_version, folder, wanted, progress)
    export.clips_in_all = sum(manifest.counts.get(f"clips_{split}", 0) for split in wanted)
    _WRITERS[kind](export)
    return ExportResult(
        dataset_version=manifest.dataset_version,
        kind=kind,
        folder=str(folder),
        clips=export.clips,
        files_written=export.written,
        files_kept=export.kept,
    )


def _clip_batches(export: _Export) -> Iterator[pa.RecordBatch]:
    for batch in read_batches(export.store, export.version_id, VersionTable.CLIPS):
        yield batch.filter(pc.is_in(batch.column("split"), pa.array(export.splits)))


def _parts(export: _Export) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield (key of the frames part, its clips of the wanted splits) in order."""
    rows = itertools.chain.from_iterable(batch.to_pylist() for batch in _clip_batches(export))
    for key, group in itertools.groupby(rows, key=lambda row: row["frames_part"]):
        yield key, list(group)


def _write_table(export: _Export, table: VersionTable, batches: Iterator[pa.RecordBatch]) -> None:
    path = export.folder / f"{table.value}.csv"
    if path.exists():
        export.kept += 1
        return
    write_csv(path, batches, table.schema)
    export.written += 1


def _export_csv(export: _Export) -> None:
    _write_table(export, VersionTable.CLIPS, _clip_batches(export))
    _write_table(export, VersionTable.REJECTIONS, read_batches(export.store, export.version_id, VersionTable.REJECTIONS))
    export.count(export.clips_in_all)


def _export_webdataset(export: _Export) -> None:
    _write_table(export, VersionTable.CLIPS, _clip_batches(export))
    shards: dict[str, list[dict[str, Any]]] = {split: [] for split in export.splits}
    for key, clips in _parts(export):
        for split in export.splits:
            of_split = [clip for clip in clips if clip["split"] == split]
            if of_split:
                shards[split].append(_write_shard(export, key, split, of_split))
                export.count(len(of_split))
    for split, entries in shards.items():
        if entries:
            index = {"dataset_version": export.version_id, "split": split, "shards": entries}
            write_whole(export.folder / split / "index.json", orjson.dumps(index, option=orjson.OPT_INDENT_2))


def _write_shard(export: _Export, part_key: str, split: str, clips: list[dict[str, Any]]) -> dict[str, Any]:
    target = export.folder / split / f"{part_key}.tar"
    samples = sum(clip["frames"] for clip in clips)
    if target.exists():
        export.kept += 1
    else:
        with export.store.open(f"{part_path(Family.FRAMES, part_key)}/frames.tar") as source, written_whole(target) as partial:
            copy_clips(source, partial, {clip["clip_key"]: clip["frames"] for clip in clips})
        export.written += 1
    with target.open("rb") as file:
        sha256, size = sha256_of(file)
    return {"name": target.name, "size_bytes": size, "sha256": sha256, "clips": len(clips), "samples": samples}


def _export_videos(export: _Export) -> None:
    from pipelines.dataset.clip_files import write_clip_files  # noqa: PLC0415 - PyAV and OpenCV only where they are needed

    _write_table(export, VersionTable.CLIPS, _clip_batches(export))
    for _, clips in _parts(export):
        _write_clips(export, clips, write_clip_files)


def _write_clips(export: _Export, clips: list[dict[str, Any]], write: ClipWriter) -> None:
    missing = [clip for clip in clips if not any(path.exists() for path in _finished(export.folder, clip))]
    export.kept += len(clips) - len(missing)
    export.count(len(clips) - len(missing))
    for clip, media in clip_media(export.store, missing):
        name = exported_name(clip["clip_id"], clip["clip_key"])
        write(export.folder / name, media, {"dataset_version": export.version_id, "clip_id": clip["clip_id"]})
        export.written += 1
        export.count(1)


def _finished(folder: Path, clip: dict[str, Any]) -> tuple[Path, Path]:
    """Return the files of which one is there if and only if a clip is done: its video, or its image."""
    path = folder / exported_name(clip["clip_id"], clip["clip_key"])
    return path.with_name(path.name + ".mp4"), path.with_name(path.name + ".jpg")


_WRITERS: dict[ExportKind, Callable[[_Export], None]] = {
    ExportKind.WEBDATASET: _export_webdataset,
    ExportKind.VIDEOS: _export_videos,
    ExportKind.CSV: _export_csv,
}
