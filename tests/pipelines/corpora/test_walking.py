"""The walk finds every file named like a video, follows links safely and says what is wrong with the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.corpora.walking import VIDEO_SUFFIXES, FoundFile, walk_files
from storage_schemas.errors import BadInputError
from storage_schemas.rejections import RejectionReason
from tests.factories.corpus_trees import write_files


def walk(root: Path) -> dict[str, FoundFile]:
    found = list(walk_files(root, VIDEO_SUFFIXES))
    by_path = {file.path: file for file in found}
    assert len(by_path) == len(found)
    return by_path


def reasons(root: Path) -> dict[str, RejectionReason | None]:
    return {path: file.problem.reason if file.problem else None for path, file in walk(root).items()}


def test_only_names_decide_what_is_a_video(tmp_path: Path) -> None:
    listed = ["a.mp4", "B.MOV", "c/d.MpG", ".hidden/._e.mp4", ".mp4", "f.part.mp4"]
    write_files(tmp_path, [*listed, "a.mp4.part", ".DS_Store", "notes.txt", "mp4", "x.jpg"])
    assert sorted(walk(tmp_path)) == sorted(listed)


def test_order_does_not_depend_on_creation(tmp_path: Path) -> None:
    names = [f"{folder}/{name}.mp4" for folder in "bca" for name in "312"]
    write_files(tmp_path / "one", names)
    write_files(tmp_path / "two", reversed(names))
    first = [file.path for file in walk_files(tmp_path / "one", VIDEO_SUFFIXES)]
    assert first == sorted(names) == [file.path for file in walk_files(tmp_path / "two", VIDEO_SUFFIXES)]


def test_sizes_and_empty_files(tmp_path: Path) -> None:
    write_files(tmp_path, ["a.mp4"], b"12345")
    write_files(tmp_path, ["b.mp4"], b"")
    found = walk(tmp_path)
    assert found["a.mp4"] == FoundFile("a.mp4", 5, None)
    assert reasons(tmp_path)["b.mp4"] is RejectionReason.EMPTY_FILE


def test_links_to_files_inside_and_outside_are_followed(tmp_path: Path) -> None:
    root = write_files(tmp_path / "root", ["a.mp4"], b"123")
    write_files(tmp_path, ["outside.bin"], b"12345")
    (root / "b.mp4").symlink_to("a.mp4")
    (root / "c.mp4").symlink_to(tmp_path / "outside.bin")
    assert {path: file.size_bytes for path, file in walk(root).items()} == {"a.mp4": 3, "b.mp4": 3, "c.mp4": 5}


def test_dangling_and_looping_links(tmp_path: Path) -> None:
    (tmp_path / "dangling.mp4").symlink_to("nowhere")
    (tmp_path / "disk2").symlink_to("/nonexistent/mount")
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    (tmp_path / "x.mp4").symlink_to("y.mp4")
    (tmp_path / "y.mp4").symlink_to("x.mp4")
    assert set(reasons(tmp_path)) == {"dangling.mp4", "disk2", "self.mp4", "x.mp4", "y.mp4"}
    assert set(reasons(tmp_path).values()) == {RejectionReason.NOT_A_REGULAR_FILE}


def test_link_to_a_folder_is_followed_once(tmp_path: Path) -> None:
    root = write_files(tmp_path / "root", ["a.mp4"])
    write_files(tmp_path / "elsewhere", ["b.mp4"])
    (root / "link1").symlink_to(tmp_path / "elsewhere")
    (root / "link2").symlink_to(tmp_path / "elsewhere")
    assert reasons(root) == {"a.mp4": None, "link1/b.mp4": None, "link2": RejectionReason.DUPLICATE_RECORDING}


def test_folder_loops_end(tmp_path: Path) -> None:
    write_files(tmp_path, ["a/b/x.mp4"])
    (tmp_path / "a/b/up").symlink_to("../..")
    (tmp_path / "a/b/parent").symlink_to("..")
    found = reasons(tmp_path)
    assert found == {
        "a/b/x.mp4": None,
        "a/b/up": RejectionReason.NOT_A_REGULAR_FILE,
        "a/b/parent": RejectionReason.NOT_A_REGULAR_FILE,
    }


def test_many_folders_linked_with_each_other_do_not_explode(tmp_path: Path) -> None:
    names = [f"d{number}" for number in range(12)]
    write_files(tmp_path, [f"{name}/v.mp4" for name in names])
    for name in names:
        for other in names:
            if other != name:
                (tmp_path / name / f"to_{other}").symlink_to(tmp_path / other)
    found = reasons(tmp_path)
    assert {f"{name}/v.mp4" for name in names} <= set(found)
    assert len(found) < 12 * 12 * 12


def test_folders_and_pipes_named_like_videos(tmp_path: Path) -> None:
    write_files(tmp_path, ["folder.mp4/inner.mp4"])
    os.mkfifo(tmp_path / "pipe.mp4")
    assert reasons(tmp_path) == {
        "folder.mp4": RejectionReason.NOT_A_REGULAR_FILE,
        "folder.mp4/inner.mp4": None,
        "pipe.mp4": RejectionReason.NOT_A_REGULAR_FILE,
    }


def test_unreadable_file_and_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, ["a.mp4", "b.mp4", "closed/c.mp4"])
    scandir, access = os.scandir, os.access

    def refuse_folder(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_folder)
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).endswith("b.mp4") and access(path, mode))
    assert reasons(tmp_path) == {
        "a.mp4": None,
        "b.mp4": RejectionReason.UNREADABLE_FILE,
        "closed": RejectionReason.UNREADABLE_FILE,
    }


def test_names_that_are_not_text(tmp_path: Path) -> None:
    write_files(tmp_path, [b"caf\xe9.mp4", "café.mp4".encode(), "cafe\u0301.mp4".encode()])
    assert len(walk(tmp_path)) == 3
    assert all(file.problem is None for file in walk(tmp_path).values())


def test_root_must_be_a_folder(tmp_path: Path) -> None:
    write_files(tmp_path, ["a.mp4"])
    with pytest.raises(BadInputError, match="found nothing"):
        walk_files(tmp_path / "missing", VIDEO_SUFFIXES)
    with pytest.raises(BadInputError, match="found a file"):
        walk_files(tmp_path / "a.mp4", VIDEO_SUFFIXES)
    (tmp_path / "link").symlink_to(tmp_path)
    assert "a.mp4" in walk(tmp_path / "link")
