"""Clips of a dataset version as judges want them: pictures, landmarks and sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import zarr
from numpy.typing import NDArray

from pipelines.dataset.clip_jpegs import read_clip_jpegs
from pipelines.dataset.clip_rows import part_columns
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_reading import array_rows, read_part_index
from pipelines.dataset.part_store import open_part_array
from pipelines.dataset.version_tables import VersionTable, read_batches, version_folder
from pipelines.dataset.versions import load_manifest
from pipelines.judging.face_windows import FacePlace, FaceTrack, Windows, decode_windows, track_face
from pipelines.training.coefficient_sequences import SequenceTable
from storage_schemas.clips import Clip
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, PartClip, RowRange

MEDIA_SCHEMA = pa.schema(
    [
        ("clip_id", pa.string()), ("clip_key", pa.string()), ("split", pa.string()), ("speaker", pa.string()), ("emotion", pa.string()),
        ("frames", pa.int32()), ("frames_part", pa.string()), ("landmarks_part", pa.string()), ("landmarks_start", pa.int64()),
        ("audio_part", pa.string()), ("waveform_start", pa.int64()), ("waveform_samples", pa.int64()),
    ]
)  # fmt: skip
"""Columns of the clips table that say where a clip's media are."""

_OPEN_ARRAYS = 64


@dataclass(frozen=True, eq=False)
class ClipMedia:
    """One clip.

    Attributes:
        clip_id, emotion: of the clip.
        jpegs: of the frames, in order; views of the part's tar.
        track: where the face is; None: no frame has one.
        waveform: int16 (samples,) at 16 kHz; empty: it has no sound.
    """

    clip_id: str
    emotion: str
    jpegs: list[memoryview]
    track: FaceTrack | None
    waveform: NDArray[np.int16]

    def windows(self, place: FacePlace, size_px: int, frames: NDArray[np.int64] | None = None) -> Windows:
        """Return grey windows of some frames, or of all; only of a clip with a face.

        Raises:
            StoreError: a frame is damaged.
        """
        if self.track is None:
            raise ValueError(f"{self.clip_id} has no frame with a face")
        chosen = np.arange(len(self.jpegs)) if frames is None else frames
        try:
            return decode_windows((self.jpegs[number] for number in chosen), self.track.part(chosen), place, size_px)
        except ValueError as error:
            raise StoreError(f"clip {self.clip_id}: {error}; run `flowvqtalker dataset verify`") from error


class MediaReader:
    """Reads clips by rows of the clips table. May be used by several threads.

    Args:
        store: where the parts are.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._open = lru_cache(maxsize=_OPEN_ARRAYS)(self._opened)

    def read(self, rows: Sequence[Mapping[str, Any]]) -> list[ClipMedia]:
        """Return the clips of some rows with the columns of MEDIA_SCHEMA; the tars of their parts are held in memory.

        Raises:
            StoreError: a part is missing or damaged.
        """
        try:
            jpegs: dict[str, list[memoryview]] = {}
            for part in dict.fromkeys(row["frames_part"] for row in rows):
                jpegs |= read_clip_jpegs(self._store, part, {row["clip_key"] for row in rows if row["frames_part"] == part})
            return [self._clip(row, jpegs[row["clip_key"]]) for row in rows]
        except (FileNotFoundError, KeyError) as error:
            raise StoreError(f"{self._store.uri}: a part of the clips is damaged: {error}; run `flowvqtalker dataset verify`") from error

    def _clip(self, row: Mapping[str, Any], jpegs: list[memoryview]) -> ClipMedia:
        spans = {
            "landmarks": (row["landmarks_part"], row["landmarks_start"], row["frames"]),
            "waveform": (row["audio_part"], row["waveform_start"], row["waveform_samples"]),
        }
        found = {
            name: array_rows(self._open(part, name), RowRange(start=start, count=count)) if part else None
            for name, (part, start, count) in spans.items()
        }
        landmarks, waveform = found["landmarks"], found["waveform"]
        track = None if landmarks is None else track_face(landmarks)
        return ClipMedia(row["clip_id"], row["emotion"], jpegs, track, np.zeros(0, np.int16) if waveform is None else waveform)

    def _opened(self, part: str, name: str) -> zarr.Array[Any]:
        return open_part_array(self._store, part, layout_of(name))


def media_rows(store: ObjectStore, keys: Mapping[Family, str]) -> list[dict[str, Any]]:
    """Return where the media of the clips of a part are, with the columns of MEDIA_SCHEMA that the part itself knows.

    Args:
        store: where the part is.
        keys: of the part, by family; clips without pictures are left out.

    Raises:
        FileNotFoundError: the part is not there.
        StoreError: it is damaged.
    """
    clips: dict[str, dict[Family, PartClip]] = {}
    for family in (Family.FRAMES, Family.LANDMARKS, Family.AUDIO):
        if keys.get(family):
            for recording in read_part_index(store, family, keys[family]).recordings:
                for item in recording.clips:
                    clips.setdefault(item.clip.clip_key, {})[family] = item
    seen = [found for found in clips.values() if Family.FRAMES in found]
    return [_media_row(found[Family.FRAMES].clip, part_columns(found, keys)) for found in seen]


def _media_row(clip: Clip, columns: dict[str, Any]) -> dict[str, Any]:
    return {"clip_id": clip.clip_id, "clip_key": clip.clip_key, "emotion": "", "frames": clip.frames, **columns}


class VersionMedia:
    """The clips of a dataset version that show a face.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.

    Raises:
        BadInputError: there is no such version.
        StoreError: the store cannot be read, or the version is damaged.
    """

    def __init__(self, store: ObjectStore, version: str) -> None:
        self.store = store
        self.dataset = load_manifest(store, version).dataset_version
        self.parents = (version_folder(self.dataset),)
        self._reader = MediaReader(store)

    def table(self, split: str, *, with_sound: bool = False, least_frames: int = 1, emotions: Sequence[str] = ()) -> SequenceTable:
        """Return the clips of a split that have pictures and landmarks.

        Args:
            split: train, validation, test or unlisted.
            with_sound: only those that have sound too.
            least_frames: only those that are as long.
            emotions: only those with one of these labels; empty: all.

        Raises:
            StoreError: the version's table cannot be read.
        """
        try:
            found = pa.Table.from_batches(
                list(read_batches(self.store, self.dataset, VersionTable.CLIPS, MEDIA_SCHEMA.names)), MEDIA_SCHEMA
            )
        except (FileNotFoundError, pa.ArrowException) as error:
            raise StoreError(
                f"cannot read the clips of version {self.dataset} in {self.store.uri}: {error}; run `flowvqtalker dataset verify`"
            ) from error
        needed = ["frames_part", "landmarks_part", *(["audio_part"] if with_sound else [])]
        wanted = pc.and_(pc.equal(found["split"], split), pc.greater_equal(found["frames"], least_frames))
        for column in needed:
            wanted = pc.and_(wanted, pc.not_equal(found[column], ""))
        if emotions:
            wanted = pc.and_(wanted, pc.is_in(found["emotion"], value_set=pa.array(list(emotions))))
        return SequenceTable(found.filter(wanted), "frames_part")

    def read(self, table: SequenceTable, rows: Sequence[int] | NDArray[np.int64]) -> list[ClipMedia]:
        """Return the clips of some rows of a table, in the order asked for; raises as `MediaReader.read`."""
        return self._reader.read(table.rows.take(pa.array(np.asarray(rows, np.int64))).to_pylist())
