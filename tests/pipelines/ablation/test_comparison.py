from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.ablation import comparison
from pipelines.ablation.comparison import GENERATED, StudyWork, Training
from pipelines.coefficient_evaluation.ablation import AblationSettings
from pipelines.coefficient_evaluation.latent_pictures import LatentCloud
from pipelines.image_evaluation.ablation import ImageAblationSettings
from storage_schemas.ablation_study import AblationStudy, ExpFlowAblation, ExpFlowVariant, VqigAblation
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import Preset, RunKind
from tests.factories.ablation_reports import DATASET, expflow_report, vqig_report
from tests.factories.dataset_versions import local_store

STUDY = AblationStudy(
    expflow=ExpFlowAblation(variants=[ExpFlowVariant.GMM, ExpFlowVariant.SMM], repetitions=2, steps=7),
    vqig=VqigAblation(variants=["B"], preset=Preset.SMALL, clips=3),
)


def test_trainings_are_named_in_order() -> None:
    found = list(StudyWork(STUDY, "latest").trainings())

    assert [(item.kind, item.variant, item.repetition) for item in found] == [
        (RunKind.EXPFLOW, "GMM", 0), (RunKind.EXPFLOW, "SMM", 0), (RunKind.EXPFLOW, "GMM", 1), (RunKind.EXPFLOW, "SMM", 1),
        (RunKind.VQIG, "B", 0),
    ]  # fmt: skip
    assert len(found) == STUDY.trainings
    assert found[0].name == "expflow GMM, repetition 0"


def test_settings_of_the_study_reach_the_ablations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, Any] = {}

    def expflow(store: object, source_of: object, settings: AblationSettings, on_progress: object) -> tuple[Any, Any]:
        asked["expflow"] = settings
        rng = np.random.default_rng(0)
        return expflow_report(("GMM", "SMM")), [LatentCloud("GMM", rng.normal(size=(20, 64)), ["happy", "sad"] * 10)]

    def vqig(store: object, version: str, codebook: str, settings: ImageAblationSettings, on_progress: object) -> object:
        asked["vqig"] = settings
        return vqig_report()

    def evaluated(store: object, runs: list[str], *rest: object, **more: object) -> object:
        return type("Report", (), {"figures": dict.fromkeys(GENERATED, 0.25)})

    monkeypatch.setattr(comparison, "VersionSequences", lambda *asked: asked[1])
    monkeypatch.setattr(comparison, "ablate", expflow)
    monkeypatch.setattr(comparison, "ablate_images", vqig)
    monkeypatch.setattr(comparison, "evaluate_runs", evaluated)
    monkeypatch.setattr(comparison, "variant_sheet", lambda *_: b"sheet")

    found = StudyWork(STUDY, "latest", threads=2, device="cpu").compare(local_store(tmp_path / "store"))

    assert (asked["expflow"].steps, asked["expflow"].variants, asked["expflow"].threads) == (7, ["GMM", "SMM"], 2)
    assert (asked["vqig"].preset, asked["vqig"].choice.most_clips, asked["vqig"].variants) == (Preset.SMALL, 3, ["B"])
    assert found.report.dataset == DATASET
    assert set(found.report.generated) == {"expflow/00", "expflow/01", "expflow/10", "expflow/11"}
    assert found.latent_space.startswith(b"\x89PNG")
    assert found.frames == b"sheet"


def test_each_training_is_that_of_its_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def card(*asked: Any) -> object:  # noqa: ANN401 - whatever the ablations take
        return type("Card", (), {"run_id": "-".join(str(item) for item in asked[-2:])})

    monkeypatch.setattr(comparison, "VersionSequences", lambda *asked: asked[1])
    monkeypatch.setattr(comparison, "VersionFrames", lambda *asked: asked[1])
    monkeypatch.setattr(comparison, "require_codebook", lambda *_: card("c", 0))
    monkeypatch.setattr(comparison, "train_expflow_variant", card)
    monkeypatch.setattr(comparison, "train_vqig_variant", card)
    work, store = StudyWork(STUDY, "latest"), local_store(tmp_path / "store")

    assert work.train(store, Training(RunKind.EXPFLOW, "GMM", 1)) == "expflow/GMM-1"
    assert work.train(store, Training(RunKind.VQIG, "B", 0)) == "vqig/B-0"


def test_a_store_without_versions_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="latest"):
        StudyWork(STUDY, "latest").check(local_store(tmp_path / "store"))
