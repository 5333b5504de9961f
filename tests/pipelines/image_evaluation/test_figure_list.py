from __future__ import annotations

import re

from pipelines.image_evaluation.figure_list import FIGURES
from tests.factories.repository import document


def test_the_document_lists_every_figure() -> None:
    section = document("docs/image_evaluation.md").split("\n## Figures\n", 1)[1].split("\n## ", 1)[0]

    listed = {
        name: (meaning, wanted) for name, meaning, wanted in re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]*) \|$", section, re.MULTILINE)
    }

    assert {name: (meaning.strip(), wanted.strip()) for name, (meaning, wanted) in listed.items()} == {
        name: (figure.meaning, figure.wanted) for name, figure in FIGURES.items()
    }
