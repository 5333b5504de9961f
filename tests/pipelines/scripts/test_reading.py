from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.scripts.reading import ScriptList, read_script_list
from storage_schemas.script_rows import ScriptProblemReason

HEADER = "portrait,audio,text,emotion,intensity,seed,takes,output"
GOOD = "face.png,speech.wav,,happy,,7,2,"


def written(folder: Path, text: str | bytes, name: str = "list.csv") -> ScriptList:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_script_list(path)


def found(listing: ScriptList) -> list[tuple[int, str, str]]:
    return [(problem.row, problem.column, problem.reason.value) for problem in listing.problems]


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"], ids=["commas", "semicolons", "tabs"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_form_of_csv_gives_the_same_rows(tmp_path: Path, encoding: str, delimiter: str, ending: str) -> None:
    text = f'Portrait,text,emotion{ending}fäce.png,"Hello, there; all",Happiness{ending}{ending}b.png,x,sad{ending}'
    text = text.replace("Portrait,text,emotion", delimiter.join(["Portrait", " text ", "EMOTION"]))
    text = text.replace('fäce.png,"Hello, there; all",', f'fäce.png{delimiter}"Hello, there; all"{delimiter}').replace(
        "b.png,x,", f"b.png{delimiter}x{delimiter}"
    )

    listing = written(tmp_path, text.encode(encoding))

    assert listing.problems == []
    assert [(number, row.portrait, row.text, row.emotion) for number, row in listing.rows] == [
        (2, "fäce.png", "Hello, there; all", "happy"),
        (4, "b.png", "x", "sad"),
    ]


def test_excels_separator_line_is_no_header(tmp_path: Path) -> None:
    listing = written(tmp_path, "sep=;\r\nportrait;audio;intensity\r\na.png;b.wav;0,5\r\n")

    assert [(number, row.intensity) for number, row in listing.rows] == [(3, 0.5)]


