from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from flows.command_line import app
from flows.commands.images import chosen_precision
from pipelines.image_evaluation.ablation import ImageAblationSettings
from pipelines.image_evaluation.ablation_report import ImageAblationReport
from pipelines.image_evaluation.figure_list import FIGURES
from storage_schemas.errors import BadInputError
from tests.factories.face_frames import frame_with_faces
from tests.factories.image_runs import ImageStore, store_with_image_runs


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> ImageStore:
    return store_with_image_runs(tmp_path_factory.mktemp("store"))


def output_of(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["images", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def options(trained: ImageStore) -> list[str]:
    return ["--store", str(trained.folder), "--dataset", trained.version, "--split", "train", "--clips", "1", "--device", "cpu"]


def test_evaluate_prints_every_figure_as_json_and_draws(trained: ImageStore, tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "sheet.png"

    found = json.loads(output_of("evaluate", *options(trained), "--frames", "3", "--sheet", str(sheet), "--json"))

    assert set(FIGURES) <= set(found)
    assert found["model"] == f"vqig/{trained.generator}"
    assert len(found["clips"]) == 1
    assert Image.open(sheet).size[0] > 32


def test_evaluate_for_people(trained: ImageStore) -> None:
    text = output_of("evaluate", *options(trained), "--frames", "3", "--precision", "bfloat16")

    assert "on 1 clips" in text
    assert "27 or more" in text


def test_an_ablation_is_written(trained: ImageStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ablated(store: object, version: str, codebook: str, settings: ImageAblationSettings, on_progress: object) -> ImageAblationReport:
        assert (version, codebook, list(settings.variants)) == (trained.version, "codebook/latest", ["B", "full"])
        return ImageAblationReport(dataset=version, split=settings.choice.split, codebook=codebook, preset="tiny", real_cpbd=0.5, runs=[])

    monkeypatch.setattr("pipelines.image_evaluation.ablation.ablate_images", ablated)

    found = json.loads(output_of("ablation", str(tmp_path / "out"), *options(trained), "--variant", "full", "--variant", "B", "--json"))

    assert found["folder"] == str(tmp_path / "out")
    assert "true frames" in (tmp_path / "out" / "ablation.md").read_text()
    assert json.loads((tmp_path / "out" / "ablation.json").read_text())["real_cpbd"] == 0.5


def test_sheet(trained: ImageStore, tmp_path: Path) -> None:
    found = json.loads(output_of("sheet", str(tmp_path / "sheet.png"), *options(trained), "--json"))

    assert found == {"clips": 1, "file": str(tmp_path / "sheet.png")}
    assert Image.open(tmp_path / "sheet.png").format == "PNG"


def test_portrait(trained: ImageStore, tmp_path: Path) -> None:
    picture, out = tmp_path / "face.png", tmp_path / "prepared.png"
    Image.fromarray(frame_with_faces(320, 300, [(160, 150, 120)])).save(picture)

    found = json.loads(output_of("portrait", str(picture), "--store", str(trained.folder), "--out", str(out), "--json"))

    assert found["name"] == "face.png"
    assert np.asarray(Image.open(out)).shape == (32, 32, 3)
    assert "window_px" in CliRunner().invoke(app, ["images", "portrait", str(picture), "--store", str(trained.folder)]).output


def test_a_wrong_variant_or_precision_is_named(trained: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"unknown variant 'B\+X'"):
        output_of("ablation", str(tmp_path), *options(trained), "--variant", "B+X")
    with pytest.raises(BadInputError, match="must be auto, float32 or bfloat16, got 'half'"):
        chosen_precision("half", "cpu")
    assert chosen_precision("auto", "cuda") == "bfloat16"
    assert chosen_precision("auto", "cpu") == "float32"


def test_an_ablation_needs_a_codebook(trained: ImageStore, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="finished runs 'codebook/0000'"):
        output_of("ablation", str(tmp_path), *options(trained), "--codebook", "codebook/0000")
