"""HDTF: the authors' annotation files with a folder of source videos, or clips that were already cut from them.

A source video is named after its annotation, with or without the group (``RD_Radio1.mp4``, ``Radio1.webm``, ``RD/Radio1.mkv``,
``Radio1.mp4.webm``), at any depth. Clips that were already cut (``RD_Radio11_0.mp4``, ``WDA_KatieHill_000.mp4``, pieces such as
``RD_Radio1_000#3.mp4``) are whole recordings, listed as ``RD_Radio11_0`` like the range they were cut from; if the source is there too,
the source is used. Speakers are the names without the digits at their ends; see `speaker_of`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.corpora.clip_names import HDTF_GROUPS, parse_hdtf_name, strip_suffixes
from pipelines.corpora.hdtf_annotations import ClipRange, HdtfAnnotations, read_annotations
from pipelines.corpora.listing_builder import ListingBuilder
from pipelines.corpora.walking import VIDEO_SUFFIXES, FoundFile, walk_files
from storage_schemas.build_spec import CorpusSettings
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion, escape_path
from storage_schemas.recordings import Recording
from storage_schemas.rejections import RejectionReason

HDTF_LICENCE = "HDTF annotations: CC BY 4.0; the footage belongs to its publishers"

_ONE_PERSON_TWO_NAMES = {"WhipJimClyburn": "JamesClyburn"}


def speaker_of(video: str) -> str:
    """Return the speaker of a video such as ``WDA_KatieHill`` or ``WRA_KristiNoem2``: the name without group and closing digits.

    The weekly radio addresses, ``RD_Radio1`` to ``RD_Radio59``, do not name who speaks. They are one speaker, ``RD_Radio``, so that a
    split by speaker cannot put the same person on both sides. One person goes by two names and gets the first of them.
    """
    group, _, name = video.partition("_")
    person = re.sub(r"\d+$", "", name) or name
    person = _ONE_PERSON_TWO_NAMES.get(person, person)
    return f"{group}_{person}" if group == "RD" else person


def list_hdtf(root: Path, settings: CorpusSettings, builder: ListingBuilder) -> None:
    """List the annotated ranges of source videos, and clips that were already cut; ids are ``RD_Radio11_0``.

    A range whose video is not there becomes a MISSING_SOURCE rejection, a range that cannot be understood a BAD_ANNOTATION with
    file and line, a video that no annotation knows an UNKNOWN_NAME. Labels: no emotion; HDTF is in English.

    Raises:
        BadInputError: if `settings.annotations` names a folder without annotation files.
    """
    annotations = _annotations(root, settings)
    files = _Files.collect(root, annotations, builder)
    if not files.found:
        return
    for note in annotations.notes:
        builder.note(note)
    for bad in annotations.bad_ranges:
        if bad.item_id not in files.clips:
            builder.reject(bad.item_id, RejectionReason.BAD_ANNOTATION, bad.message, {"file": bad.file, "line": bad.line})
    if builder.wants(emotion=Emotion.UNLABELLED):
        for clip_range in annotations.ranges:
            _add_range(clip_range, files, builder)
        for clip_id in sorted(files.clips):
            _add_clip(clip_id, files, builder)


def _annotations(root: Path, settings: CorpusSettings) -> HdtfAnnotations:
    if not settings.annotations:
        return read_annotations(root)
    annotations = read_annotations(Path(settings.annotations))
    if not annotations.groups:
        msg = f"corpus.annotations {settings.annotations}: expected a folder with RD_, WDA_ or WRA_annotion_time.txt, found none"
        raise BadInputError(msg)
    return annotations


@dataclass
class _Files:
    """The videos of the source folder.

    Sources by ``RD_Radio1``; what is already cut by ``RD_Radio1_0`` and the number of the piece, "" for the clip as a whole.
    """

    sources: dict[str, list[FoundFile]] = field(default_factory=dict)
    clips: dict[str, dict[str, list[FoundFile]]] = field(default_factory=dict)
    found: bool = False
    _reported: set[str] = field(default_factory=set)

    @classmethod
    def collect(cls, root: Path, annotations: HdtfAnnotations, builder: ListingBuilder) -> _Files:
        files = cls()
        known = _KnownVideos(annotations)
        for file in walk_files(root, VIDEO_SUFFIXES):
            files.found = True
            path = escape_path(file.path)
            stem = strip_suffixes(file.path.rpartition("/")[2], VIDEO_SUFFIXES)
            if source := known.source(stem, file.path):
                files.sources.setdefault(source, []).append(file)
            elif clip := known.clip(stem, file.path):
                files.clips.setdefault(clip[0], {}).setdefault(clip[1], []).append(file)
            elif file.problem:
                builder.reject_file(path, path, file.problem)
            else:
                message = f"{path}: expected the name of an annotated video (RD_Radio1.mp4) or of a clip of one (RD_Radio1_0.mp4)"
                builder.reject(path, RejectionReason.UNKNOWN_NAME, message, {"path": path})
        return files

    def take(self, name: str, builder: ListingBuilder) -> FoundFile | None:
        """Return the file of a source, preferring one without a problem; further ones become rejections, once."""
        candidates = self.sources.get(name, [])
        if not candidates:
            return None
        best = min(candidates, key=lambda file: (file.problem is not None, file.path))
        _reject_others(candidates, best, name, builder)
        self.sources[name] = [best]
        return best

    def report_broken_source(self, file: FoundFile, builder: ListingBuilder) -> None:
        """Reject the file of a source that was not needed because its clips are there; once."""
        if file.problem and file.path not in self._reported:
            self._reported.add(file.path)
            builder.reject_file(escape_path(file.path), escape_path(file.path), file.problem)


class _KnownVideos:
    """The annotated videos, found by their names with or without the group."""

    def __init__(self, annotations: HdtfAnnotations) -> None:
        ids = [clip_range.source for clip_range in annotations.ranges]
        ids += [re.sub(r"_\d+$", "", bad.item_id) for bad in annotations.bad_ranges]
        self._ids = set(ids)
        self._by_name: dict[str, set[str]] = {}
        for video in self._ids:
            self._by_name.setdefault(video.partition("_")[2], set()).add(video)

    def source(self, stem: str, path: str) -> str:
        """Return the id (``RD_Radio1``) of the annotated video that a file is, or "" if it is none."""
        if stem in self._ids:
            return stem
        named = self._by_name.get(stem, set())
        by_folder = [video for video in named if video.partition("_")[0] in path.split("/")[:-1]]
        candidates = by_folder or sorted(named)
        return candidates[0] if len(candidates) == 1 else ""

    def clip(self, stem: str, path: str) -> tuple[str, str] | None:
        """Return the id (``RD_Radio1_0``) of a clip that was already cut and the number of the piece, "" if it is whole."""
        name = parse_hdtf_name(stem)
        if name is None:
            return None
        video = f"{name.group}_{name.video}" if name.group else self.source(name.video, path)
        if not video:
            groups = [part for part in path.split("/")[:-1] if part in HDTF_GROUPS]
            video = f"{groups[-1]}_{name.video}" if groups else ""
        return (f"{escape_path(video)}_{name.clip_number}", name.piece) if video else None


def _add_range(clip_range: ClipRange, files: _Files, builder: ListingBuilder) -> None:
    file = files.take(clip_range.source, builder)
    cut = files.clips.get(clip_range.clip_id)
    if cut and (file is None or file.problem):
        if file:
            files.report_broken_source(file, builder)
        return  # `_add_clip` lists what is already cut
    if file is None:
        details: dict[str, float | int | str] = {"start_s": clip_range.start_s, "end_s": clip_range.end_s}
        message = f"{clip_range.clip_id}: the video {clip_range.source} is not in the source folder"
        builder.reject(clip_range.clip_id, RejectionReason.MISSING_SOURCE, message, details)
        return
    for candidates in files.clips.pop(clip_range.clip_id, {}).values():
        _reject_others(candidates, file, clip_range.clip_id, builder)
    path = escape_path(file.path)
    if file.problem:
        builder.reject_file(clip_range.clip_id, path, file.problem)
        return
    box = clip_range.box
    builder.add(
        Recording(
            recording_id=clip_range.clip_id, video=path, start_s=clip_range.start_s, end_s=clip_range.end_s,
            speaker=speaker_of(clip_range.source), language="en", licence=HDTF_LICENCE, size_bytes=file.size_bytes,
            window_x_px=box.x_px if box else 0, window_y_px=box.y_px if box else 0,
            window_width_px=box.width_px if box else 0, window_height_px=box.height_px if box else 0,
            window_reference_height_px=box.reference_height_px if box else 0, window_scale=clip_range.scale,
        )
    )  # fmt: skip


def _add_clip(clip_id: str, files: _Files, builder: ListingBuilder) -> None:
    """List a clip that was already cut: as a whole if there is such a file, else its pieces."""
    cut = files.clips[clip_id]
    used: FoundFile | None = None
    for piece in sorted(cut):
        if used and "" in cut:
            _reject_others(cut[piece], used, clip_id, builder)
            continue
        item_id = f"{clip_id}#{piece}" if piece else clip_id
        used = min(cut[piece], key=lambda file: (file.problem is not None, file.path))
        _reject_others(cut[piece], used, item_id, builder)
        _add_whole_file(item_id, speaker_of(clip_id.rpartition("_")[0]), used, builder)


def _add_whole_file(item_id: str, speaker: str, file: FoundFile, builder: ListingBuilder) -> None:
    path = escape_path(file.path)
    if file.problem:
        builder.reject_file(item_id, path, file.problem)
    else:
        builder.add(
            Recording(recording_id=item_id, video=path, speaker=speaker, language="en", licence=HDTF_LICENCE, size_bytes=file.size_bytes)
        )


def _reject_others(candidates: list[FoundFile], used: FoundFile, item_id: str, builder: ListingBuilder) -> None:
    for file in candidates:
        path = escape_path(file.path)
        if file is used:
            continue
        if file.problem:
            builder.reject_file(path, path, file.problem)
        else:
            message = f"{path}: {escape_path(used.path)} is already used for {item_id}"
            builder.reject(path, RejectionReason.DUPLICATE_RECORDING, message, {"path": path})
