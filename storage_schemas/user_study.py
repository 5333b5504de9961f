"""A user study: the key that unblinds it, what the page is told, the answers that it saves, and the scores.

key.json             StudyKey, kept by whoever makes the study
page/index.html      what participants open: no method, no source, no seed
<anywhere>.json      StudyAnswers, one file for each participant
scores.json          StudyScores
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

STUDY_FORMAT = 1
KEY_FILE = "key.json"
PAGE_FILE = "index.html"
PAGE_FOLDER = "page"
SCORES_FILE = "scores.json"
SAME = "same"
"""The answer to a question about a pair that neither is better."""
EMOTION = "emotion"
"""The question which emotion a video shows."""
LOWEST, HIGHEST = 1, 5
PARTICIPANT_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$"


class StudyDesign(StrEnum):
    """What participants see at a time."""

    PAIRS = "pairs"
    RATINGS = "ratings"


QUESTIONS: dict[StudyDesign, dict[str, str]] = {
    StudyDesign.PAIRS: {
        "lip_sync": "Whose lips fit the speech better?",
        "image_quality": "Whose picture is clearer and more natural?",
        "preference": "Which video do you prefer?",
    },
    StudyDesign.RATINGS: {
        "lip_sync": "How well do the lips fit the speech?",
        "image_quality": "How clear and natural is the picture?",
    },
}
"""What is asked of each trial, by the name that answers have."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StudyVideo(_Record):
    """A video of the study."""

    video: str = Field(description="Name in the page: it says nothing about the method")
    method: str
    clip: str = Field(description="Name that the methods' videos of one clip share")
    emotion: str = Field("", description="The emotion that it should show; empty: unknown")


class StudyTrial(_Record):
    """What is shown at a time: one video, or two of one clip."""

    trial: str
    videos: list[str] = Field(min_length=1, max_length=2)


class StudyKey(_Record):
    """Everything about a study, and what unblinds its answers."""

    format: int = STUDY_FORMAT
    study: str = Field(pattern=r"^[0-9a-f]{16}$", description="Id: hash of everything else and of the videos")
    title: str
    design: StudyDesign
    seed: int
    methods: list[str] = Field(description="Their names; the true videos, if there are any, last")
    truth: str = Field("", description="Name of the true videos among the methods; empty: none")
    emotions: list[str] = Field(description="Labels to choose from; empty: the emotion is not asked for")
    videos: list[StudyVideo]
    trials: list[StudyTrial]


class StudyAnswer(_Record):
    """The answers to one trial."""

    trial: str
    shown: list[str] = Field(min_length=1, max_length=2, description="Videos from left to right")
    choices: dict[str, str | int] = Field(
        description="By question: of a pair a video or `same`, of a rating 1 (worst) to 5 (best), of the emotion a label"
    )
    seconds: float = Field(ge=0, description="That the participant took")


class StudyAnswers(_Record):
    """What a participant's page saves."""

    format: int = STUDY_FORMAT
    study: str
    participant: str = Field(pattern=PARTICIPANT_PATTERN)
    answers: list[StudyAnswer]


class Estimate(_Record):
    """A mean with its 95 % confidence interval, the wider of those over answers and over participants."""

    mean: float
    low: float | None = Field(description="null: fewer than two answers")
    high: float | None
    answers: int


class MethodScores(_Record):
    """What participants say of one method."""

    method: str
    scores: dict[str, Estimate] = Field(
        description="By question: of ratings means of 1 to 5, of pairs the share of comparisons won, ties counting half"
    )
    emotion_accuracy: Estimate | None = Field(description="Share of answers that name the right emotion; null: not asked for")


class PairScores(_Record):
    """How two methods compare on one question."""

    first: str
    second: str
    question: str
    first_better: int
    same: int
    second_better: int
    first_rate: Estimate = Field(description="Share that the first wins, ties counting half")


class StudyScores(_Record):
    """The result of a study."""

    format: int = STUDY_FORMAT
    study: str
    title: str
    design: StudyDesign
    participants: int
    answers: int = Field(description="Trials that were answered")
    unanswered: int = Field(description="Trials that participants left out")
    methods: list[MethodScores]
    pairs: list[PairScores] = Field(description="Empty for ratings")
    notes: list[str] = Field(description="What was left out and why")
