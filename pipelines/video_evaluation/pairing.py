"""Which true clip each video belongs to: by a table, by the sound of its row, or by its name."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.corpora.emotion_names import known_emotions, parse_emotion
from pipelines.video_evaluation.made_videos import MadeVideo
from pipelines.video_evaluation.true_clips import TrueClip, TrueClips, without_suffix
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import Emotion

_SEPARATORS = re.compile(r"[/\\ _#-]+")
_TAKE = re.compile(r"[-_ ]\d{3,}$")
_COLUMNS = ("video", "reference", "emotion")


@dataclass(frozen=True)
class Pair:
    """A video and the clip that it should be like."""

    video: MadeVideo
    clip: TrueClip

    @property
    def emotion(self) -> str:
        """That it should show; empty: unknown."""
        return self.video.emotion or self.clip.emotion


@dataclass
class Pairing:
    """All videos and all expected clips, each in one place.

    Attributes:
        pairs: sorted by clip, then video.
        expected: clips that a method is held to.
        without_clip: names of videos that no clip is known for.
        ambiguous: names of videos that several clips would fit.
        other_split: names of videos of clips that are not evaluated.
        not_there: names of videos that a table names and that are not in the folder.
    """

    pairs: list[Pair]
    expected: tuple[TrueClip, ...]
    without_clip: list[str] = field(default_factory=list)
    ambiguous: list[str] = field(default_factory=list)
    other_split: list[str] = field(default_factory=list)
    not_there: list[str] = field(default_factory=list)

    @property
    def without_video(self) -> list[str]:
        """Names of expected clips that no video belongs to."""
        seen = {pair.clip.name for pair in self.pairs}
        return [clip.name for clip in self.expected if clip.name not in seen]


def pair_by_name(videos: Sequence[MadeVideo], true: TrueClips) -> Pairing:
    """Pair videos by what they are called after.

    A video is called after a clip if the end of its path (of the sound of its row, or of its own), without suffix, is one of the clip's
    names: clip id, key, recording, or path of the source; the longest end that fits counts. Slashes, blanks, underscores and hyphens are
    all the same, so flat names fit as well; a number of a take at the end (-000) is left out if nothing fits with it.
    """
    index = _index(true.clips)
    pairing = Pairing([], true.expected)
    wanted = {clip.name for clip in true.expected}
    for video in videos:
        found = _called_after(video, index)
        if len(found) != 1:
            (pairing.ambiguous if found else pairing.without_clip).append(video.name)
        elif found[0].name not in wanted:
            pairing.other_split.append(video.name)
        else:
            pairing.pairs.append(Pair(video, found[0]))
    return _sorted(pairing)


def pair_by_table(videos: Sequence[MadeVideo], true: TrueClips, table: Path) -> Pairing:
    """Pair videos by a CSV with the columns video, reference and perhaps emotion; what it does not name is left out, with a warning.

    Raises:
        BadInputError: it cannot be read, lacks a column, or names a clip that is not there.
    """
    index = _index(true.clips)
    by_name = {name: video for video in videos for name in (video.name, without_suffix(video.name))}
    pairs, expected, missing = [], {}, []
    for number, row in _rows(table):
        found = index.get(_flat(row["reference"]), []) or index.get(_flat(without_suffix(row["reference"])), [])
        if len(found) != 1:
            what = "none of the true clips" if not found else f"{len(found)} clips"
            raise BadInputError(f"{table}, row {number}: reference {row['reference']!r} is {what}; give a clip id, or a path in the folder")
        expected[found[0].name] = found[0]
        video = by_name.get(row["video"])
        if video is None:
            missing.append(row["video"])
            continue
        emotion = _emotion(row.get("emotion", ""), f"{table}, row {number}") or video.emotion
        pairs.append(Pair(MadeVideo(video.name, video.path, video.candidates, emotion, video.problem), found[0]))
    named = {pair.video.name for pair in pairs}
    pairing = Pairing(pairs, tuple(sorted(expected.values(), key=lambda clip: clip.name)), not_there=sorted(missing))
    pairing.without_clip = [video.name for video in videos if video.name not in named]
    return _sorted(pairing)


def _emotion(text: str, where: str) -> str:
    """Return a label; BadInputError if there is no such emotion."""
    label = parse_emotion(text)
    if label is None:
        raise BadInputError(f"{where}: emotion {text!r} is none of {known_emotions()}; leave it empty where it is not known")
    return "" if label is Emotion.UNLABELLED else label.value


def _sorted(pairing: Pairing) -> Pairing:
    pairing.pairs.sort(key=lambda pair: (pair.clip.name, pair.video.name))
    return pairing


def _index(clips: Iterable[TrueClip]) -> dict[str, list[TrueClip]]:
    index: dict[str, list[TrueClip]] = defaultdict(list)
    for clip in clips:
        for key in {_flat(key) for key in clip.keys}:
            index[key].append(clip)
    return index


def _called_after(video: MadeVideo, index: dict[str, list[TrueClip]]) -> list[TrueClip]:
    for candidate in video.candidates:
        path = without_suffix(candidate)
        for name in (path, _TAKE.sub("", path)):
            parts = [part for part in re.split(r"[/\\]", name) if part]
            for start in range(len(parts)):
                found = index.get(_flat("/".join(parts[start:])))
                if found:
                    return found
    return []


def _flat(name: str) -> str:
    return _SEPARATORS.sub("_", name).strip("_").casefold()


def _rows(table: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = {"video", "reference"} - set(reader.fieldnames or ())
            unknown = set(reader.fieldnames or ()) - set(_COLUMNS)
            rows = [
                (number, {key: (value or "").strip() for key, value in row.items() if key}) for number, row in enumerate(reader, start=2)
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInputError(f"--pairs {table}: cannot be read as CSV ({error})") from error
    if missing or unknown:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has the unknown column {', '.join(sorted(unknown))}"
        raise BadInputError(f"--pairs {table}: {what}; columns are {', '.join(_COLUMNS)}, of which emotion may be left out")
    if not rows:
        raise BadInputError(f"--pairs {table}: has no rows")
    return rows
