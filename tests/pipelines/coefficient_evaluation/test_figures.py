from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.coefficient_evaluation.figures import COLOUR_OF_EMOTION, colour_of, new_figure, write_figure
from storage_schemas.errors import StoreError
from storage_schemas.identifiers import Emotion


def test_every_emotion_has_a_colour_of_its_own() -> None:
    assert len({colour_of(emotion.value) for emotion in Emotion} | {colour_of("else")}) == len(Emotion) + 1
    assert set(COLOUR_OF_EMOTION) == {emotion.value for emotion in Emotion}


def test_panels_come_by_row_and_column() -> None:
    _, axes = new_figure(2, 3, (1, 1))

    assert [len(row) for row in axes] == [3, 3]


def test_a_figure_that_cannot_be_written_names_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="file"):
        write_figure(new_figure(1, 1, (1, 1))[0], tmp_path / "file" / "a.png")
