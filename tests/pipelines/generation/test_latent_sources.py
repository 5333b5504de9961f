from __future__ import annotations

import numpy as np
import pytest

from pipelines.generation.latent_sources import to_and_fro


@pytest.mark.parametrize(
    ("length", "first", "expected"),
    [(1, 5, [0, 0, 0]), (2, 0, [0, 1, 0]), (3, 0, [0, 1, 2]), (3, 2, [2, 1, 0]), (3, 7, [1, 0, 1])],
)
def test_rows_go_to_and_fro(length: int, first: int, expected: list[int]) -> None:
    assert to_and_fro(length, first, 3).tolist() == expected


def test_pieces_make_no_difference() -> None:
    pieces = [to_and_fro(7, first, 5) for first in range(0, 50, 5)]

    assert np.concatenate(pieces).tolist() == to_and_fro(7, 0, 50).tolist()
