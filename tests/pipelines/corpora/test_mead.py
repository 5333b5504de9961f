"""MEAD as distributed, nested, for one person, and under its flat and short names."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.corpora.listing import list_corpus
from pipelines.corpora.listing_builder import Listing
from storage_schemas.build_spec import CorpusSettings, Layout
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import mead_paths, write_files


def list_mead(root: Path, settings: CorpusSettings | None = None, layout: Layout = Layout.MEAD) -> Listing:
    return list_corpus(root, layout, settings or CorpusSettings())


def ids(listing: Listing) -> list[str]:
    return [str(recording_id) for recording_id in listing.recordings["recording_id"].to_pylist()]


def test_tree_with_and_without_separate_audio(tmp_path: Path) -> None:
    write_files(tmp_path, [*mead_paths(views=["front", "left_30"], emotions=["disgusted"]), "M003/audio/disgusted/level_1/001.m4a"])
    rows = {row["recording_id"]: row for row in list_mead(tmp_path).recordings.to_pylist()}
    first = rows["M003/left_30/disgusted/level_1/001"]
    assert first["video"] == "M003/video/left_30/disgusted/level_1/001.mp4"
    assert first["audio"] == rows["M003/front/disgusted/level_1/001"]["audio"] == "M003/audio/disgusted/level_1/001.m4a"
    assert rows["M003/front/disgusted/level_1/002"]["audio"] == ""
    assert (first["speaker"], first["emotion"], first["level"], first["view"]) == ("M003", "disgusted", 1, "left_30")
    assert "research only" in first["licence"]


@pytest.mark.parametrize("above", ["", "MEAD/original/", "data/video/"])
def test_tree_at_any_depth(tmp_path: Path, above: str) -> None:
    write_files(tmp_path, [above + path for path in mead_paths("W009")] + [f"{above}W009/audio/angry/level_1/002.m4a"])
    listing = list_mead(tmp_path)
    assert ids(listing) == ["W009/front/angry/level_1/001", "W009/front/angry/level_1/002"]
    assert listing.recordings["audio"].to_pylist() == ["", f"{above}W009/audio/angry/level_1/002.m4a"]


def test_source_is_one_person(tmp_path: Path) -> None:
    write_files(tmp_path, [*mead_paths("M030"), "M030/audio/angry/level_1/001.m4a"])
    listing = list_mead(tmp_path / "M030")
    assert ids(listing) == ["M030/front/angry/level_1/001", "M030/front/angry/level_1/002"]
    assert listing.recordings["audio"].to_pylist() == ["audio/angry/level_1/001.m4a", ""]


def test_aliases_of_emotions_give_canonical_ids(tmp_path: Path) -> None:
    write_files(tmp_path, [*mead_paths(emotions=["disgust", "Surprise"], takes=1), "M003/audio/disgust/level_1/001.m4a"])
    listing = list_mead(tmp_path)
    assert ids(listing) == ["M003/front/disgusted/level_1/001", "M003/front/surprised/level_1/001"]
    assert listing.recordings["audio"][0].as_py() == "M003/audio/disgust/level_1/001.m4a"


def test_selection(tmp_path: Path) -> None:
    write_files(tmp_path, mead_paths(views=["front", "top"], emotions=["happy", "sad"], levels=[1, 2, 3], takes=1))
    listing = list_mead(tmp_path, CorpusSettings(views=["front"], levels=[1, 3], emotions=["sadness"]))
    assert ids(listing) == ["M003/front/sad/level_1/001", "M003/front/sad/level_3/001"]


def test_flat_names_with_parallel_audio(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        ["MEAD/video/M003#angry#level_1#001.mp4", "MEAD/video/W009#sad#level_3#002.mp4", "MEAD/audio/M003#angry#level_1#001.wav"],
    )
    listing = list_mead(tmp_path)
    assert ids(listing) == ["M003/front/angry/level_1/001", "W009/front/sad/level_3/002"]
    assert listing.recordings["video"][0].as_py() == "MEAD/video/M003#angry#level_1#001.mp4"
    assert listing.recordings["audio"].to_pylist() == ["MEAD/audio/M003#angry#level_1#001.wav", ""]
    assert listing.recordings["view"].to_pylist() == ["front", "front"]


def test_short_names_and_audio_nearby(tmp_path: Path) -> None:
    write_files(tmp_path, ["M030_sad_3_001.mp4", "W015_W015_hap_1_005.mp4", "audio/M030_sad_3_001.wav", "W015_W015_hap_1_005.wav"])
    listing = list_mead(tmp_path)
    assert ids(listing) == ["M030/front/sad/level_3/001", "W015/front/happy/level_1/005"]
    assert listing.recordings["audio"].to_pylist() == ["audio/M030_sad_3_001.wav", "W015_W015_hap_1_005.wav"]


def test_names_that_do_not_parse(tmp_path: Path) -> None:
    bad = [
        "M003/video/front/angry/level_1/._001.mp4", "M003/video/front/furious/level_1/001.mp4", "M003/video/front/angry/1/001.mp4",
        "M003/video/front/angry/level_99999/001.mp4", "M003/front/angry/level_1/001.mp4", "stray.mp4",
    ]  # fmt: skip
    write_files(tmp_path, [*mead_paths(takes=1), *bad])
    listing = list_mead(tmp_path)
    assert ids(listing) == ["M003/front/angry/level_1/001"]
    assert sorted(one.item_id for one in listing.rejections) == sorted(bad)
    assert {one.reason for one in listing.rejections} == {RejectionReason.UNKNOWN_NAME}


def test_broken_files_are_rejected_under_their_recording_id(tmp_path: Path) -> None:
    write_files(tmp_path, mead_paths(takes=1))
    folder = tmp_path / "M003/video/front/angry/level_1"
    write_files(folder, ["002.mp4"], b"")
    (folder / "003.mp4").symlink_to("gone.mp4")
    (tmp_path / "M005").symlink_to("/nonexistent/disk")
    reasons = {one.item_id: one.reason for one in list_mead(tmp_path).rejections}
    assert reasons == {
        "M003/front/angry/level_1/002": RejectionReason.EMPTY_FILE,
        "M003/front/angry/level_1/003": RejectionReason.NOT_A_REGULAR_FILE,
        "M005": RejectionReason.NOT_A_REGULAR_FILE,
    }


def test_the_same_take_twice(tmp_path: Path) -> None:
    write_files(tmp_path, ["a/" + mead_paths(takes=1)[0], "b/" + mead_paths(takes=1)[0], "b/M003#angry#level_1#001.mp4"])
    listing = list_mead(tmp_path)
    assert listing.recordings["video"].to_pylist() == ["a/M003/video/front/angry/level_1/001.mp4"]
    assert [one.reason for one in listing.rejections] == [RejectionReason.DUPLICATE_RECORDING] * 2
    assert {one.details["path"] for one in listing.rejections} == {
        "b/M003#angry#level_1#001.mp4",
        "b/M003/video/front/angry/level_1/001.mp4",
    }


def test_demo_layout_leaves_the_truth_folder_alone(tmp_path: Path) -> None:
    write_files(tmp_path, [*mead_paths(takes=1), "truth/M003/preview.mp4"])
    listing = list_mead(tmp_path, layout=Layout.DEMO)
    assert (ids(listing), listing.rejections) == (["M003/front/angry/level_1/001"], [])
