"""Packing: staged recordings in, one family of a part out, by streaming, so that memory does not grow with the part."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO

from pipelines.dataset.array_packing import write_family_arrays
from pipelines.dataset.frame_tars import last_byte, staged_members
from pipelines.dataset.staging import FRAMES_TAR, StagedRecording, read_staged
from pipelines.dataset.tar_members import END_OF_ARCHIVE
from storage_schemas.clips import Clip, FamilyHashes
from storage_schemas.errors import BuildFailedError
from storage_schemas.identifiers import canonical_json_bytes, file_sha256
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartClip, PartIndex, PartObject, PartRecording, RowRange
from storage_schemas.store_trouble import store_trouble

_COPY_BYTES = 2**20


def pack_part(family: Family, key: str, staged: Sequence[Path], out_folder: Path, *, settings_key: str = "") -> PartIndex:
    """Write one family of a part into a local folder, `part.json` last.

    A clip is in the family if its outcome has a hash for it. A part in which no clip is has only its `part.json`.

    Args:
        family: which.
        key: of the part.
        staged: folders of the staged recordings, in the order of the listing.
        settings_key: stored in the index, see `PartIndex`.
        out_folder: made here; publish it with ``store.publish_folder(out_folder, part_path(family, key), PART_INDEX_FILE)``.

    Returns:
        The index that was written.

    Raises:
        BuildFailedError: a staged recording is not what it should be.
        FileNotFoundError: a staged recording was not finished.
        StoreError: the folder cannot be written, e.g. because the disk is full.
    """
    recordings = [read_staged(folder) for folder in staged]
    clips = [clips_in_family(recording, family) for recording in recordings]
    _check_unique_keys([clip for of_recording in clips for clip in of_recording])
    with store_trouble("write", out_folder):
        out_folder.mkdir(parents=True, exist_ok=True)
        tar_bytes = _pack_frames(recordings, clips, out_folder) if family is Family.FRAMES else []
        ranges = _frame_ranges(clips) if family is Family.FRAMES else write_family_arrays(family, recordings, clips, out_folder)
        entries = [
            PartRecording(
                recording_id=recording.outcome.recording_id,
                content_key=recording.outcome.content_key,
                clips=[_part_clip(recording, clip, family, ranges[clip.clip_key]) for clip in of_recording],
                rejections=recording.outcome.rejections,
                tar_bytes=tar_bytes[position] if tar_bytes else RowRange(start=0, count=0),
            )
            for position, (recording, of_recording) in enumerate(zip(recordings, clips, strict=True))
        ]
        index = PartIndex(family=family, key=key, settings_key=settings_key, recordings=entries, objects=_objects(out_folder))
        _write_index(index, out_folder)
    return index


def clips_in_family(recording: StagedRecording, family: Family) -> list[Clip]:
    """Return the clips of a staged recording that have a family, in order."""
    hashes = recording.outcome.hashes
    return [clip for clip in recording.outcome.clips if family_hash(hashes.get(clip.clip_key, FamilyHashes()), family)]


def family_hash(hashes: FamilyHashes, family: Family) -> str:
    """Return the hash of one family; empty if the clip has none."""
    return str(getattr(hashes, family.value))


def _part_clip(recording: StagedRecording, clip: Clip, family: Family, ranges: dict[str, RowRange]) -> PartClip:
    # Hashes of other families stay out: this part's bytes must not change when only they do.
    digest = family_hash(recording.outcome.hashes[clip.clip_key], family)
    fit = recording.outcome.fits.get(clip.clip_key) if family is Family.COEFFICIENTS else None
    return PartClip(clip=clip, hashes=FamilyHashes(**{family.value: digest}), ranges=ranges, fit=fit)


def _check_unique_keys(clips: list[Clip]) -> None:
    seen: dict[str, str] = {}
    for clip in clips:
        if clip.clip_key in seen:
            msg = f"clips {seen[clip.clip_key]} and {clip.clip_id} have the same key {clip.clip_key}; rename one of their recordings"
            raise BuildFailedError(msg)
        seen[clip.clip_key] = clip.clip_id


def _frame_ranges(clips: Sequence[Sequence[Clip]]) -> dict[str, dict[str, RowRange]]:
    flat = [clip for of_recording in clips for clip in of_recording]
    starts = accumulate((clip.frames for clip in flat), initial=0)
    return {clip.clip_key: {"frames": RowRange(start=start, count=clip.frames)} for clip, start in zip(flat, starts, strict=False)}


def _pack_frames(recordings: Sequence[StagedRecording], clips: Sequence[Sequence[Clip]], out_folder: Path) -> list[RowRange]:
    """Write the tar of all recordings' members and return the bytes of each."""
    ranges: list[RowRange] = []
    if not any(clips):
        return ranges
    with (out_folder / FRAMES_TAR).open("xb") as out:
        for recording, of_recording in zip(recordings, clips, strict=True):
            start = out.tell()
            if of_recording:
                _append_members(recording, of_recording, out)
            ranges.append(RowRange(start=start, count=out.tell() - start))
        out.write(END_OF_ARCHIVE)
    return ranges


def _append_members(recording: StagedRecording, clips: Sequence[Clip], out: BinaryIO) -> None:
    try:
        source = recording.frames_tar.open("rb", buffering=0)
    except FileNotFoundError as error:
        msg = f"recording {recording.outcome.recording_id}: its outcome has frames, but {recording.frames_tar} is not there; build it again"
        raise BuildFailedError(msg) from error
    with source:
        remaining = last_byte(staged_members(source, clips, str(recording.frames_tar)))
        source.seek(0)
        while remaining:
            block = source.read(min(remaining, _COPY_BYTES))
            if not block:
                msg = f"{recording.frames_tar}: expected {remaining} bytes more of members, the file ends"
                raise BuildFailedError(msg)
            out.write(block)
            remaining -= len(block)


def _objects(folder: Path) -> list[PartObject]:
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [PartObject(path=name, size_bytes=(folder / name).stat().st_size, sha256=file_sha256(folder / name)) for name in names]


def _write_index(index: PartIndex, folder: Path) -> None:
    temporary = folder / f".{PART_INDEX_FILE}"
    temporary.write_bytes(canonical_json_bytes(index.model_dump(mode="json")))
    temporary.replace(folder / PART_INDEX_FILE)
