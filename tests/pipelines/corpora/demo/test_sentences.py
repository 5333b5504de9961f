"""Sixty and more sentences, all different, that any voice can say."""

from __future__ import annotations

from pipelines.corpora.demo.sentences import SENTENCES


def test_sentences_are_many_short_and_different() -> None:
    assert len(SENTENCES) >= 60
    assert len(set(SENTENCES)) == len(SENTENCES)
    assert all(sentence.isascii() and 5 <= len(sentence.split()) <= 12 for sentence in SENTENCES)
    assert all(sentence[-1] in ".?!" for sentence in SENTENCES)
