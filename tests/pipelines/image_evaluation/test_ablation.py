from __future__ import annotations

from typing import Any

import pytest

from pipelines.image_evaluation import ablation
from pipelines.image_evaluation.ablation import VARIANTS, ImageAblationSettings, ablate_images
from pipelines.image_evaluation.held_out_clips import ClipChoice
from pipelines.training.trainings import RunOptions
from storage_schemas.errors import BadInputError
from storage_schemas.image_runs import ImageRunConfig, ImageTrainingSpec
from storage_schemas.training_runs import Preset, RunKind
from tests.factories.image_runs import ImageStore, store_with_image_runs
from tests.factories.image_trainings import SMALL, small_config, small_spec


@pytest.fixture
def trained(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    """A store, in which variants are trained as small networks and for a few steps."""
    made = store_with_image_runs(tmp_path_factory.mktemp("store"))

    def spec(kind: RunKind, preset: Preset, **changes: Any) -> ImageTrainingSpec:  # noqa: ANN401 - fields of it
        return small_spec(kind, **changes)

    def config(dataset: str, codebook: str, spec: ImageTrainingSpec) -> ImageRunConfig:
        assert dataset == made.version
        source = ablation.VersionFrames(made.store, dataset)
        return small_config(source, RunKind.VQIG, codebook, **spec.model_dump(exclude={"preset"}))

    monkeypatch.setattr(ablation, "preset_image_training", spec)
    monkeypatch.setattr(ablation, "generator_config", config)
    return made


def test_every_variant_is_trained_on_the_same_codebook_and_compared(trained: ImageStore) -> None:
    notes: list[tuple[int, int, str]] = []
    settings = ImageAblationSettings(steps=2, options=RunOptions(device="cpu", threads=1), choice=ClipChoice("train", 1, 3))

    report = ablate_images(trained.store, trained.version, "codebook/latest", settings, lambda *state: notes.append(state))

    assert [run.variant for run in report.runs] == list(VARIANTS)
    assert len({run.run for run in report.runs}) == len(VARIANTS)
    assert {run.steps for run in report.runs} == {2} != {SMALL["steps"]}
    assert notes == [*((number, 5, name) for number, name in enumerate(VARIANTS)), (5, 5, "")]
    assert report.codebook == f"codebook/{trained.codebook}"
    assert all(run.psnr_db is not None and run.ms_per_frame is not None for run in report.runs)
    assert report.markdown().count("\n") == 2 + len(VARIANTS) + 1


def test_a_codebook_of_another_preset_is_refused(trained: ImageStore) -> None:
    with pytest.raises(BadInputError, match="is a codebook of preset tiny, the variants are to be small"):
        ablate_images(trained.store, trained.version, "codebook/latest", ImageAblationSettings(Preset.SMALL))
