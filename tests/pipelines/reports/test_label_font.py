from __future__ import annotations

import pytest

from pipelines.reports.label_font import label_font


@pytest.mark.parametrize("letter", ["ü", "ß", "é", "ж", "λ"])
def test_letters_beyond_ascii_have_glyphs(letter: str) -> None:
    font = label_font(24)

    assert bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))
