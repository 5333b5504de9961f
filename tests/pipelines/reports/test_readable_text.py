from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.reports.readable_text import readable, readable_hours, readable_share, readable_size


@given(st.text(st.characters()))
def test_nothing_invisible_is_left_and_the_length_is_bounded(text: str) -> None:
    shown = readable(text, 50)

    assert len(shown) <= 50
    assert not any(unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for character in shown)


def test_ordinary_names_stay_as_they_are_and_a_reversal_is_shown() -> None:
    assert readable("Größe # 'a' 漢字.mp4") == "Größe # 'a' 漢字.mp4"
    assert readable("clip\u202egpj.exe") == "clip<U+202E>gpj.exe"


@pytest.mark.parametrize(
    ("share", "text"), [(1.0, "100 %"), (0.99999, "> 99.9 %"), (0.5, "50 %"), (0.123, "12.3 %"), (1e-9, "< 0.1 %"), (0, "0 %")]
)
def test_a_share_says_all_or_nothing_only_when_it_is(share: float, text: str) -> None:
    assert readable_share(share) == text


def test_sizes_and_lengths() -> None:
    assert [readable_size(size) for size in (0, 999, 1_500, 2_345_678, 9e15)] == ["0 B", "999 B", "1.5 kB", "2.3 MB", "9000.0 TB"]
    assert [readable_hours(hours) for hours in (0, 0.01, 0.02, 1.5, 2000)] == ["0 s", "36 s", "1 min 12 s", "1 h 30 min", "2,000 h 0 min"]
