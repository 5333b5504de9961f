"""HDTF with source videos, with clips that were already cut, and with both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.corpora.hdtf import HDTF_LICENCE, speaker_of
from pipelines.corpora.listing import list_corpus
from pipelines.corpora.listing_builder import Listing
from storage_schemas.build_spec import CorpusSettings, Layout
from storage_schemas.errors import BadInputError
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import write_files
from tests.factories.hdtf_annotations import write_annotations


@pytest.fixture
def annotations(tmp_path: Path) -> Path:
    return write_annotations(tmp_path / "annotations")


def list_hdtf(root: Path, annotations: Path | None = None) -> Listing:
    return list_corpus(root, Layout.HDTF, CorpusSettings(annotations=str(annotations) if annotations else ""))


def rows(listing: Listing) -> dict[str, dict[str, Any]]:
    return {row["recording_id"]: row for row in listing.recordings.to_pylist()}


def reasons(listing: Listing) -> dict[str, RejectionReason]:
    return {one.item_id: one.reason for one in listing.rejections}


def test_ranges_of_source_videos(tmp_path: Path, annotations: Path) -> None:
    root = write_files(tmp_path / "videos", ["RD_Radio11.mp4", "RD/Radio12.mkv", "sub/KatieHill.mp4.webm"])
    listing = list_hdtf(root, annotations)
    found = rows(listing)
    assert sorted(found) == ["RD_Radio11_0", "RD_Radio11_1", "RD_Radio12_0", "WDA_KatieHill_0"]
    assert reasons(listing) == {"WDA_KatieHill2_0": RejectionReason.MISSING_SOURCE}
    second = found["RD_Radio11_1"]
    assert (second["video"], second["start_s"], second["end_s"]) == ("RD_Radio11.mp4", 90.0, 150.0)
    box = [second[f"window_{name}_px"] for name in ("x", "y", "width", "height", "reference_height")]
    assert (box, second["window_scale"]) == ([557, 0, 478, 478, 720], 1.2)
    assert (second["speaker"], second["emotion"], second["language"], second["licence"]) == ("RD_Radio", "unlabelled", "en", HDTF_LICENCE)
    tracked = found["WDA_KatieHill_0"]
    assert (tracked["window_width_px"], tracked["window_scale"], tracked["speaker"]) == (0, 0.9, "KatieHill")


def test_annotations_beside_the_videos(tmp_path: Path) -> None:
    write_files(write_annotations(tmp_path), ["Radio11.mp4"])
    assert sorted(rows(list_hdtf(tmp_path))) == ["RD_Radio11_0", "RD_Radio11_1"]


def test_clips_that_were_already_cut(tmp_path: Path, annotations: Path) -> None:
    root = write_files(tmp_path / "clips", ["WDA_KatieHill_000.mp4", "Radio11_1.mp4", "WDA/Someone3_002.mp4"])
    listing = list_hdtf(root, annotations)
    found = rows(listing)
    assert sorted(found) == ["RD_Radio11_1", "WDA_KatieHill_0", "WDA_Someone3_2"]
    assert found["WDA_Someone3_2"]["speaker"] == "Someone"
    assert {(row["start_s"], row["end_s"], row["window_width_px"]) for row in found.values()} == {(0.0, 0.0, 0)}
    assert set(reasons(listing)) == {"RD_Radio11_0", "RD_Radio12_0", "WDA_KatieHill2_0"}


def test_clips_without_any_annotation(tmp_path: Path) -> None:
    write_files(tmp_path, ["RD_Radio31_000.mp4", "RD_Radio1_000#2.mp4", "RD_Radio1_000#1.mp4", "holiday.mp4"])
    listing = list_hdtf(tmp_path)
    assert sorted(rows(listing)) == ["RD_Radio1_0#1", "RD_Radio1_0#2", "RD_Radio31_0"]
    assert reasons(listing) == {"holiday.mp4": RejectionReason.UNKNOWN_NAME}


def test_sources_come_before_cut_clips_and_pieces(tmp_path: Path, annotations: Path) -> None:
    root = write_files(
        tmp_path / "v", ["RD_Radio12.mp4", "RD_Radio12_000.mp4", "RD_Radio12_000#1.mp4", "RD_Radio11_000.mp4", "RD_Radio11_0#1.mp4"]
    )
    listing = list_hdtf(root, annotations)
    assert {key: row["video"] for key, row in rows(listing).items()} == {
        "RD_Radio11_0": "RD_Radio11_000.mp4",
        "RD_Radio12_0": "RD_Radio12.mp4",
    }
    duplicates = {item for item, reason in reasons(listing).items() if reason is RejectionReason.DUPLICATE_RECORDING}
    assert duplicates == {"RD_Radio11_0#1.mp4", "RD_Radio12_000#1.mp4", "RD_Radio12_000.mp4"}


def test_two_files_of_one_source(tmp_path: Path, annotations: Path) -> None:
    root = write_files(tmp_path / "v", ["b/Radio11.mp4", "c/Radio11.webm"])
    write_files(root, ["a/Radio11.mp4"], b"")
    listing = list_hdtf(root, annotations)
    assert {row["video"] for row in rows(listing).values()} == {"b/Radio11.mp4"}
    assert reasons(listing)["a/Radio11.mp4"] is RejectionReason.EMPTY_FILE
    assert reasons(listing)["c/Radio11.webm"] is RejectionReason.DUPLICATE_RECORDING


def test_a_broken_source_costs_its_ranges_unless_they_are_cut(tmp_path: Path, annotations: Path) -> None:
    root = write_files(tmp_path / "v", ["RD_Radio11_001.mp4", "RD_Radio12_000.mp4"])
    (root / "RD_Radio11.mp4").symlink_to("gone")
    write_files(root, ["RD_Radio12.mp4"], b"")
    listing = list_hdtf(root, annotations)
    assert sorted(rows(listing)) == ["RD_Radio11_1", "RD_Radio12_0"]
    found = reasons(listing)
    assert found["RD_Radio11_0"] is found["RD_Radio11.mp4"] is RejectionReason.NOT_A_REGULAR_FILE
    assert found["RD_Radio12.mp4"] is RejectionReason.EMPTY_FILE


def test_bad_annotation_lines_name_file_and_line(tmp_path: Path, annotations: Path) -> None:
    (annotations / "WDA_annotion_time.txt").write_text("KatieHill.mp4 00:10-00:20 soon\n", encoding="utf-8")
    root = write_files(tmp_path / "v", ["WDA_KatieHill.mp4"])
    listing = list_hdtf(root, annotations)
    bad = next(one for one in listing.rejections if one.reason is RejectionReason.BAD_ANNOTATION)
    assert (bad.item_id, bad.details) == ("WDA_KatieHill_1", {"file": "WDA_annotion_time.txt", "line": 1})
    assert any("KatieHill2 has no time ranges" in note for note in listing.notes)


def test_wrong_annotation_folder(tmp_path: Path) -> None:
    write_files(tmp_path, ["Radio1.mp4"])
    with pytest.raises(BadInputError, match="annotion_time"):
        list_hdtf(tmp_path, tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("video", "speaker"),
    [("WDA_KatieHill", "KatieHill"), ("WRA_KristiNoem2", "KristiNoem"), ("RD_Radio1", "RD_Radio"), ("RD_Radio59", "RD_Radio"),
     ("WDA_WhipJimClyburn", "JamesClyburn"), ("WDA_LucilleRoybal-Allard", "LucilleRoybal-Allard"), ("WDA_123", "123")],
)  # fmt: skip
def test_speakers(video: str, speaker: str) -> None:
    assert speaker_of(video) == speaker


def test_the_published_annotations_with_every_video_there(tmp_path: Path, shared_data: Path) -> None:
    annotations = shared_data / "annotations" / "hdtf"
    names = [
        f"{group}_{line.split()[0]}"
        for group in ("RD", "WDA", "WRA")
        for line in (annotations / f"{group}_annotion_time.txt").read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    listing = list_hdtf(write_files(tmp_path, names), annotations)
    assert listing.recordings.num_rows == 435
    assert reasons(listing) == {"WRA_MittRomney_1": RejectionReason.BAD_ANNOTATION}
    assert len(listing.notes) == 6
