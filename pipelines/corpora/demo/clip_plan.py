"""Which clips a demo corpus has: speaker, emotion, level, sentence and seed of each, decided by (index, seed) alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from pipelines.corpora.demo.emotions import EMOTIONS, LEVEL_STRENGTH
from pipelines.corpora.demo.sentences import SENTENCES
from pipelines.corpora.demo.speakers import SPEAKERS
from storage_schemas.identifiers import Emotion

DEMO_VERSION = 1
"""Raised when the same plan renders to other bytes; a clip of an older version is made again."""

_LEVELS = (3, 1, 2)
_ROUNDS = len(SPEAKERS) * len(_LEVELS)  # rounds of the emotions after which every speaker has said each at every level


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


def plan_clips(clips: int, seed: int, size_px: int = 512) -> list[DemoClip]:
    """Return the clips of a corpus; those of a smaller corpus with the same seed are its first ones.

    Emotions change fastest; speakers are dealt so that the first four clips have four, and each emotion comes round to each speaker.
    """
    order = np.random.default_rng([seed, 0x5E27]).permutation(len(SENTENCES))
    return [_plan_clip(index, seed, size_px, SENTENCES[int(order[index % len(SENTENCES)])]) for index in range(clips)]


def _plan_clip(index: int, seed: int, size_px: int, text: str) -> DemoClip:
    turn, column = divmod(index, len(EMOTIONS))
    emotion = EMOTIONS[column]
    speaker = SPEAKERS[(column + turn) % len(SPEAKERS)]
    neutral = emotion is Emotion.NEUTRAL  # which has one level in MEAD
    level = 1 if neutral else _LEVELS[turn % len(_LEVELS)]
    take = turn // (len(SPEAKERS) if neutral else _ROUNDS) + 1
    return DemoClip(index=index, seed=seed, speaker=speaker.name, emotion=emotion, level=level, take=take, text=text, size_px=size_px)


def strength_of(clip: DemoClip) -> float:
    """Return how strongly the clip's emotion shows, 0..1."""
    return LEVEL_STRENGTH[clip.level]
