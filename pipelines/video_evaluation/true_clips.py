"""The clips that a method is held to: those of a dataset version's split, or the videos of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.corpora.walking import VIDEO_SUFFIXES, walk_files
from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.dataset.versions import load_manifest
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import content_hash, escape_path, file_sha256
from storage_schemas.object_store_protocol import ObjectStore

ALL_SPLITS = "all"
_COLUMNS = (
    "clip_id", "clip_key", "recording_id", "split", "emotion", "frames", "source_video", "source_audio", "frames_part", "landmarks_part",
    "audio_part", "landmarks_start", "waveform_start", "waveform_samples", "log_mel_start", "log_mel_frames", "frames_sha256",
    "landmarks_sha256", "audio_sha256", "speaker",
)  # fmt: skip


@dataclass(frozen=True)
class TrueClip:
    """One true clip.

    Attributes:
        name: clip id, or path in the folder without its suffix.
        keys: names that a video may call it by, all as paths without suffix.
        emotion: its label; empty: unknown.
        digest: SHA-256 of its content.
        split: of the version; empty: of a folder.
        row: of the version's clips table; empty: of a folder.
        path: of the video; None: of a version.
    """

    name: str
    keys: tuple[str, ...]
    emotion: str
    digest: str
    split: str = ""
    row: dict[str, Any] = field(default_factory=dict, hash=False, compare=False)
    path: Path | None = None


@dataclass(frozen=True)
class TrueClips:
    """All true clips.

    Attributes:
        reference: the version's id or the folder's name.
        split: that is evaluated; empty: of a folder.
        clips: of all splits, sorted by name.
    """

    reference: str
    split: str
    clips: tuple[TrueClip, ...]

    @property
    def expected(self) -> tuple[TrueClip, ...]:
        """Those of the split."""
        return tuple(clip for clip in self.clips if self.split in ("", ALL_SPLITS, clip.split))


def clips_of_version(store: ObjectStore, version: str, split: str) -> TrueClips:
    """Return the clips of a version.

    Args:
        store: with the version.
        version: id, beginning of one, or tag.
        split: that is evaluated; empty: test, or validation where there is no test split; `all`: every clip.

    Raises:
        BadInputError: there is no such version or split.
        StoreError: it is damaged.
    """
    manifest = load_manifest(store, version)
    rows = sorted(read_rows(store, manifest.dataset_version, VersionTable.CLIPS, _COLUMNS), key=lambda row: row["clip_id"])
    clips = tuple(_stored(row) for row in rows if row["landmarks_part"])
    splits = sorted({clip.split for clip in clips})
    chosen = split or next((name for name in ("test", "validation") if name in splits), ALL_SPLITS)
    if chosen not in (*splits, ALL_SPLITS):
        raise BadInputError(f"{version} has no clips in split {chosen!r}; it has {', '.join(splits)}, or give --split {ALL_SPLITS}")
    return TrueClips(manifest.dataset_version, chosen, clips)


def clips_of_folder(folder: Path) -> TrueClips:
    """Return the videos of a folder and of those below.

    Raises:
        BadInputError: there are none.
    """
    clips = tuple(sorted(_videos(folder), key=lambda clip: clip.name))
    if not clips:
        raise BadInputError(f"--reference {folder}: expected true videos, found none; name a folder of videos or a dataset version")
    return TrueClips(folder.resolve().name, "", clips)


def evaluation_set_id(clips: tuple[TrueClip, ...]) -> str:
    """Return the hash of what a method is held to: names, contents and labels of true clips."""
    return content_hash(sorted([clip.name, clip.digest, clip.emotion] for clip in clips))[:16]


def without_suffix(path: str) -> str:
    """Return a path without the suffix of its last part."""
    head, slash, last = path.rpartition("/")
    return f"{head}{slash}{last.rpartition('.')[0] or last}"


def _stored(row: dict[str, Any]) -> TrueClip:
    sources = [without_suffix(row[name]) for name in ("source_video", "source_audio") if row[name]]
    keys = (row["clip_id"], row["clip_key"], row["recording_id"], *sources)
    digest = content_hash([row["frames_sha256"], row["landmarks_sha256"], row["audio_sha256"]])
    emotion = "" if row["emotion"] == "unlabelled" else row["emotion"] or ""
    return TrueClip(row["clip_id"], tuple(dict.fromkeys(keys)), emotion, digest, row["split"], row)


def _videos(folder: Path) -> Iterator[TrueClip]:
    for file in walk_files(folder, VIDEO_SUFFIXES):
        path = folder / file.path
        name = without_suffix(escape_path(file.path))
        yield TrueClip(name, (name,), "", "" if file.problem else file_sha256(path), path=path)
