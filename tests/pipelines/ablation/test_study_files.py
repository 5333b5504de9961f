from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.ablation.study_files import read_study, study_template
from pipelines.coefficient_evaluation.ablation import VARIANTS
from pipelines.image_evaluation.ablation import VARIANTS as IMAGE_VARIANTS
from storage_schemas.ablation_study import AblationStudy, ExpFlowAblation, VqigAblation
from storage_schemas.errors import BadInputError


def written(folder: Path, text: str) -> Path:
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_is_the_default_study_with_every_field(tmp_path: Path) -> None:
    text = study_template()

    assert read_study(written(tmp_path, text)) == AblationStudy()
    found = yaml.safe_load(text)
    assert list(found["expflow"]) == list(ExpFlowAblation.model_fields)
    assert list(found["vqig"]) == list(VqigAblation.model_fields)
    assert text.count("  # ") == len(found["expflow"]) + len(found["vqig"])


def test_a_study_has_the_variants_that_the_ablations_train() -> None:
    study = AblationStudy()

    assert study.expflow is not None
    assert study.vqig is not None
    assert [str(name) for name in study.expflow.variants] == list(VARIANTS)
    assert study.vqig.variants == list(IMAGE_VARIANTS)
    assert study.trainings == len(VARIANTS) + len(IMAGE_VARIANTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("expflow: {variants: [LSTM]}", "expflow.variants.0"),
        ("expflow: {variants: [GMM, GMM]}", "a variant is there twice"),
        ("expflow: null\nvqig: null", "there is nothing to compare"),
        ("vqig: {steps: -1, speed: 3}", r"2 problem\(s\)"),
        ("name: ../x", "name"),
        ("[", "cannot read the study"),
    ],
)
def test_wrong_studies_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_study(written(tmp_path, text))


def test_a_missing_study_tells_of_the_template(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="ablation template"):
        read_study(tmp_path / "none.yaml")
