from __future__ import annotations

import re

from pipelines.coefficient_evaluation.figure_list import FIGURES, FigureMeaning
from pipelines.coefficient_evaluation.run_evaluation import ClipReport, EvaluationReport
from tests.factories.repository import document


def test_the_documents_list_every_figure_as_it_is_printed() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|$", document("docs/coefficient_evaluation.md"), re.MULTILINE)

    assert rows == [(name, figure.meaning, figure.wanted) for name, figure in FIGURES.items()]


def test_the_documents_name_the_other_fields_of_a_report() -> None:
    named = set(re.findall(r"`(\w+)`", document("docs/coefficient_evaluation.md")))

    assert (set(EvaluationReport.model_fields) | set(ClipReport.model_fields)) - {"figures"} <= named


def test_bounds_are_met_or_not() -> None:
    between, least, most = FigureMeaning("", 0.5, 2), FigureMeaning("", 0.75), FigureMeaning("", None, 1e-4)

    assert [figure.wanted for figure in (between, least, most, FigureMeaning(""))] == ["0.5 to 2", "0.75 or more", "0.0001 or less", ""]
    assert between.is_met(2)
    assert not between.is_met(0.49)
    assert least.is_met(0.75)
    assert not most.is_met(2e-4)
    assert FigureMeaning("").is_met(-5)
