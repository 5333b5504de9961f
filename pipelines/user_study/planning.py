"""Which videos a study shows: clips that all methods have, blinded names, trials; everything random comes from one seed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storage_schemas.errors import BadInputError
from storage_schemas.user_study import StudyDesign, StudyTrial, StudyVideo

VIDEO_ENDINGS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg")
_LEFT_OUT_NAMED = 5


@dataclass(frozen=True)
class StudySettings:
    """How a study is made.

    Attributes:
        title: heading of the page.
        design: pairs of one clip, or one video at a time.
        seed: decides which clips, blinded names and trials.
        clips: most clips; 0: all that every method has.
        per_person: most trials of one participant, each getting others; 0: all.
        size_px: side of the square into which every video is fitted.
        embedded: put the videos into the page; otherwise into a folder beside it.
    """

    title: str = "Talking faces"
    design: StudyDesign = StudyDesign.PAIRS
    seed: int = 0
    clips: int = 0
    per_person: int = 0
    size_px: int = 256
    embedded: bool = True


@dataclass(frozen=True)
class StudyPlan:
    """Videos and trials of a study.

    Attributes:
        videos: under their blinded names, in the order of these.
        sources: their files, by blinded name.
        trials: in random order.
        notes: a sentence for each method whose clips others lack.
    """

    videos: list[StudyVideo]
    sources: dict[str, Path]
    trials: list[StudyTrial]
    notes: list[str]


def videos_of(folder: Path) -> dict[str, Path]:
    """Return the videos below a folder by their name, which is the path without its ending.

    Raises:
        BadInputError: there is no folder or no video, or two videos differ in nothing but the ending.
    """
    if not folder.is_dir():
        raise BadInputError(f"{folder}: expected a folder of videos, found none")
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in VIDEO_ENDINGS or not path.is_file() or any(part.startswith(".") for part in path.parts[-2:]):
            continue
        name = path.relative_to(folder).with_suffix("").as_posix()
        if name in found:
            raise BadInputError(f"{folder}: {path.name} and {found[name].name} are both {name}; remove one of them")
        found[name] = path
    if not found:
        raise BadInputError(f"{folder}: expected videos ({', '.join(VIDEO_ENDINGS)}), found none")
    return found


def plan_study(methods: Mapping[str, Mapping[str, Path]], emotions: Mapping[str, str], settings: StudySettings) -> StudyPlan:
    """Choose clips, give videos blinded names, and make trials.

    Args:
        methods: videos by clip, by method.
        emotions: label of a clip, where it is known.
        settings: see there.

    Raises:
        BadInputError: too few methods, or no clip that all of them have.
    """
    if len(methods) < (2 if settings.design is StudyDesign.PAIRS else 1):
        raise BadInputError(f"a study of {settings.design.value} needs two methods or more, got {len(methods)}")
    rng = np.random.default_rng(settings.seed)
    clips, notes = _shared_clips(methods, rng, settings.clips)
    shown = [(method, clip) for clip in clips for method in methods]
    order = rng.permutation(len(shown)).tolist()
    videos = [
        StudyVideo(video=f"v{number:04d}", method=shown[place][0], clip=shown[place][1], emotion=emotions.get(shown[place][1], ""))
        for number, place in enumerate(order)
    ]
    names = {(video.method, video.clip): video.video for video in videos}
    groups = _groups(list(methods), clips, names, settings.design)
    trials = [
        StudyTrial(trial=f"t{number:04d}", videos=sorted(groups[place]))
        for number, place in enumerate(rng.permutation(len(groups)).tolist())
    ]
    return StudyPlan(videos, {video.video: methods[video.method][video.clip] for video in videos}, trials, notes)


def _shared_clips(methods: Mapping[str, Mapping[str, Path]], rng: np.random.Generator, most: int) -> tuple[list[str], list[str]]:
    shared = sorted(set.intersection(*[set(clips) for clips in methods.values()]))
    if not shared:
        counts = ", ".join(f"{name} has {len(clips)}, such as {next(iter(clips))}" for name, clips in methods.items())
        raise BadInputError(f"expected videos of the same names in every folder, found none that all share: {counts}")
    notes = [_lacking(name, sorted(set(clips) - set(shared))) for name, clips in methods.items() if set(clips) - set(shared)]
    if 0 < most < len(shared):
        shared = sorted(rng.choice(shared, most, replace=False).tolist())
    return shared, notes


def _lacking(method: str, clips: Sequence[str]) -> str:
    more = f" and {len(clips) - _LEFT_OUT_NAMED} more" if len(clips) > _LEFT_OUT_NAMED else ""
    return f"left out, since not every method has them: {len(clips)} clips of {method} ({', '.join(clips[:_LEFT_OUT_NAMED])}{more})"


def _groups(methods: Sequence[str], clips: Sequence[str], names: Mapping[tuple[str, str], str], design: StudyDesign) -> list[list[str]]:
    if design is StudyDesign.RATINGS:
        return [[names[method, clip]] for clip in clips for method in methods]
    return [[names[first, clip], names[second, clip]] for clip in clips for first, second in itertools.combinations(methods, 2)]
