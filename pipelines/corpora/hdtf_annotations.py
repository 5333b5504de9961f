"""HDTF's annotation files: which time ranges of which videos are clips, and where the face is in them.

Three groups of videos (RD, WDA, WRA) have five text files each: ``<group>_annotion_time.txt`` (sic; video, then ``mm:ss-mm:ss`` for
each clip), ``_crop_wh.txt`` (clip, min_x, width, min_y, height in pixels), ``_resolution.txt`` (video, height in pixels to which the boxes
refer), ``_crop_ratio.txt`` (clip, zoom of a tracked box) and ``_video_url.txt``, which is not needed here. Format: README of MRzzm/HDTF.

As published, the files have clips without box and ratio, boxes higher than the resolution given, one resolution of 0 and one range
that starts before the range in front of it ends. A box that cannot be used is left out, with a note, and the face is tracked instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pipelines.corpora.clip_names import HDTF_GROUPS
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import escape_path

_TIME = re.compile(r"(?:(\d{1,2}):)?(\d{1,3}):(\d{2}(?:\.\d+)?)", re.ASCII)
_LARGEST_PX = 16_384


class CropBox(NamedTuple):
    """The square around the face in pixels of a frame of the reference height."""

    x_px: int
    y_px: int
    width_px: int
    height_px: int
    reference_height_px: int


@dataclass(frozen=True)
class ClipRange:
    """One annotated clip.

    Attributes:
        clip_id: e.g. ``RD_Radio11_0``.
        source: the video it is cut from, e.g. ``RD_Radio11``.
        start_s, end_s: seconds after the start of the video.
        box: None if the annotation has none that can be used.
        scale: zoom of a tracked box; 1 if the annotation has none.
    """

    clip_id: str
    source: str
    start_s: float
    end_s: float
    box: CropBox | None = None
    scale: float = 1.0


class BadRange(NamedTuple):
    """A range, or a whole line, that cannot be understood; `message` names the file and the line."""

    item_id: str
    message: str
    file: str
    line: int


@dataclass
class HdtfAnnotations:
    """Everything the annotation files of a folder say, in the order of the files."""

    ranges: list[ClipRange] = field(default_factory=list)
    bad_ranges: list[BadRange] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


class _Line(NamedTuple):
    place: str
    number: int
    name: str
    values: list[str]


def read_annotations(folder: Path) -> HdtfAnnotations:
    """Read the annotation files of every group that the folder has; no such file gives an empty result.

    Raises:
        BadInputError: if a file cannot be read.
    """
    annotations = HdtfAnnotations()
    for group in HDTF_GROUPS:
        for spelling in ("annotion_time", "annotation_time"):
            times = folder / f"{group}_{spelling}.txt"
            if times.is_file():
                annotations.groups.append(group)
                _read_group(group, times, folder, annotations)
                break
    return annotations


def _read_group(group: str, times: Path, folder: Path, annotations: HdtfAnnotations) -> None:
    heights = _table(folder / f"{group}_resolution.txt", 1, annotations.notes)
    boxes = _table(folder / f"{group}_crop_wh.txt", 4, annotations.notes)
    ratios = _table(folder / f"{group}_crop_ratio.txt", 1, annotations.notes)
    videos: set[str] = set()
    for line in _lines(times):
        source = f"{group}_{line.name}"
        if line.name in videos:
            _bad(annotations, source, line, "the video is already annotated on an earlier line")
            continue
        videos.add(line.name)
        for index, start_s, end_s in _ranges(line, source, annotations):
            clip = f"{line.name}_{index}"
            box = _box(boxes.pop(clip, None), heights.get(line.name), annotations.notes)
            scale = _scale(ratios.pop(clip, None), annotations.notes)
            annotations.ranges.append(ClipRange(f"{group}_{clip}", source, start_s, end_s, box, scale))
    for unused in (boxes, ratios):
        annotations.notes.extend(f"{line.place}: {line.name} has no usable time range" for line in unused.values())
    annotations.notes.extend(f"{line.place}: {name} has no time ranges" for name, line in heights.items() if name not in videos)


def _lines(path: Path) -> Iterator[_Line]:
    """Yield the lines that are not blank: place for messages, number, name without ``.mp4``, the other words."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        msg = f"HDTF annotation {path} cannot be read: {error.strerror}"
        raise BadInputError(msg) from error
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if words:
            yield _Line(f"{path.name} line {number}", number, escape_path(words[0]).removesuffix(".mp4"), words[1:])


