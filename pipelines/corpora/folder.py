"""Any tree of videos, with or without a CSV of labels.

The recording id is the path of the video with its suffix, so that ``a.mp4`` and ``a.mov`` differ. Every video in the tree is listed.
Without a row in the CSV it has no label, and its speaker is the first folder below the source or, at the top, the file's own stem.
A sound file beside a video is used only where the CSV's column ``audio`` names it; otherwise the video's own sound is.
"""

from __future__ import annotations

from pathlib import Path

from pipelines.corpora.clip_names import LARGEST_LEVEL
from pipelines.corpora.emotion_names import known_emotions, parse_emotion
from pipelines.corpora.label_table import LabelRow, read_labels
from pipelines.corpora.listing_builder import ListingBuilder
from pipelines.corpora.walking import VIDEO_SUFFIXES, FoundFile, walk_files
from storage_schemas.build_spec import CorpusSettings
from storage_schemas.identifiers import Emotion, escape_path, unescape_path
from storage_schemas.recordings import Recording
from storage_schemas.rejections import RejectionReason


def list_folder(root: Path, settings: CorpusSettings, builder: ListingBuilder) -> None:
    """List every video of a tree, labelled by the CSV where one is given.

    A row of the CSV whose video or sound is not there becomes a MISSING_SOURCE rejection, a row with an unknown emotion or a bad
    level a BAD_ANNOTATION. The CSV's own path is looked up as given and then relative to the source. Paths in it may be
    written as they are or as `escape_path` writes them, which is the only way for names that are not UTF-8.

    Raises:
        BadInputError: if the CSV cannot be read or used as a whole.
    """
    labels = _labels_by_path(root, settings)
    for file in walk_files(root, VIDEO_SUFFIXES):
        recording_id = escape_path(file.path)
        row = labels.pop(recording_id, None)
        if file.problem:
            builder.reject_file(recording_id, recording_id, file.problem)
        elif row:
            _add_labelled(file, row, root, builder)
        elif builder.wants(emotion=Emotion.UNLABELLED):
            builder.add(Recording(recording_id=recording_id, video=recording_id, speaker=_speaker(file.path), size_bytes=file.size_bytes))
    for recording_id, row in labels.items():
        message = f"row {row.row} of the labels names {recording_id}, which is not a video in the source folder"
        builder.reject(recording_id, RejectionReason.MISSING_SOURCE, message, {"row": row.row})


def _labels_by_path(root: Path, settings: CorpusSettings) -> dict[str, LabelRow]:
    """Return the rows of the CSV by the escaped path of their video."""
    if not settings.labels_csv:
        return {}
    given = Path(settings.labels_csv)
    rows = read_labels(given if given.exists() else root / given)
    return {_escaped(root, row.path): row for row in rows}


def _escaped(root: Path, path: str) -> str:
    """Return the escaped form of a path that is written plainly or already escaped: whichever exists."""
    if "%" in path and not (root / path).exists() and (root / unescape_path(path)).exists():
        return path
    return escape_path(path)


def _add_labelled(file: FoundFile, row: LabelRow, root: Path, builder: ListingBuilder) -> None:
    recording_id = escape_path(file.path)
    audio = _escaped(root, row.audio) if row.audio else ""
    emotion = parse_emotion(row.emotion)
    if emotion is None:
        message = f"row {row.row}: emotion {row.emotion!r} is unknown; known are {known_emotions()}"
        builder.reject(recording_id, RejectionReason.BAD_ANNOTATION, message, {"row": row.row})
    elif row.level and not (row.level.isascii() and row.level.isdigit() and int(row.level) <= LARGEST_LEVEL):
        message = f"row {row.row}: expected a level from 0 to {LARGEST_LEVEL}, found {row.level!r}"
        builder.reject(recording_id, RejectionReason.BAD_ANNOTATION, message, {"row": row.row})
    elif audio and not (root / unescape_path(audio)).is_file():
        message = f"row {row.row}: the audio file {audio} is not there"
        builder.reject(recording_id, RejectionReason.MISSING_SOURCE, message, {"row": row.row})
    elif builder.wants(emotion=emotion):
        builder.add(
            Recording(
                recording_id=recording_id, video=recording_id, audio=audio, speaker=row.speaker or _speaker(file.path),
                emotion=emotion, level=int(row.level or 0), view=row.view, language=row.language,
                licence=row.licence, consent=row.consent, size_bytes=file.size_bytes,
            )
        )  # fmt: skip


def _speaker(path: str) -> str:
    first, separator, _ = path.partition("/")
    return escape_path(first if separator else first[: first.rindex(".")] or first)
