"""Any tree of videos, with and without labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipelines.corpora.listing import list_corpus
from pipelines.corpora.listing_builder import Listing
from storage_schemas.build_spec import CorpusSettings, Layout
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import write_files


def list_folder(root: Path, csv: str = "", emotions: Sequence[str] = ()) -> Listing:
    if csv:
        (root / "labels.csv").write_text(csv, encoding="utf-8")
    settings = CorpusSettings(labels_csv="labels.csv" if csv else "", emotions=list(emotions))
    return list_corpus(root, Layout.FOLDER, settings)


def rows(listing: Listing) -> dict[str, dict[str, Any]]:
    return {row["recording_id"]: row for row in listing.recordings.to_pylist()}


def test_without_labels(tmp_path: Path) -> None:
    write_files(tmp_path, ["anna/day1/1.mp4", "anna/2.mov", "ben.mp4", "ben.mov", "ben.wav"])
    found = rows(list_folder(tmp_path))
    assert {key: row["speaker"] for key, row in found.items()} == {
        "anna/2.mov": "anna", "anna/day1/1.mp4": "anna", "ben.mov": "ben", "ben.mp4": "ben",
    }  # fmt: skip
    assert {row["emotion"] for row in found.values()} == {"unlabelled"}
    assert {row["audio"] for row in found.values()} == {""}
    assert found["ben.mp4"]["size_bytes"] == 16


def test_labels(tmp_path: Path) -> None:
    write_files(tmp_path, ["a/1.mp4", "a/2.mp4", "a/3.mp4", "sound/1.wav"])
    found = rows(list_folder(tmp_path, "path;speaker;emotion;language;audio;level\na/1.mp4;anna;anger;en;sound/1.wav;3\na/2.mp4;;;de;;\n"))
    first = found["a/1.mp4"]
    assert (first["speaker"], first["emotion"], first["language"], first["audio"], first["level"]) == (
        "anna",
        "angry",
        "en",
        "sound/1.wav",
        3,
    )
    assert (found["a/2.mp4"]["speaker"], found["a/2.mp4"]["emotion"]) == ("a", "unlabelled")
    assert found["a/3.mp4"]["speaker"] == "a"


def test_bad_rows_become_rejections(tmp_path: Path) -> None:
    write_files(tmp_path, ["1.mp4", "2.mp4", "3.mp4", "4.mp4"])
    write_files(tmp_path, ["5.mp4"], b"")
    listing = list_folder(
        tmp_path,
        "path,emotion,audio,level\n1.mp4,furious,,\n2.mp4,sad,none.wav,\n3.mp4,sad,,high\n4.mp4,sad,,\n5.mp4,sad,,\nmissing.mp4,sad,,\n",
    )
    assert list(rows(listing)) == ["4.mp4"]
    assert {one.item_id: one.reason for one in listing.rejections} == {
        "1.mp4": RejectionReason.BAD_ANNOTATION,
        "2.mp4": RejectionReason.MISSING_SOURCE,
        "3.mp4": RejectionReason.BAD_ANNOTATION,
        "5.mp4": RejectionReason.EMPTY_FILE,
        "missing.mp4": RejectionReason.MISSING_SOURCE,
    }
    assert "row 2: emotion 'furious' is unknown" in next(one.message for one in listing.rejections if one.item_id == "1.mp4")


def test_labels_for_strange_names(tmp_path: Path) -> None:
    write_files(tmp_path, [b"caf\xe9.mp4", b"100%.mp4", b"new\nline.mp4", "ünïcode #1.mp4".encode()])
    listing = list_folder(tmp_path, 'path,speaker\ncaf%E9.mp4,a\n100%.mp4,b\n"new\nline.mp4",c\nünïcode #1.mp4,d\n')
    assert listing.rejections == []
    assert {key: row["speaker"] for key, row in rows(listing).items()} == {
        "caf%E9.mp4": "a", "100%25.mp4": "b", "new%0Aline.mp4": "c", "ünïcode #1.mp4": "d",
    }  # fmt: skip


def test_emotions_are_selectable(tmp_path: Path) -> None:
    write_files(tmp_path, ["1.mp4", "2.mp4", "3.mp4"])
    assert list(rows(list_folder(tmp_path, "path,emotion\n1.mp4,sad\n2.mp4,happy\n", emotions=["sad"]))) == ["1.mp4"]
