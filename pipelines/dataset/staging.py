"""Staged recordings: what processing one recording leaves in a local folder, and what parts are packed from.

    outcome.json            RecordingOutcome, canonical JSON; written last, so a folder that has it is whole
    frames.tar              <frame_name>.jpg and <frame_name>.json of every frame, clip by clip; absent if there is none
    <clip_key>.<array>.npy  landmarks, detected, waveform, log_mel (`part_arrays`); absent where the clip has none

The hashes of the outcome say what is here: a clip has a family if and only if that hash is not empty.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from pipelines.dataset.part_arrays import arrays_of, check_clip_array, layout_of
from pipelines.dataset.tar_members import END_OF_ARCHIVE, member_header, padding_bytes
from storage_schemas.clips import FamilyHashes, RecordingOutcome
from storage_schemas.errors import BuildFailedError
from storage_schemas.identifiers import canonical_json_bytes
from storage_schemas.part_layout import Family, frame_name
from storage_schemas.store_trouble import store_trouble

if TYPE_CHECKING:
    from hashlib import _Hash

OUTCOME_FILE = "outcome.json"
FRAMES_TAR = "frames.tar"
_TAR_BUFFER_BYTES = 2**20


@dataclass(frozen=True)
class StagedRecording:
    """A whole staged recording in a folder."""

    folder: Path
    outcome: RecordingOutcome

    @property
    def frames_tar(self) -> Path:
        """Path of the frames; not there if the recording has none."""
        return self.folder / FRAMES_TAR

    def array_path(self, clip_key: str, name: str) -> Path:
        """Return the path of one clip's array; not there if the clip has none."""
        return self.folder / array_file(clip_key, name)


@dataclass
class _ClipInProgress:
    frames: int = 0
    frames_hash: _Hash = field(default_factory=hashlib.sha256)
    arrays: list[str] = field(default_factory=list)
    array_hashes: dict[Family, _Hash] = field(default_factory=dict)

    def hashes(self) -> FamilyHashes:
        digests = {family.value: digest.hexdigest() for family, digest in self.array_hashes.items()}
        return FamilyHashes(frames=self.frames_hash.hexdigest() if self.frames else "", **digests)


