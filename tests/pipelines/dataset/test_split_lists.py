"""Lists of names in every form that is going around."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest

from pipelines.dataset.split_lists import name_key, parse_name_list, recording_keys
from storage_schemas.errors import BadInputError


def npy(array: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=array.dtype == object)
    return sink.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(["a#1", "b c"]).encode(),
        b"\n" + json.dumps(["a#1", "b c"], indent=1).encode(),
        b"a#1\nb c\n",
        b"\xef\xbb\xbf# a comment\r\n\r\n  a#1 \r\nb c",
        npy(np.array(["a#1", "b c"])),
    ],
    ids=["json", "json indented", "text", "text with bom and comment", "npy"],
)
def test_forms(data: bytes) -> None:
    assert parse_name_list(data, "list") == ["a#1", "b c"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found none"), (b"[]", "found none"), (b"[1, 2]", "JSON array of names"), (b'{"train": []}', "JSON array of names"),
        (b'["a"', "split list x"), (b"\xff\xfe\x00", "UTF-8"), (npy(np.zeros(3)), "strings"),
        (npy(np.array(["a", None], object)), "allow_pickle"),
    ],
)  # fmt: skip
def test_bad_lists(data: bytes, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        parse_name_list(data, "x")


@pytest.mark.parametrize(
    ("name", "recording_id"),
    [
        ("M003#angry#level_1#001", "M003/front/angry/level_1/001"),
        ("M003#angry#level_1#001.mp4", "M003/left_30/angry/level_1/001"),
        ("W015_sad_3_005", "W015/front/sad/level_3/005"),
        ("W015_W015_sad_3_005", "W015/top/sad/level_3/005"),
        ("M003/front/angry/level_1/001", "M003/front/angry/level_1/001"),
        ("RD_Radio1_000#3", "RD_Radio1_0"),
        ("RD_Radio1_000", "RD_Radio1_0"),
        ("RD_Radio34_6", "RD_Radio34_6"),
        ("WDA_LucilleRoybal-Allard_000#1", "WDA_LucilleRoybal-Allard_0#1"),
        ("M003#angry#level_1#001", "any/folder/M003#angry#level_1#001.mp4"),
        ("anna/1.mp4", "anna/1.mp4"),
        ("anna/1", "anna/1.mp4"),
        ("./anna/1.mp4", "anna/1.mp4"),
        ("00000/00000.png", "00000/00000.png"),
    ],
)
def test_names_meet_recordings(name: str, recording_id: str) -> None:
    assert name_key(name) in recording_keys(recording_id)


@pytest.mark.parametrize(
    ("name", "recording_id"),
    [
        ("M003#angry#level_1#001", "M003/front/angry/level_1/002"),
        ("M003#angry#level_1#001", "M003/front/angry/level_2/001"),
        ("M003/front/angry/level_1/001", "M003/left_30/angry/level_1/001"),
        ("RD_Radio1_000", "RD_Radio1_1"),
        ("RD_Radio1_000", "RD_Radio10_0"),
        ("1.mp4", "anna/1.mp4"),
    ],
)
def test_names_that_do_not_meet(name: str, recording_id: str) -> None:
    assert name_key(name) not in recording_keys(recording_id)
