from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipelines.ablation.comparison import Comparison, StudyReport
from pipelines.ablation.study_report import write_study
from storage_schemas.ablation_study import AblationStudy, ExpFlowAblation
from tests.factories.ablation_reports import DATASET, expflow_report, vqig_report

GENERATED = {f"expflow/{number}{repetition}": {"mouth_opening_r": 0.5 + 0.1 * repetition} for number in (0, 1) for repetition in (0, 1)}


def comparison(*, with_images: bool = True) -> Comparison:
    study = AblationStudy(name="A study", expflow=ExpFlowAblation(repetitions=2))
    report = StudyReport(
        study=study, dataset=DATASET, expflow=expflow_report(), generated=GENERATED, vqig=vqig_report() if with_images else None
    )
    return Comparison(report, b"latents", b"frames" if with_images else b"")


def test_tables_pictures_and_a_page_are_written(tmp_path: Path) -> None:
    files = write_study(comparison(), tmp_path / "out")

    names = {path.name for path in files}
    tables = {f"{part}.{ending}" for part in ("expflow", "vqig") for ending in ("md", "tex", "parquet")}
    assert names == {"index.html", "ablation.json", "latent-space.png", "variants.png"} | tables
    lines = (tmp_path / "out" / "expflow.md").read_text().splitlines()
    assert lines[2].startswith("| SMM | 90 ± 14 | 0.500 ± 0.707 | 2.000 ± 0.000 |")
    assert "| 25.0 ± 0.0 % | n/a | 0.550 ± 0.071 | n/a |" in lines[2]
    assert "n/a" in (tmp_path / "out" / "vqig.md").read_text()
    assert "| true frames |" in (tmp_path / "out" / "vqig.md").read_text()
    assert pq.read_table(tmp_path / "out" / "expflow.parquet").to_pylist()[1]["mouth_opening_r"] == 0.5
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert DATASET in page
    assert StudyReport.model_validate_json((tmp_path / "out" / "ablation.json").read_bytes()) == comparison().report


def test_a_part_that_is_left_out_has_no_table(tmp_path: Path) -> None:
    files = write_study(comparison(with_images=False), tmp_path)

    assert not {"vqig.md", "variants.png"} & {path.name for path in files}
