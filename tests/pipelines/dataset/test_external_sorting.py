from __future__ import annotations

import random
from pathlib import Path

from pipelines.dataset.external_sorting import ExternalSorter


def test_sorts_across_runs(tmp_path: Path) -> None:
    rows = [(f"key {number:04d}", number, "é\n") for number in range(1000)]
    shuffled = random.Random(0).sample(rows, len(rows))  # noqa: S311
    sorter = ExternalSorter(tmp_path, rows_in_memory=64)
    for start in range(0, len(shuffled), 50):
        sorter.add(shuffled[start : start + 50])
    assert len(list(tmp_path.iterdir())) > 5
    assert list(sorter.sorted_rows()) == rows


def test_empty(tmp_path: Path) -> None:
    assert list(ExternalSorter(tmp_path).sorted_rows()) == []
