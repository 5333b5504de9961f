"""Judging the clips of a part, and what was said of them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
import torch
from pydantic import ValidationError

from pipelines.judging.clip_media import ClipMedia, MediaReader, media_rows
from pipelines.judging.emotion_judge import EmotionJudge, looked_at
from pipelines.judging.face_windows import FACE, MOUTH
from pipelines.judging.loading import load_emotion_judge, load_sync_judge
from pipelines.judging.sync_judge import LEAST_FRAMES, SyncJudge
from storage_schemas.errors import StoreError
from storage_schemas.identifiers import content_hash
from storage_schemas.judgements import JUDGEMENTS_FILE, ClipJudgement, PartJudgements, judgements_path
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family
from storage_schemas.store_trouble import store_trouble
from storage_schemas.training_runs import RunKind

JUDGING_VERSION = 1
"""Raise it when the same weights would say other things of the same clips."""

_FAMILIES = {
    RunKind.SYNC: (Family.FRAMES, Family.LANDMARKS, Family.AUDIO),
    RunKind.EMOTION: (Family.FRAMES, Family.LANDMARKS),
}
_COLUMNS = {Family.FRAMES: "frames_part", Family.LANDMARKS: "landmarks_part", Family.AUDIO: "audio_part"}
_KEY_DIGITS = 32
_DIGITS = 6
_PARTS_KEPT = 64


@dataclass(frozen=True)
class JudgeName:
    """A judge whose run was looked up.

    Attributes:
        kind: sync or emotion.
        run_id: of its run.
        weights_sha256: of its weights.
    """

    kind: RunKind
    run_id: str
    weights_sha256: str

    @property
    def name(self) -> str:
        """The run as people name it."""
        return f"{self.kind.value}/{self.run_id}"

    def parts_of(self, row: Mapping[str, Any]) -> dict[str, str]:
        """Return the parts that a clip (with the columns of MEDIA_SCHEMA) is judged by; empty: it cannot be judged."""
        return self.parts_of_keys({family: str(row[column]) for family, column in _COLUMNS.items()})

    def parts_of_keys(self, keys: Mapping[Family, str]) -> dict[str, str]:
        """Return those of the parts of some recordings that their clips are judged by; empty: they cannot be judged."""
        parts = {family.value: keys.get(family, "") for family in _FAMILIES[self.kind]}
        return parts if all(parts.values()) else {}

    def path(self, parts: Mapping[str, str]) -> str:
        """Return the folder of what it says of the clips of some parts."""
        identity = [JUDGING_VERSION, self.kind.value, self.run_id, self.weights_sha256, dict(parts)]
        return judgements_path(content_hash(identity)[:_KEY_DIGITS])


_JUDGES: dict[tuple[str, JudgeName], SyncJudge | EmotionJudge] = {}


def judge_part_clips(store: ObjectStore, judge: JudgeName, keys: Mapping[Family, str]) -> int:
    """Judge the clips of a part, unless that was done before, and return how many were judged now.

    Args:
        store: where the part and the judge's run are, and the judgements go.
        judge: who judges.
        keys: of the part, by family.

    Raises:
        BadInputError: the judge's run has gone.
        StoreError: the store cannot be read or written, or the part is damaged.
    """
    parts = judge.parts_of_keys(keys)
    path = judge.path(parts)
    if store.exists(f"{path}/{JUDGEMENTS_FILE}"):
        return 0
    loaded, rows = _loaded(store, judge), media_rows(store, keys)
    clips = {}
    for row, clip in zip(rows, MediaReader(store).read(rows), strict=True):
        judgement = judged(loaded, clip)
        if judgement is not None:
            clips[str(row["clip_key"])] = judgement
    record = PartJudgements(kind=judge.kind, run_id=judge.run_id, weights_sha256=judge.weights_sha256, parts=parts, clips=clips)
    _write(store, path, record)
    return len(clips)


class Judgements:
    """What a judge said of clips, read when it is asked for.

    Args:
        store: where it is.
        judge: who judged.
    """

    def __init__(self, store: ObjectStore, judge: JudgeName) -> None:
        self._store, self.judge = store, judge
        self._read = lru_cache(maxsize=_PARTS_KEPT)(self._clips_of)

    def of(self, row: Mapping[str, Any]) -> ClipJudgement | None:
        """Return what was said of a clip; None: it could not be judged.

        Raises:
            StoreError: its part was not judged, or what was said is damaged.
        """
        parts = self.judge.parts_of(row)
        return self._read(self.judge.path(parts)).get(row["clip_key"]) if parts else None

    def _clips_of(self, path: str) -> dict[str, ClipJudgement]:
        where = f"{self._store.uri}/{path}/{JUDGEMENTS_FILE}"
        try:
            return PartJudgements.model_validate_json(self._store.read_bytes(f"{path}/{JUDGEMENTS_FILE}")).clips
        except FileNotFoundError as error:
            raise StoreError(f"{where} is gone although it was there; run the same command again") from error
        except ValidationError as error:
            raise StoreError(f"{where} is damaged; remove the folder ({error})") from error


def _loaded(store: ObjectStore, judge: JudgeName) -> SyncJudge | EmotionJudge:
    """Return a judge, the same for all parts that a process looks at."""
    known = (store.uri, judge)
    if known not in _JUDGES:
        load = load_sync_judge if judge.kind is RunKind.SYNC else load_emotion_judge
        _JUDGES[known] = load(store, judge.run_id, torch.device("cpu"))
    return _JUDGES[known]


def judged(judge: SyncJudge | EmotionJudge, clip: ClipMedia) -> ClipJudgement | None:
    """Return what a judge says of a clip; None: it has no face, no sound, or is too short."""
    if clip.track is None:
        return None
    if isinstance(judge, EmotionJudge):
        windows = clip.windows(FACE, judge.classifier.settings.size_px, looked_at(len(clip.jpegs)))
        return ClipJudgement(probabilities=[round(float(value), _DIGITS) for value in judge.score_windows(windows)])
    if len(clip.jpegs) < LEAST_FRAMES or not len(clip.waveform):
        return None
    score = judge.score_windows(clip.windows(MOUTH, judge.expert.settings.size_px), clip.waveform)
    return None if score is None else ClipJudgement(offset_frames=score.offset_frames, confidence=round(score.confidence, _DIGITS))


def _write(store: ObjectStore, path: str, record: PartJudgements) -> None:
    scratch = store.scratch_folder()
    try:
        folder = scratch / "judgements"
        with store_trouble("write", folder):
            folder.mkdir()
            (folder / JUDGEMENTS_FILE).write_bytes(orjson.dumps(record.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS))
        store.publish_folder(folder, path, JUDGEMENTS_FILE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