def _table(path: Path, values: int, notes: list[str]) -> dict[str, _Line]:
    """Return the lines of a file by name; lines that are repeated or have another number of values are noted and left out."""
    table: dict[str, _Line] = {}
    if not path.is_file():
        notes.append(f"{path.name} is not there")
        return table
    for line in _lines(path):
        if len(line.values) != values:
            notes.append(f"{line.place}: {line.name}: expected {values} value(s), found {len(line.values)}")
        elif line.name in table:
            notes.append(f"{line.place}: {line.name} is already given on an earlier line")
        else:
            table[line.name] = line
    return table


def _ranges(line: _Line, source: str, annotations: HdtfAnnotations) -> Iterator[tuple[int, float, float]]:
    """Yield (index, start_s, end_s) of the good ranges of a line; a bad one keeps its index, so the others keep their names."""
    if not line.values:
        _bad(annotations, source, line, "no time range is given")
    previous_end_s = 0.0
    for index, word in enumerate(line.values):
        start, _, end = word.partition("-")
        start_s, end_s = _seconds(start), _seconds(end)
        clip_id = f"{source}_{index}"
        if start_s is None or end_s is None:
            _bad(annotations, clip_id, line, f"expected mm:ss-mm:ss, found {escape_path(word)!r}")
        elif end_s <= start_s:
            _bad(annotations, clip_id, line, f"range {word} ends before it starts")
        elif start_s < previous_end_s:
            _bad(annotations, clip_id, line, f"range {word} starts before the range in front of it ends")
        else:
            previous_end_s = end_s
            yield index, start_s, end_s


def _seconds(text: str) -> float | None:
    match = _TIME.fullmatch(text)
    if match is None or float(match[3]) >= 60 or (match[1] and int(match[2]) >= 60):
        return None
    return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3])


def _box(line: _Line | None, height_line: _Line | None, notes: list[str]) -> CropBox | None:
    """Return the box of a clip, or None, with a note unless there simply is no row."""
    if line is None:
        return None
    numbers = [int(value) if value.isascii() and value.isdigit() else -1 for value in line.values]
    height = height_line.values[0] if height_line else ""
    if not (height.isascii() and height.isdigit() and 0 < int(height) <= _LARGEST_PX):
        notes.append(f"{line.place}: the height that the box of {line.name} refers to is {height or 'missing'}; the face is tracked")
        return None
    x_px, width_px, y_px, height_px = numbers
    if min(x_px, y_px) < 0 or min(width_px, height_px) < 1 or y_px + height_px > int(height) or x_px + width_px > _LARGEST_PX:
        notes.append(
            f"{line.place}: the box {' '.join(line.values)} of {line.name} does not fit a frame {height} high; the face is tracked"
        )
        return None
    return CropBox(x_px, y_px, width_px, height_px, int(height))


def _scale(line: _Line | None, notes: list[str]) -> float:
    if line is None:
        return 1.0
    try:
        scale = float(line.values[0])
    except ValueError:
        scale = 0.0
    if 0.1 <= scale <= 10:
        return scale
    notes.append(f"{line.place}: expected a zoom from 0.1 to 10 for {line.name}, found {escape_path(line.values[0])!r}; 1 is used")
    return 1.0


def _bad(annotations: HdtfAnnotations, item_id: str, line: _Line, problem: str) -> None:
    file = line.place.partition(" line ")[0]
    annotations.bad_ranges.append(BadRange(item_id, f"{line.place}: {item_id}: {problem}", file, line.number))
