from __future__ import annotations

from typing import Any

from pipelines.coefficient_evaluation.ablation_report import AblationReport, AblationRun


def run(variant: str, repetition: int, **changes: object) -> AblationRun:
    values: dict[str, Any] = {
        "variant": variant, "repetition": repetition, "run": "expflow/1", "seconds": 1.0, "train_nll": 0.5, "held_out_nll": 1.0,
        "held_out_nll_without_past": 2.0, "sample_outliers": 0.01, "real_outliers": 0.002, "own_centre_share": None,
    }  # fmt: skip
    return AblationRun.model_validate(values | changes)


def test_a_row_for_each_variant_with_mean_and_spread() -> None:
    report = AblationReport(dataset="d", preset="tiny", runs=[run("SMM", 0), run("GMM", 0), run("SMM", 1, held_out_nll=1.2)])

    lines = report.markdown().splitlines()

    assert lines[2] == "| SMM | 1.100 ± 0.141 | 2.000 ± 0.000 | 0.500 ± 0.000 | 1.0 ± 0.0 % | 0.2 ± 0.0 % | n/a (no labels) |"
    assert lines[3] == "| GMM | 1.000 | 2.000 | 0.500 | 1.0 % | 0.2 % | n/a (no labels) |"
    assert len({line.count("|") for line in lines}) == 1