class StagedRecordingWriter:
    """Writes a staged recording as its frames and arrays come.

    A context manager: leaving it without `finish` closes the files and leaves a folder without an outcome, which nothing takes for a
    recording. Not for several threads.

    Args:
        folder: made here; must not exist, or be empty.

    Raises:
        StoreError: the folder cannot be written; so does every method, e.g. when the disk is full.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._clips: dict[str, _ClipInProgress] = {}
        self._tar: BinaryIO | None = None
        self._frame_clips: list[str] = []
        with store_trouble("make", folder):
            folder.mkdir(parents=True, exist_ok=True)

    def add_frame(self, clip_key: str, index: int, jpeg: bytes, metadata: Mapping[str, Any]) -> None:
        """Append one frame.

        Args:
            clip_key: of the clip; its frames must come in one run, clips in the order of the outcome.
            index: of the frame in its clip, 0 first, without gaps.
            jpeg: the encoded image.
            metadata: stored as canonical JSON beside it; plain JSON values.

        Raises:
            BuildFailedError: the frame is out of order.
            StoreError: it cannot be written.
        """
        clip = self._clip_for_frame(clip_key, index)
        name = frame_name(clip_key, index)
        record = canonical_json_bytes(dict(metadata))
        with store_trouble("write", self.folder / FRAMES_TAR):
            tar = self._open_tar()
            for member, data in ((f"{name}.jpg", jpeg), (f"{name}.json", record)):
                tar.write(member_header(member, len(data)))
                tar.write(data)
                tar.write(bytes(padding_bytes(len(data))))
        clip.frames_hash.update(jpeg)
        clip.frames += 1

    def add_array(self, clip_key: str, name: str, values: NDArray[Any]) -> None:
        """Write one array of a clip; `landmarks` before `detected` and `waveform` before `log_mel`, as the content hash takes them.

        Args:
            clip_key: of the clip.
            name: of the array, see `part_arrays`.
            values: dtype and row shape as `part_arrays` says.

        Raises:
            BuildFailedError: the array is out of order or not of its dtype.
            StoreError: it cannot be written.
        """
        layout = layout_of(name)
        clip = self._clips.setdefault(clip_key, _ClipInProgress())
        order = [array.name for array in arrays_of(layout.family)]
        if [written for written in clip.arrays if written in order] != order[: order.index(name)]:
            msg = f"clip {clip_key}: array {name} came after {clip.arrays}; expected each of {order} once, in this order"
            raise BuildFailedError(msg)
        contiguous = np.ascontiguousarray(values)
        if contiguous.dtype != layout.dtype or contiguous.ndim != 1 + len(layout.row_shape):
            found = f"{values.dtype.name} {values.shape}"
            msg = f"clip {clip_key}: {name} must be {layout.dtype.name} with rows of shape {layout.row_shape}, found {found}"
            raise BuildFailedError(msg)
        path = self.folder / array_file(clip_key, name)
        with store_trouble("write", path), path.open("xb") as stream:
            write_array(stream, contiguous)
        clip.array_hashes.setdefault(layout.family, hashlib.sha256()).update(contiguous.data if contiguous.size else b"")
        clip.arrays.append(name)

    def finish(self, outcome: RecordingOutcome) -> RecordingOutcome:
        """Check what was written against the outcome, fill in the hashes and write it.

        Args:
            outcome: of the recording; its own `hashes` are replaced by those of what was written here.

        Returns:
            The outcome as written.

        Raises:
            BuildFailedError: frames or arrays do not fit the clips of the outcome.
            StoreError: it cannot be written.
        """
        self._check(outcome)
        whole = outcome.model_copy(update={"hashes": {key: clip.hashes() for key, clip in sorted(self._clips.items())}})
        with store_trouble("write", self.folder / FRAMES_TAR):
            if self._tar:
                self._tar.write(END_OF_ARCHIVE)
            self.close()
        write_outcome(self.folder, whole)
        return whole

    def close(self) -> None:
        """Close the files; nothing happens if they are closed."""
        tar, self._tar = self._tar, None
        if tar:
            tar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with store_trouble("write", self.folder / FRAMES_TAR):
            self.close()

    def _open_tar(self) -> BinaryIO:
        if self._tar is None:
            self._tar = (self.folder / FRAMES_TAR).open("xb", buffering=_TAR_BUFFER_BYTES)
        return self._tar

    def _clip_for_frame(self, clip_key: str, index: int) -> _ClipInProgress:
        clip = self._clips.setdefault(clip_key, _ClipInProgress())
        if not self._frame_clips or self._frame_clips[-1] != clip_key:
            if clip.frames:
                msg = f"clip {clip_key}: frame {index} came after clip {self._frame_clips[-1]}; a clip's frames must come in one run"
                raise BuildFailedError(msg)
            self._frame_clips.append(clip_key)
        if index != clip.frames:
            msg = f"clip {clip_key}: expected frame {clip.frames}, got frame {index}"
            raise BuildFailedError(msg)
        return clip

    def _check(self, outcome: RecordingOutcome) -> None:
        clips = {clip.clip_key: clip for clip in outcome.clips}
        unknown = sorted(self._clips.keys() - clips.keys())
        in_order = [key for key in clips if self._clips.get(key, _ClipInProgress()).frames]
        if unknown or len(clips) != len(outcome.clips) or in_order != self._frame_clips:
            msg = (
                f"recording {outcome.recording_id}: the outcome has clips {list(clips)}, "
                f"but frames came for {self._frame_clips} and arrays for {sorted(self._clips)}"
            )
            raise BuildFailedError(msg)
        for key, written in self._clips.items():
            if written.frames not in (0, clips[key].frames):
                msg = f"clip {clips[key].clip_id}: the outcome says {clips[key].frames} frames, {written.frames} were written"
                raise BuildFailedError(msg)
            self._check_arrays(key, written, clips[key].frames, clips[key].clip_id)

    def _check_arrays(self, key: str, written: _ClipInProgress, frames: int, clip_id: str) -> None:
        for family in written.array_hashes:
            missing = [layout.name for layout in arrays_of(family) if layout.name not in written.arrays]
            if missing:
                msg = f"clip {clip_id}: of the family {family}, {', '.join(missing)} was not written"
                raise BuildFailedError(msg)
        for name in written.arrays:
            header = read_array_header(self.folder / array_file(key, name))
            check_clip_array(layout_of(name), header.shape, header.dtype, frames, f"clip {clip_id}")


def read_staged(folder: Path) -> StagedRecording:
    """Read the outcome of a staged recording.

    Raises:
        FileNotFoundError: the recording was not finished.
        BuildFailedError: its outcome is not one.
    """
    path = folder / OUTCOME_FILE
    with store_trouble("read", path, missing_is_trouble=False):
        data = path.read_bytes()
    try:
        return StagedRecording(folder, RecordingOutcome.model_validate_json(data))
    except ValidationError as error:
        msg = f"{path}: expected the outcome of a recording, found {error.error_count()} wrong fields; remove the folder and build again"
        raise BuildFailedError(msg) from error


def write_outcome(folder: Path, outcome: RecordingOutcome) -> None:
    """Write the outcome of a staged recording, after everything else; StoreError if it cannot be written."""
    temporary = folder / f".{OUTCOME_FILE}"
    with store_trouble("write", folder / OUTCOME_FILE):
        temporary.write_bytes(canonical_json_bytes(outcome.model_dump(mode="json")))
        temporary.replace(folder / OUTCOME_FILE)


def array_file(clip_key: str, name: str) -> str:
    """Return the name of the file of one clip's array."""
    return f"{clip_key}.{name}.npy"


def write_array(stream: BinaryIO, values: NDArray[Any]) -> None:
    """Write a C-ordered array as .npy, format 1.0, never pickled; the same array gives the same bytes."""
    # Not numpy's own write_array: its errors on a full disk do not say that the disk is full.
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(values))  # type: ignore[no-untyped-call]
    stream.write(values.data if values.size else b"")


@dataclass(frozen=True)
class ArrayHeader:
    """What the header of an .npy file says."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    data_start: int


def read_array_header(path: Path) -> ArrayHeader:
    """Read the header of an .npy file.

    Raises:
        BuildFailedError: it is not a C-ordered .npy file.
    """
    with path.open("rb") as stream:
        try:
            np.lib.format.read_magic(stream)  # type: ignore[no-untyped-call]
            shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(stream)  # type: ignore[no-untyped-call]
        except ValueError as error:
            msg = f"{path}: expected an .npy file, found none ({error}); remove the folder and build again"
            raise BuildFailedError(msg) from error
        if is_fortran:
            msg = f"{path}: expected C order, found Fortran order"
            raise BuildFailedError(msg)
        return ArrayHeader(shape, dtype, stream.tell())
