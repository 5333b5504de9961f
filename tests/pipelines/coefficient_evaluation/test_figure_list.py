from __future__ import annotations

import re

from pipelines.coefficient_evaluation.figure_list import FIGURES
from pipelines.coefficient_evaluation.run_evaluation import ClipReport, EvaluationReport
from tests.factories.repository import document


def test_the_documents_list_every_figure_as_it_is_printed() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|$", document("docs/coefficient_evaluation.md"), re.MULTILINE)

    assert rows == [(name, figure.meaning, figure.wanted) for name, figure in FIGURES.items()]


def test_the_documents_name_the_other_fields_of_a_report() -> None:
    named = set(re.findall(r"`(\w+)`", document("docs/coefficient_evaluation.md")))

    assert (set(EvaluationReport.model_fields) | set(ClipReport.model_fields)) - {"figures"} <= named
