"""The leaderboard of an evaluation set and a protocol: a row for each method and one for the ground truth, in four formats.

Rows of another set, or measured otherwise, are in another folder and never mixed. Values by other weights of a network have columns of
their own.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from pipelines.video_evaluation.leaderboard_tables import Column, LeaderboardTable, html, latex, markdown
from pipelines.video_evaluation.metric_list import METRIC_LIST
from pipelines.video_evaluation.network_scores import NOT_GIVEN
from storage_schemas.errors import StoreError
from storage_schemas.evaluation import EVALUATIONS_FOLDER, LEADERBOARD_SCHEMA, METRICS, EvaluationReport
from storage_schemas.identifiers import content_hash
from storage_schemas.object_store_protocol import ObjectStore

GROUND_TRUTH = "ground truth"
_SHOWN_DIGITS = 8


def leaderboard_folder(report: EvaluationReport) -> str:
    """Return where the leaderboard of a report's set and protocol is, relative to the store."""
    return f"{EVALUATIONS_FOLDER}/{report.evaluation_set}/{report.protocol}"


def add_to_leaderboard(store: ObjectStore, report: EvaluationReport) -> str:
    """Write a report as its method's row, in place of an earlier one, and all tables anew.

    Args:
        store: where the leaderboard is.
        report: of the method.

    Returns:
        Folder of the leaderboard, relative to the store.

    Raises:
        StoreError: it cannot be written, or a row is damaged.
    """
    folder = leaderboard_folder(report)
    store.write_bytes(f"{folder}/rows/{_file_name(report.method)}", report_bytes(report))
    reports = read_reports(store, folder)
    table = leaderboard_table(reports)
    store.write_bytes(f"{folder}/leaderboard.parquet", parquet(reports))
    for suffix, written in (("md", markdown(table)), ("tex", latex(table)), ("html", html(table))):
        store.write_bytes(f"{folder}/leaderboard.{suffix}", written.encode("utf-8"))
    return folder


def report_bytes(report: EvaluationReport) -> bytes:
    """Return a report as it is stored."""
    return orjson.dumps(report.model_dump(mode="json"), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def read_reports(store: ObjectStore, folder: str) -> list[EvaluationReport]:
    """Return the reports of a leaderboard, by method.

    Raises:
        StoreError: one is damaged.
    """
    found = []
    for path, _ in store.list_objects(f"{folder}/rows/"):
        try:
            found.append(EvaluationReport.model_validate_json(store.read_bytes(path)))
        except ValidationError as error:
            raise StoreError(
                f"{store.uri}/{path}: expected a row of the leaderboard ({error.error_count()} wrong fields); delete it"
            ) from error
    return sorted(found, key=lambda report: report.method)


def leaderboard_table(reports: Sequence[EvaluationReport]) -> LeaderboardTable:
    """Return what tables show: the ground truth first, then the methods by name."""
    columns = [column for name in METRICS for column in _columns(name, reports)]
    rows = [(GROUND_TRUTH, "", [_true_cell(column, reports) for column in columns])]
    rows += [
        (report.method, f"{report.pairs}/{report.pairs_expected}", [_cell(column, report) for column in columns]) for report in reports
    ]
    first = reports[0]
    facts = {
        "evaluation set": first.evaluation_set, "protocol": first.protocol,
        "reference": f"{first.reference}{f' ({first.split})' if first.split else ''}",
        "alignment": f"{first.settings.size_px} px, version {first.versions['alignment']}; CPBD {first.settings.cpbd_size_px} px",
        "metrics": "version 1" if set(first.versions.values()) == {1} else ", ".join(f"{k} {v}" for k, v in first.versions.items()),
    }  # fmt: skip
    return LeaderboardTable(facts, columns, rows)


def parquet(reports: Sequence[EvaluationReport]) -> bytes:
    """Return the table of LEADERBOARD_SCHEMA; the ground truth's row is that of the method with most pairs."""
    rows = [_row(report, report.method, report.metrics) for report in reports]
    fullest = max(reports, key=lambda report: (report.pairs, report.method))
    rows.insert(0, _row(fullest, GROUND_TRUTH, fullest.ground_truth))
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, LEADERBOARD_SCHEMA), file, compression="zstd")
    return file.getvalue()


def _row(report: EvaluationReport, method: str, metrics: dict[str, float | None]) -> dict[str, object]:
    same = ("evaluation_set", "protocol", "reference", "split", "pairs", "pairs_expected", "frames", "frames_without_face")
    return {
        "method": method, **{name: getattr(report, name) for name in same}, "size_px": report.settings.size_px,
        "cpbd_size_px": report.settings.cpbd_size_px, **metrics, "versions": orjson.dumps(report.versions).decode(),
        "weights": orjson.dumps(report.weights).decode(),
    }  # fmt: skip


def _columns(name: str, reports: Sequence[EvaluationReport]) -> list[Column]:
    """Return the columns of a metric: one for each network that made its values."""
    meaning = METRIC_LIST[name]
    weights = sorted({report.weights[name] for report in reports if name in report.weights})
    titles = {weight: f" [{weight.rpartition('/')[2][:_SHOWN_DIGITS]}]" if len(weights) > 1 else "" for weight in weights}
    return [Column(name, f"{meaning.title}{titles.get(weight, '')}", meaning, weight) for weight in weights or [""]]


def _cell(column: Column, report: EvaluationReport) -> str:
    value = report.metrics.get(column.metric)
    if value is None or report.weights.get(column.metric, "") != column.weights:
        reason = report.missing.get(column.metric, "")
        return f"n/a ({NOT_GIVEN})" if reason == NOT_GIVEN else "n/a"
    return f"{value:.{column.meaning.digits}f}"


def _true_cell(column: Column, reports: Sequence[EvaluationReport]) -> str:
    """Return the ground truth's value by the method with most pairs among those that have one."""
    fitting = [report for report in reports if report.weights.get(column.metric, "") == column.weights]
    known = [report for report in fitting if report.ground_truth.get(column.metric) is not None]
    if not known:
        return _cell(column, reports[0])
    value = max(known, key=lambda report: (report.pairs, report.method)).ground_truth[column.metric]
    return f"{value:.{column.meaning.digits}f}"


def _file_name(method: str) -> str:
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', method).strip('-')[:40]}-{content_hash(method)[:8]}.json"
