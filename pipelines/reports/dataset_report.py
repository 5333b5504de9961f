"""The report of a dataset version: one HTML page that needs nothing else, and a short Markdown summary.

The page loads no script, font or picture from anywhere, and its content security policy forbids it to; everything that comes from the
corpus (names, messages, labels) is written through the template's escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any

import pyarrow as pa
from jinja2 import DictLoader, Environment, StrictUndefined

from pipelines.reports import charts, curve_charts, fit_drawing, fit_view, report_view
from pipelines.reports.contact_sheet import SheetItem
from pipelines.reports.dataset_statistics import ClipStatistics, RejectionStatistics
from pipelines.reports.fit_view import FitPictures
from pipelines.reports.readable_text import readable_hours, readable_share
from pipelines.reports.version_notes import version_notes
from storage_schemas.dataset_version import VersionManifest

REJECTION_ROWS_SHOWN = 1000
_TEMPLATE = "dataset_report.html"
_STYLE = "dataset_report.css"
_FRAMES_PER_HOUR = 25 * 3600


def render_report(
    manifest: VersionManifest,
    clips: Iterable[pa.RecordBatch],
    rejections: Iterable[pa.RecordBatch],
    contact_sheet: Sequence[SheetItem] = (),
    fit: FitPictures | None = None,
) -> str:
    """Return the report of a version as one HTML page.

    Args:
        manifest: the version.
        clips: batches of `clips.parquet`; streamed.
        rejections: batches of `rejections.parquet`; streamed. At most `REJECTION_ROWS_SHOWN` rows are shown, all are counted.
        contact_sheet: pictures, those of one clip together.
        fit: pictures of the face model and its fit; None: there is no section about it.

    Raises:
        ValueError: a picture of the contact sheet does not decode.
    """
    clip_statistics, rejection_statistics = ClipStatistics(), RejectionStatistics()
    for batch in clips:
        clip_statistics.add(batch)
    for batch in rejections:
        rejection_statistics.add(batch)
    return _environment().get_template(_TEMPLATE).render(_context(manifest, clip_statistics, rejection_statistics, contact_sheet, fit))


def _context(
    manifest: VersionManifest,
    clips: ClipStatistics,
    rejections: RejectionStatistics,
    contact_sheet: Sequence[SheetItem],
    fit: FitPictures | None,
) -> dict[str, Any]:
    style = _resource(_STYLE)
    reasons = report_view.reason_groups(rejections, REJECTION_ROWS_SHOWN)
    emotions, speakers = report_view.emotions_by_speaker(clips)
    return {
        "manifest": manifest,
        "style_name": _STYLE,
        "style_hash": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "tiles": report_view.tiles(manifest, clips, rejections),
        "keep_rates": report_view.keep_rate_bars(manifest.keep_rates),
        "reasons": reasons,
        "rejections_total": rejections.total,
        "rejections_shown": sum(len(group.rows) for group in reasons),
        "splits": report_view.split_rows(clips),
        "histograms": report_view.histograms(clips),
        "sources": report_view.source_bars(clips),
        "emotions": emotions,
        "speakers": speakers,
        "sheet": report_view.sheet_views(contact_sheet),
        "notes": version_notes(manifest),
        "fit": fit,
        "fit_sentence": fit_view.fit_sentence(clips.fits),
        "fit_histograms": fit_view.fit_histograms(clips.fits) if fit else [],
        "mode_stddevs": fit_drawing.MODE_STDDEVS,
        "curves_width": curve_charts.CURVES_WIDTH,
        "spec": report_view.spec_rows(manifest.spec),
        "chart_width": charts.WIDTH,
        "chart_height": charts.HEIGHT,
    }


def _environment() -> Environment:
    return Environment(
        loader=DictLoader({name: _resource(name) for name in (_TEMPLATE, _STYLE)}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _resource(name: str) -> str:
    return resources.files("pipelines.reports").joinpath(name).read_text(encoding="utf-8").strip()


def markdown_summary(manifest: VersionManifest) -> str:
    """Return a version's figures as Markdown, for a Prefect artifact."""
    counts = manifest.counts
    frames = counts.get("frames", 0)
    lines = [
        f"# {manifest.spec.name} `{manifest.dataset_version}`",
        "",
        "| | |",
        "| --- | ---: |",
        *(f"| {name.replace('_', ' ')} | {count:,} |" for name, count in counts.items()),
        f"| length | {readable_hours(frames / _FRAMES_PER_HOUR)} |",
        "",
        f"Recipe `{manifest.recipe}`",
        "",
        "| filter | kept |",
        "| --- | ---: |",
        *(f"| {bar.label} | {readable_share(bar.share)} |" for bar in report_view.keep_rate_bars(manifest.keep_rates)),
        *(f"\n{note}" for note in version_notes(manifest)),
    ]
    return "\n".join(lines) + "\n"
