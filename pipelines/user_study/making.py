"""Making a study: blinded videos, the page that participants open, and the key, which is kept apart from it."""

from __future__ import annotations

import base64
import secrets
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipelines.user_study.blinding import write_blinded
from pipelines.user_study.planning import StudyPlan, StudySettings, plan_study
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import content_hash, file_sha256
from storage_schemas.user_study import EMOTION, KEY_FILE, PAGE_FILE, PAGE_FOLDER, QUESTIONS, SAME, STUDY_FORMAT, StudyDesign, StudyKey

_TEMPLATE = "study_page.html"
_MEDIA_FOLDER = "videos"
_STUDY_DIGITS = 16
_MOST_EMBEDDED_BYTES = 200 * 2**20
"""A page with more than that takes browsers too long to open."""
_EMOTION_QUESTION = "Which emotion does the face show?"

OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class MadeStudy:
    """What was written.

    Attributes:
        key: of the study.
        page, key_file: what is handed out, and what is not.
        notes: what was left out and why.
    """

    key: StudyKey
    page: Path
    key_file: Path
    notes: list[str]


def make_study(
    methods: Mapping[str, Mapping[str, Path]],
    out: Path,
    settings: StudySettings,
    *,
    truth: str = "",
    emotions: Mapping[str, str] | None = None,
    on_progress: OnProgress | None = None,
) -> MadeStudy:
    """Write a study into a folder.

    Args:
        methods: videos by clip, by method.
        out: folder, which must not hold a study yet.
        settings: how it is made; the same files and settings give the same bytes.
        truth: name of the true videos among the methods; empty: there are none.
        emotions: label of a clip; where every clip of the study has one, participants are asked for it (ratings only).
        on_progress: (videos done, videos in all, note).

    Raises:
        BadInputError: there is a study already, nothing to compare, or a video that cannot be read.
        OSError: the folder cannot be written.
    """
    if (out / KEY_FILE).exists():
        raise BadInputError(f"{out} has a study already, whose answers need its key; name another folder")
    plan = plan_study(methods, emotions or {}, settings)
    out.mkdir(parents=True, exist_ok=True)
    work = out / f".making-{secrets.token_hex(4)}"
    try:
        media = _blinded(plan, work / _MEDIA_FOLDER, settings, on_progress)
        key = _key(plan, settings, [*[name for name in methods if name != truth], *([truth] if truth else [])], truth, media)
        embedded, notes = _fits_in(media, settings)
        page = _written(work, key, settings.per_person, media, embedded=embedded)
        shutil.rmtree(out / PAGE_FOLDER, ignore_errors=True)
        work.replace(out / PAGE_FOLDER)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    (out / KEY_FILE).write_text(key.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return MadeStudy(key, out / PAGE_FOLDER / page, out / KEY_FILE, [*plan.notes, *notes])


def _fits_in(media: Mapping[str, Path], settings: StudySettings) -> tuple[bool, list[str]]:
    """Say whether the videos go into the page, and if they do not although they should, why."""
    size = sum(path.stat().st_size for path in media.values())
    if not settings.embedded or size <= _MOST_EMBEDDED_BYTES:
        return settings.embedded, []
    return False, [f"the videos lie beside the page, since {size / 2**20:.0f} MiB are too much for one; fewer --clips would fit"]


def _blinded(plan: StudyPlan, folder: Path, settings: StudySettings, on_progress: OnProgress | None) -> dict[str, Path]:
    folder.mkdir(parents=True)
    found = {}
    for number, (name, source) in enumerate(plan.sources.items()):
        if on_progress is not None:
            on_progress(number, len(plan.sources), name)
        found[name] = folder / f"{name}.mp4"
        write_blinded(source, found[name], settings.size_px)
    return found


def _key(plan: StudyPlan, settings: StudySettings, methods: list[str], truth: str, media: Mapping[str, Path]) -> StudyKey:
    labels = sorted({video.emotion for video in plan.videos})
    asked = settings.design is StudyDesign.RATINGS and "" not in labels and len(labels) > 1
    values = {
        "title": settings.title, "design": settings.design.value, "seed": settings.seed, "methods": methods, "truth": truth,
        "emotions": labels if asked else [], "videos": [video.model_dump() for video in plan.videos],
        "trials": [trial.model_dump() for trial in plan.trials],
    }  # fmt: skip
    hashes = {name: file_sha256(path) for name, path in media.items()}
    return StudyKey.model_validate({"study": content_hash({**values, "hashes": hashes})[:_STUDY_DIGITS], **values})


def _written(folder: Path, key: StudyKey, per_person: int, media: Mapping[str, Path], *, embedded: bool) -> str:
    """Write the page; return its name."""
    if embedded:
        videos = {name: f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}" for name, path in media.items()}
        shutil.rmtree(folder / _MEDIA_FOLDER)
    else:
        videos = {name: f"{_MEDIA_FOLDER}/{path.name}" for name, path in media.items()}
    (folder / PAGE_FILE).write_text(study_page(key, videos, per_person), encoding="utf-8")
    return PAGE_FILE


def study_page(key: StudyKey, videos: Mapping[str, str], per_person: int = 0) -> str:
    """Return the page; of the key it holds nothing that tells methods, sources or right answers.

    Args:
        key: of the study.
        videos: address of each video.
        per_person: most trials of a participant; 0: all.
    """
    questions = dict(QUESTIONS[key.design])
    if key.emotions:
        questions[EMOTION] = _EMOTION_QUESTION
    told = {
        "format": STUDY_FORMAT, "study": key.study, "questions": questions, "emotions": key.emotions, "per_person": per_person,
        "trials": [trial.model_dump() for trial in key.trials], "videos": dict(videos),
    }  # fmt: skip
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined)
    # Within a script element only "<" could end it or begin another.
    data = orjson.dumps(told).decode().replace("<", "\\u003c")
    pairs = key.design is StudyDesign.PAIRS
    return environment.get_template(_TEMPLATE).render(title=key.title, pairs=pairs, study=data, emotion=EMOTION, same=SAME)
