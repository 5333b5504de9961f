from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.scripts.reading import read_script_list
from pipelines.scripts.template import EXAMPLES, write_template
from storage_schemas.errors import BadInputError, StoreError


@pytest.mark.parametrize("name", ["list.csv", "list.tsv", "list.txt", "list.jsonl", "list.ndjson", "list.parquet"])
def test_the_template_reads_as_its_examples(tmp_path: Path, name: str) -> None:
    write_template(tmp_path / "new" / name)

    listing = read_script_list(tmp_path / "new" / name)

    assert listing.problems == []
    assert tuple(row for _, row in listing.rows) == EXAMPLES


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("mine")
    with pytest.raises(BadInputError, match="there already"):
        write_template(tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_text() == "mine"


def test_a_name_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="ends in one of"):
        write_template(tmp_path / "list.xlsx")


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError):
        write_template(tmp_path / "file" / "list.csv")
