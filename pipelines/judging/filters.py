"""The filters that leave out clips which judges do not believe: sound out of step, lips that are of no sound, wrong labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.dataset.clip_rows import ClipFilter
from pipelines.judging.part_judgements import Judgements, JudgeName
from pipelines.training.run_folder import resolve_card
from storage_schemas.build_spec import BuildSpec, JudgeSettings
from storage_schemas.judge_runs import JUDGED_EMOTIONS, JudgeRunCard
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.rejections import RejectionReason, Stage
from storage_schemas.training_runs import RunKind

Explanation = tuple[str, dict[str, float | int | str]]


def with_named_judges(store: ObjectStore, spec: BuildSpec) -> BuildSpec:
    """Return a specification whose judges have the whole names of their runs, which decide what is left out.

    Raises:
        BadInputError: there is no such run.
    """
    named = {judge.kind.value: judge.name for judge in judge_names(store, spec.judges)}
    return spec.model_copy(update={"judges": spec.judges.model_copy(update=named)}) if named else spec


def judge_names(store: ObjectStore, settings: JudgeSettings) -> list[JudgeName]:
    """Return the judges that are asked for; raises as `with_named_judges`."""
    asked = {RunKind.SYNC: settings.sync, RunKind.EMOTION: settings.emotion}
    cards = [resolve_card(store, name, (kind,), JudgeRunCard) for kind, name in asked.items() if name]
    return [JudgeName(card.kind, card.run_id, card.weights_sha256) for card in cards]


def judge_filters(store: ObjectStore, settings: JudgeSettings) -> list[ClipFilter]:
    """Return the filters ``sync_offset``, ``sync_confidence`` and ``wrong_label`` of the judges that are asked for.

    Clips that a judge cannot judge pass: stills, clips without sound or face, and for labels those without one.

    Raises:
        BadInputError: there is no such run.
    """
    filters = []
    for judge in judge_names(store, settings):
        judgements = Judgements(store, judge)
        if judge.kind is RunKind.EMOTION:
            filters.append(_label_filter(settings, judgements))
        else:
            filters += [_offset_filter(settings, judgements), _confidence_filter(settings, judgements)]
    return filters


def _offset_filter(settings: JudgeSettings, judgements: Judgements) -> ClipFilter:
    def keeps(row: Mapping[str, Any]) -> bool:
        found = judgements.of(row)
        return found is None or abs(found.offset_frames) <= settings.max_offset_frames

    def explain(row: Mapping[str, Any]) -> Explanation:
        found = judgements.of(row)
        assert found is not None  # noqa: S101 - it was left out by what was found
        message = f"expected sound within {settings.max_offset_frames} frames of its pictures, found it {found.offset_frames} frames late"
        return message, {"offset_frames": found.offset_frames, "confidence": found.confidence, "judge": judgements.judge.name}

    return ClipFilter("sync_offset", keeps, Stage.FILTER, RejectionReason.SYNC_OFFSET, explain)


def _confidence_filter(settings: JudgeSettings, judgements: Judgements) -> ClipFilter:
    def keeps(row: Mapping[str, Any]) -> bool:
        found = judgements.of(row)
        return found is None or found.confidence >= settings.min_sync_confidence

    def explain(row: Mapping[str, Any]) -> Explanation:
        found = judgements.of(row)
        assert found is not None  # noqa: S101 - it was left out by what was found
        message = f"expected one offset of sound and lips to stand out by {settings.min_sync_confidence:g}, found {found.confidence:.3g}"
        return message, {"offset_frames": found.offset_frames, "confidence": found.confidence, "judge": judgements.judge.name}

    return ClipFilter("sync_confidence", keeps, Stage.FILTER, RejectionReason.SYNC_CONFIDENCE, explain)


def _label_filter(settings: JudgeSettings, judgements: Judgements) -> ClipFilter:
    def probability(row: Mapping[str, Any]) -> float:
        found = judgements.of(row) if row["emotion"] in JUDGED_EMOTIONS else None
        return 1.0 if found is None else found.probabilities[JUDGED_EMOTIONS.index(row["emotion"])]

    def keeps(row: Mapping[str, Any]) -> bool:
        return probability(row) >= settings.min_label_probability

    def explain(row: Mapping[str, Any]) -> Explanation:
        found = judgements.of(row)
        assert found is not None  # noqa: S101 - it was left out by what was found
        likeliest = max(range(len(JUDGED_EMOTIONS)), key=found.probabilities.__getitem__)
        message = (
            f"expected a label with a probability of {settings.min_label_probability:g} or more, found {row['emotion']} with "
            f"{probability(row):.3g}; the judge sees {JUDGED_EMOTIONS[likeliest]}"
        )
        return message, {"probability": probability(row), "seen": JUDGED_EMOTIONS[likeliest], "judge": judgements.judge.name}

    return ClipFilter("wrong_label", keeps, Stage.FILTER, RejectionReason.WRONG_LABEL, explain)
