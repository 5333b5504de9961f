"""Which clips a demo corpus has: speaker, emotion, level, sentence and side of each, decided by (index, seed, speakers) alone.

Clips come in turns of eight, one for each emotion. A turn has two sentences, each said in four emotions, other four from turn to
turn: so sentences repeat across emotions, no emotion has sentences of its own, and 64 clips are eight sentences for each emotion and 16
in all. Whole turns are held out, so no sentence is on two sides and each side has every emotion and every speaker.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipelines.corpora.demo.emotions import EMOTIONS, LEVEL_STRENGTH
from pipelines.corpora.demo.sentences import SENTENCES
from pipelines.corpora.demo.speakers import SPEAKERS
from storage_schemas.identifiers import Emotion

DEMO_VERSION = 7
"""Raised when the same plan renders to other bytes; a clip of an older version is made again."""

_LEVELS = (3, 1, 2)
_SENTENCES_PER_TURN = 2
_EMOTION_BITS = 3  # of a column's number 0..7; one of them, another each turn, says which of the turn's sentences is said
# Of the turns through all sentences: coprime to the levels, so that held-out clips have all of them.
_VALIDATION_EVERY, _VALIDATION_TURN = 7, 2
_TEST_EVERY, _TEST_TURN = 14, 12

Side = Literal["train", "validation", "test"]


class DemoClip(BaseModel):
    """Everything that decides one clip's bytes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int = Field(ge=0)
    seed: int = Field(ge=0, description="Seed of the corpus; the clip's own generator is seeded with both")
    speaker: str
    emotion: Emotion
    level: int = Field(ge=1, le=3)
    take: int = Field(ge=1, description="Number in MEAD's file name, from 1 within speaker, emotion and level")
    text: str
    split: Side = Field(description="Side that the sentence is on")
    size_px: int = Field(ge=128, le=1024, description="Side of the square video")
    version: int = DEMO_VERSION

    @property
    def clip_id(self) -> str:
        """Readable id, as the MEAD layout forms it."""
        return f"{self.speaker}/front/{self.emotion.value}/level_{self.level}/{self.take:03d}"

    @property
    def video(self) -> Path:
        """Path of the video in the corpus."""
        return Path(self.speaker, "video", "front", self._leaf(".mp4"))

    @property
    def audio(self) -> Path:
        """Path of the separate audio in the corpus."""
        return Path(self.speaker, "audio", self._leaf(".m4a"))

    @property
    def truth(self) -> Path:
        """Path of the ground truth in the corpus."""
        return Path(self.speaker, "truth", self._leaf(".npz"))

    def _leaf(self, suffix: str) -> Path:
        return Path(self.emotion.value, f"level_{self.level}", f"{self.take:03d}{suffix}")

    def generator(self) -> np.random.Generator:
        """Return the clip's random numbers, the same each time."""
        return np.random.default_rng([self.seed, self.index])


def plan_clips(clips: int, seed: int, size_px: int = 512, speakers: int = len(SPEAKERS)) -> list[DemoClip]:
    """Return the clips of a corpus; those of a smaller corpus with the same seed and speakers are its first ones.

    Emotions change fastest; speakers are dealt so that each turn of eight clips has all of them, and each emotion comes round to each
    speaker.
    """
    order = np.random.default_rng([seed, 0x5E27]).permutation(len(SENTENCES))
    sentences = [SENTENCES[int(number)] for number in order]
    return [_plan_clip(index, seed, size_px, speakers, sentences) for index in range(clips)]


def side_of(turn: int) -> Side:
    """Return the side of a turn; the first of 24 clips' three turns that is held out is the last."""
    place = turn % (len(SENTENCES) // _SENTENCES_PER_TURN)
    if place % _VALIDATION_EVERY == _VALIDATION_TURN:
        return "validation"
    return "test" if place % _TEST_EVERY == _TEST_TURN else "train"


def _plan_clip(index: int, seed: int, size_px: int, speakers: int, sentences: list[str]) -> DemoClip:
    turn, column = divmod(index, len(EMOTIONS))
    emotion = EMOTIONS[column]
    speaker = SPEAKERS[(column + turn) % speakers]
    neutral = emotion is Emotion.NEUTRAL  # which has one level in MEAD
    # Three speakers and three levels would go in step, so each round of them begins at another level.
    level = 1 if neutral else _LEVELS[(turn + (turn // 3 if speakers == 3 else 0)) % len(_LEVELS)]
    take = turn // (speakers if neutral else speakers * len(_LEVELS)) + 1
    which = column >> turn % _EMOTION_BITS & 1
    text = sentences[(_SENTENCES_PER_TURN * turn + which) % len(sentences)]
    return DemoClip(
        index=index, seed=seed, speaker=speaker.name, emotion=emotion, level=level, take=take, text=text, split=side_of(turn),
        size_px=size_px,
    )  # fmt: skip


def strength_of(clip: DemoClip) -> float:
    """Return how strongly the clip's emotion shows, 0..1."""
    return LEVEL_STRENGTH[clip.level]
