from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.video_evaluation.aggregation import IDEAL
from pipelines.video_evaluation.leaderboard import GROUND_TRUTH, add_to_leaderboard, leaderboard_table, read_reports
from pipelines.video_evaluation.leaderboard_tables import html, latex, markdown
from storage_schemas.errors import StoreError
from storage_schemas.evaluation import LEADERBOARD_SCHEMA, METRIC_VERSIONS, METRICS, EvaluationReport
from storage_schemas.evaluation_requests import EvaluationSettings
from tests.factories.dataset_versions import local_store


def report(method: str, ssim: float = 0.8, **changes: object) -> EvaluationReport:
    metrics: dict[str, float | None] = dict.fromkeys(METRICS)
    made = EvaluationReport(
        method=method, reference="ab12", split="test", evaluation_set="0" * 16, protocol="1" * 16, settings=EvaluationSettings(),
        versions=METRIC_VERSIONS, pairs=8, pairs_expected=9, frames=700, frames_without_face=3, metrics={**metrics, "ssim": ssim},
        ground_truth={**metrics, **IDEAL, "fid": None}, missing={"fid": "weights not given", "take_diversity": "one take"}, weights={},
        warnings=[], videos=[],
    )  # fmt: skip
    return made.model_copy(update=changes)


def test_rows_accumulate_in_four_formats_and_are_replaced_by_method(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    add_to_leaderboard(store, report("B", 0.5))
    folder = add_to_leaderboard(store, report("A & co_1", 0.7))
    before = store.read_bytes(f"{folder}/leaderboard.parquet")
    add_to_leaderboard(store, report("B", 0.6))
    rows = pq.read_table(io.BytesIO(store.read_bytes(f"{folder}/leaderboard.parquet")))

    assert rows.schema.equals(LEADERBOARD_SCHEMA)
    assert [(row["method"], row["ssim"]) for row in rows.to_pylist()] == [(GROUND_TRUTH, 1.0), ("A & co_1", 0.7), ("B", 0.6)]
    assert json.loads(rows.to_pylist()[0]["versions"]) == METRIC_VERSIONS
    add_to_leaderboard(store, report("B", 0.5))
    assert store.read_bytes(f"{folder}/leaderboard.parquet") == before
    texts = {suffix: store.read_bytes(f"{folder}/leaderboard.{suffix}").decode() for suffix in ("md", "tex", "html")}
    assert "| B | 8/9 | 0.500 |" in texts["md"]
    assert r"A \& co\_1 & 8/9 & 0.700" in texts["tex"]
    assert "<td>A &amp; co_1</td>" in texts["html"]


def test_rows_of_another_set_or_protocol_are_elsewhere(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    folders = {
        add_to_leaderboard(store, report("A")),
        add_to_leaderboard(store, report("A", evaluation_set="2" * 16)),
        add_to_leaderboard(store, report("A", protocol="3" * 16)),
    }

    assert len(folders) == 3
    assert [len(read_reports(store, folder)) for folder in folders] == [1, 1, 1]


def test_values_by_other_weights_have_columns_of_their_own() -> None:
    values: dict[str, float | None] = dict.fromkeys(METRICS)
    first = report("A", metrics={**values, "fid": 20.0}, ground_truth={**values, "fid": 0.0}, weights={"fid": "aaaaaaaa11"}, missing={})
    other = report("B", metrics={**values, "fid": 30.0}, ground_truth={**values, "fid": 0.0}, weights={"fid": "bbbbbbbb22"}, missing={})
    table = leaderboard_table([first, other, report("C")])
    headings = [heading for heading in table.headings if heading.startswith("FID")]
    cells = {name: dict(zip(table.headings[2:], row, strict=True)) for name, _, row in table.rows}

    assert headings == ["FID [aaaaaaaa] ↓", "FID [bbbbbbbb] ↓"]
    assert [cells["A"][heading] for heading in headings] == ["20.00", "n/a"]
    assert [cells["B"][heading] for heading in headings] == ["n/a", "30.00"]
    assert [cells["C"][heading] for heading in headings] == ["n/a (weights not given)"] * 2
    assert [cells[GROUND_TRUTH][heading] for heading in headings] == ["0.00", "0.00"]


def test_tables_say_what_is_missing_and_what_is_pinned() -> None:
    table = leaderboard_table([report("A")])

    for text in (markdown(table), latex(table), html(table)):
        assert "n/a (weights not given)" in text
        assert "0" * 16 in text
        assert "1" * 16 in text
    assert markdown(table).count("\n| ") == 4  # headings, rule, ground truth, one method
    assert table.rows[0][0] == GROUND_TRUTH


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    store = local_store(tmp_path)
    folder = add_to_leaderboard(store, report("A"))
    store.write_bytes(f"{folder}/rows/broken.json", b"{}")

    with pytest.raises(StoreError, match=r"broken\.json"):
        read_reports(store, folder)
