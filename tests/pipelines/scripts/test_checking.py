from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.scripts.checking import Surroundings, check_script_list
from pipelines.scripts.reading import ScriptList, read_script_list
from storage_schemas.script_rows import NumberedRow, ScriptRow
from tests.factories.synthetic_video import write_tone

HEADER = "portrait,audio,text,voice,emotion,emotion_reference,pose,seed,takes,output"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("list")
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(folder / "face.png")
    Image.fromarray(np.full((4, 4, 3), 90, np.uint8)).save(folder / "tiny.png")
    write_tone(folder / "speech.wav", 0.2)
    (folder / "words.png").write_text("not a picture")
    (folder / "words.wav").write_text("not a sound")
    (folder / "empty.wav").write_bytes(b"")
    (folder / "folder.png").mkdir()
    return folder


def checked(folder: Path, *lines: str, voice_problem: object = None) -> ScriptList:
    path = folder / "list.csv"
    path.write_text("\n".join([HEADER, *lines]))
    return check_script_list(read_script_list(path), Surroundings(str(folder), None, voice_problem))  # type: ignore[arg-type]


def found(listing: ScriptList) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.reason.value) for problem in listing.problems]


def test_a_good_list_passes_and_counts_rows(files: Path) -> None:
    seen: list[tuple[int, int]] = []
    path = files / "good.csv"
    path.write_text(f"{HEADER}\nface.png,speech.wav,,,happy,,,,2,a/b.mp4\n{files / 'face.png'},,Hello,,,,fixed,,,\n")

    listing = check_script_list(read_script_list(path), Surroundings(str(files)), lambda done, total: seen.append((done, total)))

    assert listing.problems == []
    assert [number for number, _ in listing.rows] == [2, 3]
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("none.png,speech.wav,,,,,,,,", ("portrait", "missing_file")),
        ("folder.png,speech.wav,,,,,,,,", ("portrait", "missing_file")),
        ("words.png,speech.wav,,,,,,,,", ("portrait", "unreadable_picture")),
        ("tiny.png,speech.wav,,,,,,,,", ("portrait", "unreadable_picture")),
        ("face.png,none.wav,,,,,,,,", ("audio", "missing_file")),
        ("face.png,empty.wav,,,,,,,,", ("audio", "missing_file")),
        ("face.png,words.wav,,,,,,,,", ("audio", "unreadable_audio")),
        ("face.png,face.png,,,,,,,,", ("audio", "unreadable_audio")),
        ("face.png,speech.wav,,,,none.mp4,,,,", ("emotion_reference", "missing_file")),
        ("face.png,speech.wav,,,,,none.mp4,,,", ("pose", "missing_file")),
        ("face.png,,Hello,xx,,,,,,", ("voice", "unknown_voice")),
    ],
)
def test_what_a_row_names_must_be_there(files: Path, line: str, problem: tuple[str, str]) -> None:
    listing = checked(files, "face.png,speech.wav,,,,,,,,", line, voice_problem=lambda voice: "no such voice" if voice == "xx" else "")

    assert found(listing) == [(3, *problem)]
    assert [number for number, _ in listing.rows] == [2]


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("face.png,speech.wav,,,,,,1,1,a/hello", "face.png,speech.wav,,,,,,2,1,A/Hello.MP4", ("output", "duplicate_output")),
        ("face.png,speech.wav,,,,,,1,2,hello", "face.png,speech.wav,,,,,,2,1,hello-001", ("output", "duplicate_output")),
        ("face.png,speech.wav,,,,,,1,1,hello", "face.png,speech.wav,,,,,,2,1,hello.mp4/there", ("output", "duplicate_output")),
        ("face.png,speech.wav,,,,,,1,1,hello.mp4/there", "face.png,speech.wav,,,,,,2,1,hello", ("output", "duplicate_output")),
        ("face.png,speech.wav,,,Happiness,,,1,1,", "face.png,speech.wav,,,happy,,,1,3,", ("", "duplicate_row")),
    ],
)
def test_no_two_rows_make_the_same_clip(files: Path, first: str, second: str, problem: tuple[str, str]) -> None:
    listing = checked(files, first, second)

    assert found(listing) == [(3, *problem)]
    assert "row 2" in listing.problems[0].message


def test_each_file_is_looked_at_once(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[Path] = []
    monkeypatch.setattr("pipelines.scripts.checking.audio_problem", looked.append)
    row = ScriptRow(portrait="face.png", audio="speech.wav")
    rows = [NumberedRow(number, row.model_copy(update={"seed": number})) for number in range(2, 500)]

    listing = check_script_list(ScriptList(rows), Surroundings(str(files)))

    assert len(listing.rows) == 498
    assert looked == [files / "speech.wav"]


def test_files_on_s3_are_asked_for_by_their_address(files: Path) -> None:
    asked: list[str] = []

    def exists(address: str) -> bool:
        asked.append(address)
        return "good" in address

    rows = [
        NumberedRow(2, ScriptRow(portrait="good.png", audio="sub/bad.wav")),
        NumberedRow(3, ScriptRow(portrait="s3://b/good.png", text="Hello")),
    ]
    listing = check_script_list(ScriptList(rows), Surroundings("s3://bucket/lists", exists))

    assert asked == ["s3://bucket/lists/good.png", "s3://bucket/lists/sub/bad.wav", "s3://b/good.png"]
    assert found(listing) == [(2, "audio", "missing_file")]
