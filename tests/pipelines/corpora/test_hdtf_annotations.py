"""HDTF's annotation files as published, and what can be wrong with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pipelines.corpora.hdtf_annotations import ClipRange, CropBox, HdtfAnnotations, read_annotations
from tests.factories.hdtf_annotations import write_annotations


def by_id(annotations: HdtfAnnotations) -> dict[str, ClipRange]:
    return {clip_range.clip_id: clip_range for clip_range in annotations.ranges}


def test_ranges_boxes_and_scales(tmp_path: Path) -> None:
    write_annotations(tmp_path)
    found = by_id(read_annotations(tmp_path))
    assert found["RD_Radio11_1"] == ClipRange("RD_Radio11_1", "RD_Radio11", 90.0, 150.0, CropBox(557, 0, 478, 478, 720), 1.2)
    assert found["RD_Radio11_0"].box == CropBox(412, 12, 599, 599, 720)
    assert found["WDA_KatieHill_0"].box is None
    assert found["WDA_KatieHill_0"].scale == 0.9


def test_no_files(tmp_path: Path) -> None:
    assert read_annotations(tmp_path) == HdtfAnnotations()


def test_byte_order_mark_carriage_returns_and_trailing_spaces(tmp_path: Path) -> None:
    (tmp_path / "WRA_annotion_time.txt").write_bytes(b"\xef\xbb\xbfPaulRyan.mp4 00:20-00:40 \r\n\r\nPeterKing.mp4\t1:00:05-1:00:07.5")
    found = by_id(read_annotations(tmp_path))
    assert (found["WRA_PaulRyan_0"].start_s, found["WRA_PaulRyan_0"].end_s) == (20.0, 40.0)
    assert (found["WRA_PeterKing_0"].start_s, found["WRA_PeterKing_0"].end_s) == (3605.0, 3607.5)


@pytest.mark.parametrize(
    "text", ["00:20", "20-40", "00:61-01:70", "00:40-00:20", "00:10-00:10", "a:b-c:d", "-", "00:10-00:20-00:30", "\u0660\u0660:20-00:40"]
)
def test_a_bad_range_keeps_its_index(tmp_path: Path, text: str) -> None:
    (tmp_path / "RD_annotion_time.txt").write_text(f"Radio1.mp4 00:01-00:05 {text} 00:50-01:00\n", encoding="utf-8")
    annotations = read_annotations(tmp_path)
    assert list(by_id(annotations)) == ["RD_Radio1_0", "RD_Radio1_2"]
    bad = annotations.bad_ranges[0]
    assert (bad.item_id, bad.file, bad.line) == ("RD_Radio1_1", "RD_annotion_time.txt", 1)
    assert bad.message.startswith("RD_annotion_time.txt line 1: RD_Radio1_1: ")


def test_overlap_repeat_and_no_range(tmp_path: Path) -> None:
    (tmp_path / "RD_annotion_time.txt").write_text("Radio1 08:10-08:30 00:33-08:53\nRadio2.mp4\nRadio1 00:01-00:02\n", encoding="utf-8")
    annotations = read_annotations(tmp_path)
    assert list(by_id(annotations)) == ["RD_Radio1_0"]
    assert [(bad.item_id, bad.line) for bad in annotations.bad_ranges] == [("RD_Radio1_1", 1), ("RD_Radio2", 2), ("RD_Radio1", 3)]


@pytest.mark.parametrize(
    ("row", "height"),
    [
        ("389 776 0 776", "720"),
        ("412 465 0 465", "0"),
        ("1 2 3", "720"),
        ("a 2 3 4", "720"),
        ("-1 20 0 20", "720"),
        ("1 0 0 0", "720"),
        ("1 20 0 20", "tall"),
    ],
)
def test_a_box_that_cannot_be_used_is_noted(tmp_path: Path, row: str, height: str) -> None:
    (tmp_path / "RD_annotion_time.txt").write_text("Radio1.mp4 00:01-00:05\n", encoding="utf-8")
    (tmp_path / "RD_crop_wh.txt").write_text(f"Radio1_0.mp4 {row}\n", encoding="utf-8")
    (tmp_path / "RD_crop_ratio.txt").write_text("Radio1_0.mp4 0.9\n", encoding="utf-8")
    (tmp_path / "RD_resolution.txt").write_text(f"Radio1.mp4 {height}\n", encoding="utf-8")
    annotations = read_annotations(tmp_path)
    assert annotations.ranges == [ClipRange("RD_Radio1_0", "RD_Radio1", 1.0, 5.0, None, 0.9)]
    assert any(note.startswith("RD_crop_wh.txt line 1") for note in annotations.notes)


def test_rows_without_a_range_are_noted(tmp_path: Path) -> None:
    (tmp_path / "RD_annotion_time.txt").write_text("Radio1.mp4 00:01-00:05\n", encoding="utf-8")
    (tmp_path / "RD_crop_ratio.txt").write_text("Radio1_0.mp4 big\nRadio9_0.mp4 1.0\nRadio9_0.mp4 1.1\n", encoding="utf-8")
    (tmp_path / "RD_resolution.txt").write_text("Radio24.mp4 720\n", encoding="utf-8")
    notes = "\n".join(read_annotations(tmp_path).notes)
    for part in (
        "expected a zoom",
        "Radio9_0 has no usable time range",
        "Radio9_0 is already given",
        "Radio24 has no time ranges",
        "RD_crop_wh.txt is not there",
    ):
        assert part in notes


def test_the_published_files(shared_data: Path) -> None:
    """Counts of the files at MRzzm/HDTF bbde889: 436 ranges of 369 videos, of which one cannot be meant as it stands."""
    annotations = read_annotations(shared_data / "annotations" / "hdtf")
    groups = Counter(clip_range.clip_id.partition("_")[0] for clip_range in annotations.ranges)
    assert groups == {"RD": 66, "WDA": 195, "WRA": 174}
    assert len({clip_range.source for clip_range in annotations.ranges}) == 369
    assert [bad.item_id for bad in annotations.bad_ranges] == ["WRA_MittRomney_1"]
    tracked = sorted(clip_range.clip_id for clip_range in annotations.ranges if clip_range.box is None)
    no_row = [clip_range.clip_id for clip_range in annotations.ranges if clip_range.box is None and clip_range.scale == 1.0]
    assert len(tracked) == 14 + 5
    assert len(annotations.ranges) - len(tracked) == 416
    unusable = ["WDA_MaggieHassan_0", "WDA_MazieHirono1_0", "WRA_KevinMcCarthy1_0", "WRA_KevinMcCarthy1_1", "WRA_PeterKing_0"]
    assert set(unusable) <= set(tracked)
    assert len(set(no_row) - set(unusable)) == 14
    assert Counter(clip_range.box.reference_height_px for clip_range in annotations.ranges if clip_range.box).most_common(2)[0][0] in {
        720,
        1080,
    }
    assert sum("the face is tracked" in note for note in annotations.notes) == 5
    assert [note for note in annotations.notes if "the face is tracked" not in note] == [
        "RD_resolution.txt line 17: Radio24 has no time ranges"
    ]
    assert all(clip_range.end_s > clip_range.start_s for clip_range in annotations.ranges)
