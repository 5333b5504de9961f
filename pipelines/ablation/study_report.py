"""The files of a study: tables as Markdown, LaTeX and Parquet, a page with them and the pictures, and the report as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipelines.ablation.comparison import Comparison, StudyReport
from pipelines.coefficient_evaluation.ablation_report import AblationReport
from pipelines.image_evaluation.ablation_report import ImageAblationReport
from pipelines.reports.table_page import Section, write_tables
from pipelines.reports.tables import ReportTable, Value, spread_text
from storage_schemas.ablation_study import REPORT_FILE

LATENTS_FILE, FRAMES_FILE = "latent-space.png", "variants.png"
_EXPFLOW: dict[str, tuple[str, int, bool]] = {
    "steps": ("steps", 0, False),
    "held_out_nll": ("held-out NLL ↓", 3, False),
    "held_out_nll_without_past": ("the same, past hidden ↓", 3, False),
    "train_nll": ("training NLL ↓", 3, False),
    "sample_outliers": ("sample outliers ↓", 1, True),
    "own_centre_share": ("latents near their own emotion ↑", 1, True),
    "mouth_opening_r": ("lip-sync, r ↑", 3, False),
    "emotion_accuracy_nearest_mean": ("emotion recognised ↑", 1, True),
    "expression_spread": ("diversity ↑", 3, False),
    "blinks_per_minute": ("blinks a minute", 1, False),
}
"""Title, digits, and whether it is a share, by figure."""
_VQIG: dict[str, tuple[str, int, bool]] = {
    "steps": ("steps", 0, False),
    "psnr_db": ("PSNR, dB ↑", 2, False),
    "ssim": ("SSIM ↑", 4, False),
    "mouth_psnr_db": ("mouth, dB ↑", 2, False),
    "eyes_psnr_db": ("eyes, dB ↑", 2, False),
    "cpbd": ("CPBD ↑", 4, False),
}


def write_study(comparison: Comparison, folder: Path) -> list[Path]:
    """Write everything into a folder; return the files.

    Raises:
        OSError: the folder cannot be written.
    """
    report, sections = comparison.report, []
    if report.expflow is not None:
        pictures = [("Latents of training and held-out clips, by emotion", comparison.latent_space)] if comparison.latent_space else []
        sections.append(Section("ExpFlow", expflow_table(report.expflow, report.generated), pictures))
    if report.vqig is not None:
        pictures = [("Held-out frames", comparison.frames)] if comparison.frames else []
        sections.append(Section("Image generator", vqig_table(report.vqig), pictures))
    files = write_tables(folder, report.study.name, sections, _notes(report))
    for name, data in ((LATENTS_FILE, comparison.latent_space), (FRAMES_FILE, comparison.frames)):
        if data:
            files.append(folder / name)
            files[-1].write_bytes(data)
    files.append(folder / REPORT_FILE)
    files[-1].write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return files


def expflow_table(report: AblationReport, generated: Mapping[str, Mapping[str, float | None]]) -> ReportTable:
    """Return a row for each variant: mean and, over repetitions, standard deviation."""
    records: list[dict[str, Value]] = [
        {**run.model_dump(), **{name: generated.get(run.run, {}).get(name) for name in _EXPFLOW if name not in type(run).model_fields}}
        for run in report.runs
    ]
    caption = "ExpFlow on held-out clips: likelihood in nats per dimension, and figures of drawn samples."
    return ReportTable("expflow", caption, _titles(_EXPFLOW), _rows(records, _EXPFLOW), records)


def vqig_table(report: ImageAblationReport) -> ReportTable:
    """Return a row for each variant, and one for the true frames."""
    records: list[dict[str, Value]] = [run.model_dump() for run in report.runs]
    true_row = ["true frames", *[spread_text([report.real_cpbd], 4) if name == "cpbd" else "" for name in _VQIG]]
    caption = "Image generator: reenacted held-out clips against their true frames."
    return ReportTable("vqig", caption, _titles(_VQIG), [*_rows(records, _VQIG), true_row], records)


def _titles(columns: Mapping[str, tuple[str, int, bool]]) -> list[str]:
    return ["variant", *[title for title, _, _ in columns.values()]]


def _rows(records: Sequence[Mapping[str, Value]], columns: Mapping[str, tuple[str, int, bool]]) -> list[list[str]]:
    rows = []
    for variant in dict.fromkeys(str(record["variant"]) for record in records):
        cells = [variant]
        for name, (_, digits, share) in columns.items():
            values = [record[name] for record in records if record["variant"] == variant]
            cells.append(spread_text([value if isinstance(value, int | float) else None for value in values], digits, percent=share))
        rows.append(cells)
    return rows


def _notes(report: StudyReport) -> list[str]:
    runs = [run.run for part in (report.expflow, report.vqig) if part is not None for run in part.runs]
    repeated = any(part is not None and part.repetitions > 1 for part in (report.study.expflow, report.study.vqig))
    spread = "Mean ± standard deviation over repetitions." if repeated else "One training of each variant: differences may be chance."
    return [f"Dataset version {report.dataset}. {spread}", f"Runs: {', '.join(runs)}."]
