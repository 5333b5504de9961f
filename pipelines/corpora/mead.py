"""MEAD: the tree as distributed, and the flat and short file names in which its clips go around.

Tree, at any depth below the source folder, or with one person's folder as the source:
``<person>/video/<view>/<emotion>/level_<n>/<take>.mp4`` with the sound in ``<person>/audio/<emotion>/level_<n>/<take>.m4a``.
Flat and short names (see `clip_names`) are front views, the only one they are used for; their sound is ``<name>.wav`` in a folder
``audio`` parallel to or below the video's folder, or beside the video.
Where there is no separate sound the video's own is used: the distributed videos carry it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from pipelines.corpora.clip_names import LARGEST_LEVEL, parse_mead_name
from pipelines.corpora.emotion_names import parse_emotion
from pipelines.corpora.listing_builder import ListingBuilder
from pipelines.corpora.walking import VIDEO_SUFFIXES, FoundFile, walk_files
from storage_schemas.build_spec import CorpusSettings
from storage_schemas.identifiers import Emotion, escape_path
from storage_schemas.recordings import Recording
from storage_schemas.rejections import RejectionReason

MEAD_LICENCE = "MEAD: for research only, under the terms of use of its authors; no redistribution"
DEMO_LICENCE = "synthesised from a portrait in the public domain"
DEMO_TRUTH_FOLDER = "truth"
FLAT_NAME_VIEW = "front"

_AUDIO_SUFFIXES = (".m4a", ".wav", ".aac", ".mp3", ".flac")
_EXPECTED = (
    "expected <person>/video/<view>/<emotion>/level_<n>/<take>.mp4, <person>#<emotion>#level_<n>#<take>.mp4 "
    "or <person>_<emotion>_<n>_<take>.mp4"
)


class _Take(NamedTuple):
    person: str
    view: str
    emotion: Emotion
    level: int
    take: str
    audio_folders: tuple[str, ...]
    audio_stem: str

    @property
    def recording_id(self) -> str:
        return f"{escape_path(self.person)}/{escape_path(self.view)}/{self.emotion.value}/level_{self.level}/{self.take}"


def list_mead(root: Path, settings: CorpusSettings, builder: ListingBuilder) -> None:  # noqa: ARG001 - the builder filters
    """List MEAD in its tree, or under its flat or short names; recording ids are ``M003/front/angry/level_1/001``."""
    _list_takes(root, builder, licence=MEAD_LICENCE, language="en")


def list_demo(root: Path, settings: CorpusSettings, builder: ListingBuilder) -> None:  # noqa: ARG001 - the builder filters
    """List the synthetic demonstration corpus: MEAD's tree, beside which a folder of ground truth is left alone."""
    _list_takes(root, builder, licence=DEMO_LICENCE, language="en", ignored_folder=DEMO_TRUTH_FOLDER)


def _list_takes(root: Path, builder: ListingBuilder, *, licence: str, language: str, ignored_folder: str = "") -> None:
    audio_files = _AudioFiles(root)
    for file in walk_files(root, VIDEO_SUFFIXES):
        if ignored_folder and ignored_folder in file.path.split("/")[:-1]:
            continue
        take = _parse(file.path, root)
        path = escape_path(file.path)
        if take is None:
            _reject_unnamed(file, path, builder)
        elif not builder.wants(emotion=take.emotion, level=take.level, view=take.view):
            continue
        elif file.problem:
            builder.reject_file(take.recording_id, path, file.problem)
        else:
            builder.add(
                Recording(
                    recording_id=take.recording_id, video=path, audio=escape_path(audio_files.find(take)),
                    speaker=escape_path(take.person), emotion=take.emotion, level=take.level, view=escape_path(take.view),
                    language=language, licence=licence, size_bytes=file.size_bytes,
                )
            )  # fmt: skip


def _reject_unnamed(file: FoundFile, path: str, builder: ListingBuilder) -> None:
    if file.problem:
        builder.reject_file(path, path, file.problem)
    else:
        builder.reject(path, RejectionReason.UNKNOWN_NAME, f"{path}: {_EXPECTED}", {"path": path})


def _parse(path: str, root: Path) -> _Take | None:
    """Return what a path relative to the root says, or None if it follows none of the namings."""
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    flat = parse_mead_name(stem)
    if flat:
        above, _, _ = folder.rpartition("/")
        folders = (_join(above, "audio"), _join(folder, "audio"), folder)
        return _Take(flat.person, FLAT_NAME_VIEW, flat.emotion, flat.level, flat.take, folders, stem)
    parts = path.split("/")
    if len(parts) == 5:
        # The source is one person's folder; its name is all that is left to tell who it is.
        parts = [root.resolve().name, *parts]
        person_folder = ""
    else:
        person_folder = "/".join(parts[:-5])
    if len(parts) < 6 or parts[-5] != "video" or not parts[-6]:
        return None
    return _parse_tree(parts[-6:], person_folder, stem)


def _parse_tree(parts: list[str], person_folder: str, stem: str) -> _Take | None:
    person, _, view, emotion_text, level_text, _ = parts
    emotion = parse_emotion(emotion_text)
    level = level_text.removeprefix("level_")
    if emotion is None or level == level_text or not _is_number(level) or int(level) > LARGEST_LEVEL or not _is_number(stem):
        return None
    folders = (_join(person_folder, f"audio/{emotion_text}/{level_text}"),)
    return _Take(person, view, emotion, int(level), stem, folders, stem)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


class _AudioFiles:
    """Looks sound files up, reading each folder once: the seven views of a take share one."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[str, frozenset[str]] = {}

    def find(self, take: _Take) -> str:
        """Return the path of a take's sound relative to the root, or "" if it has none of its own."""
        for folder in take.audio_folders:
            names = self._names_in(folder)
            for suffix in _AUDIO_SUFFIXES:
                if take.audio_stem + suffix in names:
                    return _join(folder, take.audio_stem + suffix)
        return ""

    def _names_in(self, folder: str) -> frozenset[str]:
        if folder not in self._names:
            try:
                names = os.listdir(self._root / folder)  # noqa: PTH208 - names are wanted, not paths
            except OSError:
                names = []
            self._names[folder] = frozenset(name for name in names if name.endswith(_AUDIO_SUFFIXES))
        return self._names[folder]
