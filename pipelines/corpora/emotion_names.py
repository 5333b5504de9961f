"""The ways in which corpora and people spell the nine emotion classes."""

from __future__ import annotations

from storage_schemas.identifiers import Emotion

_SPELLINGS = {
    Emotion.ANGRY: ("angry", "anger", "ang"),
    Emotion.CONTEMPT: ("contempt", "contemptuous", "con"),
    Emotion.DISGUSTED: ("disgusted", "disgust", "dis"),
    Emotion.FEAR: ("fear", "fearful", "afraid", "fea"),
    Emotion.HAPPY: ("happy", "happiness", "hap"),
    Emotion.NEUTRAL: ("neutral", "neu"),
    Emotion.SAD: ("sad", "sadness"),
    Emotion.SURPRISED: ("surprised", "surprise", "sur"),
    Emotion.UNLABELLED: ("unlabelled", "unlabeled", "none", "unknown", ""),
}
_BY_SPELLING = {spelling: emotion for emotion, spellings in _SPELLINGS.items() for spelling in spellings}


def parse_emotion(text: str) -> Emotion | None:
    """Return the emotion that a label means, whatever its case, or None if it is not a known one; an empty label is UNLABELLED.

    The long names are MEAD's folders and their nouns; the names of three letters are those of EAMM and EAT.
    """
    return _BY_SPELLING.get(text.strip().lower())


def known_emotions() -> str:
    """Return the canonical names for a message, in alphabetical order."""
    return ", ".join(sorted(emotion.value for emotion in Emotion))
