"""The file names in which MEAD and HDTF clips go around, and the recording each of them means.

MEAD: ``M003#angry#level_1#001`` (EDTalk), ``M030_sad_3_001`` and ``W015_W015_sad_3_005`` (EAMM, EAT).
HDTF: ``RD_Radio11_0`` (its README), ``WDA_KatieHill_000`` (EDTalk, SadTalker), ``RD_Radio1_000#3`` (EDTalk, a piece of five seconds).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pipelines.corpora.emotion_names import parse_emotion
from storage_schemas.identifiers import Emotion

HDTF_GROUPS = ("RD", "WDA", "WRA")
LARGEST_LEVEL = 32_767

_MEAD_FLAT = re.compile(r"(?P<person>[^#/]+)#(?P<emotion>[^#/]+)#level_(?P<level>\d{1,4})#(?P<take>\d{1,6})", re.ASCII)
_MEAD_SHORT = re.compile(r"(?P<person>[MW]\d{3})_(?:(?P=person)_)?(?P<emotion>[a-z]+)_(?P<level>\d{1,4})_(?P<take>\d{1,6})", re.ASCII)
_HDTF_CLIP = re.compile(r"(?:(?P<group>RD|WDA|WRA)_)?(?P<video>[^/#]+?)_(?P<number>\d{1,4})(?:#(?P<piece>\d{1,4}))?", re.ASCII)


class MeadName(NamedTuple):
    """Who says which sentence with which emotion; `take` keeps its leading zeros."""

    person: str
    emotion: Emotion
    level: int
    take: str


class HdtfName(NamedTuple):
    """Which clip of which source video; `group` is empty if the name has none, `piece` if it is not a piece of a clip."""

    group: str
    video: str
    clip_number: int
    piece: str


def parse_mead_name(stem: str) -> MeadName | None:
    """Return what a flat or short MEAD file name (no folder, no suffix) says, or None if it is neither."""
    match = _MEAD_FLAT.fullmatch(stem) or _MEAD_SHORT.fullmatch(stem)
    emotion = parse_emotion(match["emotion"]) if match else None
    if match is None or emotion is None:
        return None
    return MeadName(match["person"], emotion, int(match["level"]), match["take"])


def parse_hdtf_name(stem: str) -> HdtfName | None:
    """Return what the name of an HDTF clip (no folder, no suffix) says, or None if it does not end in an index."""
    match = _HDTF_CLIP.fullmatch(stem)
    if match is None:
        return None
    return HdtfName(match["group"] or "", match["video"], int(match["number"]), match["piece"] or "")


def strip_suffixes(name: str, suffixes: tuple[str, ...]) -> str:
    """Return a name without its ending, or endings: download tools write ``Radio1.mp4.webm``."""
    while name.lower().endswith(suffixes):
        stem = name[: name.rindex(".")]
        if not stem:
            break
        name = stem
    return name
