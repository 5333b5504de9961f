from __future__ import annotations

import io
from pathlib import Path

import pyarrow.parquet as pq

from pipelines.reports.table_page import Section, table_page, write_tables
from pipelines.reports.tables import ReportTable, spread_text

TABLE = ReportTable("t", "Values & <more>", ["", "a_b"], [["x|y", "1 ± 2 %"]], [{"name": "x|y", "value": 1.5}])


def test_each_form_escapes_what_it_must() -> None:
    assert TABLE.markdown() == "|  | a_b |\n| --- | --- |\n| x\\|y | 1 ± 2 % |\n"
    latex = TABLE.latex()
    assert r"\caption{Values \& <more>}" in latex
    assert r" & a\_b \\" in latex
    assert r"x|y & 1 $\pm$ 2 \% \\" in latex
    assert "<caption>Values &amp; &lt;more&gt;</caption>" in TABLE.html()
    assert pq.read_table(io.BytesIO(TABLE.parquet())).to_pylist() == [{"name": "x|y", "value": 1.5}]


def test_without_records_the_cells_are_kept() -> None:
    bare = ReportTable("t", "", ["name", "value"], [["a", "1"]])

    assert pq.read_table(io.BytesIO(bare.parquet())).to_pylist() == [{"name": "a", "value": "1"}]


def test_spread() -> None:
    assert spread_text([1.0], 2) == "1.00"
    assert spread_text([0.1, None, 0.3], 1, percent=True) == "20.0 ± 14.1 %"
    assert spread_text([None], 2) == "n/a"


def test_a_page_loads_nothing(tmp_path: Path) -> None:
    page = table_page("<title>", [Section("One", TABLE, [("a picture", b"png")])], ["a <note>"])

    assert "&lt;title&gt;" in page
    assert "a &lt;note&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert [path.name for path in write_tables(tmp_path / "new", "t", [Section("One", TABLE)])] == [
        "index.html",
        "t.md",
        "t.tex",
        "t.parquet",
    ]
