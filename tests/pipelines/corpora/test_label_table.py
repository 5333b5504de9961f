"""The CSV of labels: encodings, separators, line ends, and every problem named at once."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from pipelines.corpora.label_table import LabelRow, read_labels
from storage_schemas.errors import BadInputError

PLAIN = "path,speaker,emotion,language\na/1.mp4,anna,happy,en\n./a//2.mp4, anna , ,de\n"
EXPECTED = [LabelRow(2, "a/1.mp4", "anna", "happy", "en"), LabelRow(3, "a/2.mp4", "anna", "", "de")]


@pytest.mark.parametrize(
    "data",
    [
        PLAIN.encode(),
        codecs.BOM_UTF8 + PLAIN.encode(),
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace(",", ";").encode(),
        PLAIN.replace(",", "\t").encode(),
        b"sep=;\r\n" + PLAIN.replace(",", ";").replace("\n", "\r\n").encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace("path,speaker", "Path, SPEAKER").encode(),
        PLAIN.rstrip("\n").encode(),
    ],
    ids=["plain", "bom", "crlf", "semicolons", "tabs", "sep line", "utf-16", "header case", "no last newline"],
)
def test_ways_to_write_the_same(tmp_path: Path, data: bytes) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(data)
    assert [(row.path, row.speaker, row.emotion, row.language) for row in read_labels(table)] == [
        (row.path, row.speaker, row.emotion, row.language) for row in EXPECTED
    ]


def test_quoted_cells_and_blank_lines(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text('path,speaker\n\n"a, ""b""\n c.mp4",x\n,,\n'.replace(",,", ","), encoding="utf-8")
    assert read_labels(table) == [LabelRow(3, 'a, "b"\n c.mp4', "x")]


def test_all_problems_at_once(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("path,speaker\na.mp4,x,y\n,x\n/etc/b.mp4,x\n../c.mp4,x\nd.mp4,x\n./d.mp4,x\n", encoding="utf-8")
    with pytest.raises(BadInputError) as caught:
        read_labels(table)
    message = str(caught.value)
    assert "5 problem(s)" in message
    for part in (
        "row 2: expected 2 cells, found 3",
        "row 3: path is empty",
        "row 4: path '/etc/b.mp4'",
        "row 5: path",
        "row 7: path 'd.mp4' is already given in row 6",
    ):
        assert part in message


def test_all_problems_of_the_header(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text("file,speaker,speaker,mood\n", encoding="utf-8")
    with pytest.raises(
        BadInputError, match=r"column 'file' is unknown.*\n.*'mood' is unknown.*\n.*'speaker' is given 2 times.*\n.*'path' is missing"
    ):
        read_labels(table)


@pytest.mark.parametrize("data", [b"", b'path\n"open', b"path\n\xff\xff.mp4\n"], ids=["empty", "open quote", "not utf-8"])
def test_unreadable_tables(tmp_path: Path, data: bytes) -> None:
    table = tmp_path / "labels.csv"
    table.write_bytes(data)
    with pytest.raises(BadInputError, match=r"labels\.csv"):
        read_labels(table)


def test_missing_table(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot be read"):
        read_labels(tmp_path / "none.csv")
