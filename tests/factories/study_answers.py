"""Keys of studies and answers of participants, without videos or a page."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

from storage_schemas.user_study import QUESTIONS, StudyAnswer, StudyAnswers, StudyDesign, StudyKey, StudyTrial, StudyVideo

STUDY = "0123456789abcdef"
METHODS = ["ours", "other", "ground truth"]
Choose = Callable[[StudyVideo, str], int | str]
"""What a participant says of a video and a question."""


def study_key(design: StudyDesign, clips: int = 4, emotions: tuple[str, ...] = ()) -> StudyKey:
    """Return a key whose videos are called after what they show."""
    labels = emotions or ("",)
    videos = [
        StudyVideo(video=f"{method}-{clip}", method=method, clip=f"clip{clip}", emotion=labels[clip % len(labels)])
        for clip in range(clips)
        for method in METHODS
    ]
    groups: list[tuple[str, ...]] = [(video.video,) for video in videos]
    if design is StudyDesign.PAIRS:
        groups = [pair for clip in range(clips) for pair in combinations([f"{method}-{clip}" for method in METHODS], 2)]
    return StudyKey(
        study=STUDY, title="A study", design=design, seed=0, methods=METHODS, truth="ground truth", emotions=list(emotions),
        videos=videos, trials=[StudyTrial(trial=f"t{number}", videos=list(group)) for number, group in enumerate(groups)],
    )  # fmt: skip


def ratings(key: StudyKey, participant: str, choose: Choose) -> StudyAnswers:
    """Return a participant's answers to all trials of a study of ratings."""
    videos = {video.video: video for video in key.videos}
    questions = [*QUESTIONS[key.design], *(["emotion"] if key.emotions else [])]
    answers = [
        StudyAnswer(
            trial=trial.trial, shown=trial.videos, choices={name: choose(videos[trial.videos[0]], name) for name in questions}, seconds=3
        )
        for trial in key.trials
    ]
    return StudyAnswers(study=key.study, participant=participant, answers=answers)


def preferences(key: StudyKey, participant: str, better: Callable[[StudyVideo, StudyVideo, str], StudyVideo | None]) -> StudyAnswers:
    """Return a participant's answers to all trials of a study of pairs; every second pair is shown the other way round."""
    videos = {video.video: video for video in key.videos}
    answers = []
    for number, trial in enumerate(key.trials):
        shown = trial.videos[:: -1 if number % 2 else 1]
        first, second = (videos[name] for name in shown)
        found = {name: better(first, second, name) for name in QUESTIONS[key.design]}
        choices: dict[str, str | int] = {name: "same" if video is None else video.video for name, video in found.items()}
        answers.append(StudyAnswer(trial=trial.trial, shown=shown, choices=choices, seconds=3))
    return StudyAnswers(study=key.study, participant=participant, answers=answers)