def test_all_three_kinds_of_list_give_equal_rows(tmp_path: Path) -> None:
    csv = written(tmp_path, f"{HEADER}\n{GOOD}\n")
    values = {"portrait": "face.png", "audio": "speech.wav", "emotion": "happy", "seed": 7, "takes": 2}
    lines = written(tmp_path, "\n" + json.dumps(values) + "\r\n", "list.jsonl")
    pq.write_table(pa.Table.from_pylist([{**values, "text": None, "intensity": float("nan")}]), tmp_path / "list.parquet")
    parquet = read_script_list(tmp_path / "list.parquet")

    assert [(csv.rows[0].number, lines.rows[0].number, parquet.rows[0].number)] == [(2, 2, 1)]
    assert csv.rows[0].row == lines.rows[0].row == parquet.rows[0].row
    assert csv.rows[0].row.content_key() == parquet.rows[0].row.content_key()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("face.png,speech.wav,and text,,,,,", ("text", "contradiction")),
        ("face.png,,,,,,,", ("audio", "missing_value")),
        (",speech.wav,,,,,,", ("portrait", "missing_value")),
        ("face.png,speech.wav,,joyful,,,,", ("emotion", "unknown_emotion")),
        ('face.png,speech.wav,,"happy:0.5,sat:0.5",,,,', ("emotion", "unknown_emotion")),
        ("face.png,speech.wav,,,2.5,,,", ("intensity", "bad_value")),
        ("face.png,speech.wav,,,nan,,,", ("intensity", "bad_value")),
        ("face.png,speech.wav,,,,-1,,", ("seed", "bad_value")),
        ("face.png,speech.wav,,,,99999999999999999999,,", ("seed", "bad_value")),
        ("face.png,speech.wav,,,,,0,", ("takes", "bad_value")),
        ("face.png,speech.wav,,,,,2.5,", ("takes", "bad_value")),
        ("ftp://host/face.png,speech.wav,,,,,,", ("portrait", "unknown_scheme")),
        ("http://host/face.png,speech.wav,,,,,,", ("portrait", "unknown_scheme")),
        ("data:image/png;base64xx,speech.wav,,,,,,", ("portrait", "unknown_scheme")),
        ("pipe:cat,speech.wav,,,,,,", ("portrait", "unknown_scheme")),
        ("s3://bucket,speech.wav,,,,,,", ("portrait", "unknown_scheme")),
        ("face.png,concat:a|b,,,,,,", ("audio", "unknown_scheme")),
        (f"face.png,,{'word ' * 20_000},,,,,", ("text", "text_too_long")),
        ("face.png,,?!,,,,,", ("text", "unspeakable_text")),
        ("face.png,,say\x07 this,,,,,", ("text", "unspeakable_text")),
        ("face.png,speech.wav,,,,,,../clip.mp4", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,/clip.mp4", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,a/../../b", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,a\\..\\b", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,C:/clip", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,s3://b/clip", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,.hidden", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,Scratch/clip", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,clip.webm", ("output", "unsafe_output")),
        ("face.png,speech.wav,,,,,,a//b", ("output", "unsafe_output")),
        (f"face.png,speech.wav,,,,,,{'n' * 300}", ("output", "unsafe_output")),
        ('face.png,speech.wav,,,,,,"a\nb"', ("output", "unsafe_output")),
        ("face.png,,Hello, world, and, so, on, and, on", ("", "unreadable_row")),
        ('face.png,"speech"wav,,,,,,', ("", "unreadable_row")),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_the_others_stay(tmp_path: Path, line: str, problem: tuple[str, str]) -> None:
    listing = written(tmp_path, f"{HEADER}\r\n{GOOD}\r\n{line}\r\n{GOOD}\r\n")

    assert found(listing) == [(3, *problem)]
    assert [number for number, _ in listing.rows] == [2, 4]


def test_every_problem_of_a_row_and_of_the_list_is_said_at_once(tmp_path: Path) -> None:
    listing = written(tmp_path, "portrait;audio;txt;seed;voice\nftp://a/b;;;x;en\n\na.png;b.wav;;;de\n")

    assert found(listing) == [
        (0, "txt", "unknown_column"), (2, "seed", "bad_value"), (4, "voice", "contradiction"),
    ]  # fmt: skip
    assert "did you mean 'text'" in listing.problems[0].message
    assert [problem.row for problem in listing.list_problems()] == [0]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("list.csv", b"", "unreadable_list"),
        ("list.csv", HEADER.encode(), "empty_list"),
        ("list.csv", "portrait,text\nface.png,Grüße\n".encode("cp1252"), "unreadable_list"),
        ("list.csv", b"just,words\n1,2\n", "unknown_column"),
        ("list.xlsx", b"PK", "unreadable_list"),
        ("list.parquet", b"PAR1 but not really", "unreadable_list"),
        ("list.jsonl", b"\n\n", "empty_list"),
    ],
    ids=["empty", "header-only", "latin-1", "other-table", "excel", "not-parquet", "blank-lines"],
)
def test_a_list_that_is_none_is_a_problem_and_no_crash(tmp_path: Path, name: str, content: bytes, reason: str) -> None:
    listing = written(tmp_path, content, name)

    assert listing.problems[0].row == 0
    assert reason in {problem.reason.value for problem in listing.problems}
    assert listing.rows == []


def test_a_missing_list_is_a_problem(tmp_path: Path) -> None:
    assert found(read_script_list(tmp_path / "none.csv")) == [(0, "", ScriptProblemReason.UNREADABLE_LIST.value)]


def test_an_open_quote_takes_the_rest_of_the_list_and_says_so(tmp_path: Path) -> None:
    listing = written(tmp_path, f'{HEADER}\n{GOOD}\nface.png,,"never closed,,,,,\n{GOOD}\n')

    assert [number for number, _ in listing.rows] == [2]
    assert found(listing) == [(3, "", "unreadable_row")]


def test_json_rows_name_their_own_troubles(tmp_path: Path) -> None:
    lines = ['{"portrait": "a.png", "audio": "b.wav", "colour": 1}', "[1]", "{", '{"portrait": 5, "audio": "b.wav", "takes": true}']

    listing = written(tmp_path, "\ufeff" + "\n".join(lines), "list.jsonl")

    assert found(listing) == [
        (1, "colour", "unknown_column"), (2, "", "unreadable_row"), (3, "", "unreadable_row"), (4, "takes", "bad_value"),
        (4, "portrait", "bad_value"),
    ]  # fmt: skip


def test_shares_of_emotions_have_one_spelling(tmp_path: Path) -> None:
    listing = written(tmp_path, "portrait;audio;emotion\na;b;sad:0.30,Joy:1\na;b;sadness:0.3, happy:0.70\n")

    assert [row.emotion for _, row in listing.rows] == ["happy:0.7,sad:0.3"]
    assert found(listing) == [(2, "emotion", "unknown_emotion")]


def test_files_count_by_number_not_by_memory_of_the_text(tmp_path: Path) -> None:
    listing = written(tmp_path, f"{HEADER}\n" + f"{GOOD}\n" * 5000)

    assert listing.rows[-1].number == 5001
