"""The names in which MEAD and HDTF clips go around."""

from __future__ import annotations

import pytest

from pipelines.corpora.clip_names import HdtfName, MeadName, parse_hdtf_name, parse_mead_name, strip_suffixes
from storage_schemas.identifiers import Emotion


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("M003#angry#level_1#001", MeadName("M003", Emotion.ANGRY, 1, "001")),
        ("W009#disgusted#level_3#030", MeadName("W009", Emotion.DISGUSTED, 3, "030")),
        ("M030_sad_3_001", MeadName("M030", Emotion.SAD, 3, "001")),
        ("W015_W015_sur_3_025", MeadName("W015", Emotion.SURPRISED, 3, "025")),
    ],
)
def test_mead_names(stem: str, name: MeadName) -> None:
    assert parse_mead_name(stem) == name


@pytest.mark.parametrize(
    "stem", ["", "001", "M003#angry#1#001", "M003#furious#level_1#001", "W015_M003_sad_3_001", "RD_Radio1_000", "M003#angry#level_1#"]
)
def test_other_names_are_not_mead(stem: str) -> None:
    assert parse_mead_name(stem) is None


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("RD_Radio11_0", HdtfName("RD", "Radio11", 0, "")),
        ("WDA_KatieHill_000", HdtfName("WDA", "KatieHill", 0, "")),
        ("WDA_LucilleRoybal-Allard_000#12", HdtfName("WDA", "LucilleRoybal-Allard", 0, "12")),
        ("Radio34_9", HdtfName("", "Radio34", 9, "")),
    ],
)
def test_hdtf_names(stem: str, name: HdtfName) -> None:
    assert parse_hdtf_name(stem) == name


def test_other_names_are_not_hdtf_clips() -> None:
    assert parse_hdtf_name("RD_Radio11") is None
    assert parse_hdtf_name("M003#angry#level_1#001") is None


@pytest.mark.parametrize(("name", "stem"), [("a.mp4", "a"), ("a.mp4.WEBM", "a"), ("a.b", "a.b"), (".mp4", ".mp4")])
def test_strip_suffixes(name: str, stem: str) -> None:
    assert strip_suffixes(name, (".mp4", ".webm")) == stem
