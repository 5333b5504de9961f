"""FFHQ: stills, each of another person, with the licence that its metadata gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.corpora import ffhq
from pipelines.corpora.listing import list_corpus
from storage_schemas.build_spec import CorpusSettings, Layout
from storage_schemas.errors import BadInputError
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import write_files


def metadata(count: int) -> dict[str, object]:
    """Entries with the keys of the real file, each about 400 bytes long."""
    return {
        str(number): {
            "category": "training",
            "metadata": {"photo_title": "A {brace} and \"quote\" é", "license": f"Licence {number % 3}", "license_url": "https://x.example/"},
            "image": {"file_path": f"images1024x1024/00000/{number:05d}.png", "face_landmarks": [[0.5, 1.5]] * 20},
        }
        for number in range(count)
    }  # fmt: skip


def test_stills(tmp_path: Path) -> None:
    write_files(tmp_path, ["images1024x1024/00000/00000.png", "images1024x1024/00000/00001.png", "portrait.JPG", "LICENSE.txt", "clip.mp4"])
    rows = list_corpus(tmp_path, Layout.FFHQ, CorpusSettings()).recordings.to_pylist()
    assert [(row["recording_id"], row["speaker"]) for row in rows] == [
        ("images1024x1024/00000/00000.png", "00000"),
        ("images1024x1024/00000/00001.png", "00001"),
        ("portrait.JPG", "portrait"),
    ]
    assert all(row["is_still"] for row in rows)
    assert {row["licence"] for row in rows} == {ffhq.FFHQ_LICENCE}


def test_broken_files(tmp_path: Path) -> None:
    write_files(tmp_path, ["1.png"], b"")
    (tmp_path / "2.png").symlink_to("none")
    found = {one.item_id: one.reason for one in list_corpus(tmp_path, Layout.FFHQ, CorpusSettings()).rejections}
    assert found == {"1.png": RejectionReason.EMPTY_FILE, "2.png": RejectionReason.NOT_A_REGULAR_FILE}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("block", [1 << 20, 700, 64])
def test_licences_from_the_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, indent: int | None) -> None:
    monkeypatch.setattr(ffhq, "_BLOCK_CHARACTERS", block)
    write_files(tmp_path, [f"{number:05d}.png" for number in (0, 1, 39, 41)])
    (tmp_path / ffhq.METADATA_FILE).write_text(json.dumps(metadata(40), indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
    rows = list_corpus(tmp_path, Layout.FFHQ, CorpusSettings()).recordings.to_pylist()
    assert [row["licence"] for row in rows] == [
        "Licence 0 https://x.example/", "Licence 1 https://x.example/", "Licence 0 https://x.example/", ffhq.FFHQ_LICENCE,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", '{"0": {"metadata": {}}', '{"0": 1}', '{"zero": {"metadata": {}}}', '{"0": {}}'])
def test_other_metadata_is_an_error(tmp_path: Path, text: str) -> None:
    write_files(tmp_path, ["0.png"])
    (tmp_path / ffhq.METADATA_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(BadInputError, match="expected FFHQ's metadata"):
        list_corpus(tmp_path, Layout.FFHQ, CorpusSettings())
