from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.command_line import app
from storage_schemas.errors import BadInputError
from tests.factories.dataset_versions import local_store, publish
from tests.factories.fitted_versions import publish_fitted


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    with local_store(folder) as opened:
        publish_fitted(opened)
    return folder


def refused(*arguments: object) -> str:
    """Run a command that is refused and return the message."""
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    assert isinstance(result.exception, BadInputError), result.output
    return str(result.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "nonesuch"], "no version or tag 'nonesuch'"),
        (["--set", "past_dropout"], "expected NAME=VALUE"),
        (["--set", "past_drop=1"], "past_drop: Extra inputs are not permitted"),
        (["--set", "past_dropout=2"], "past_dropout: Input should be less than or equal to 1"),
        (["--device", "tpu"], "expected auto, cpu or cuda"),
    ],
)
@pytest.mark.parametrize("kind", ["expflow", "poseflow"])
def test_wrong_requests_name_the_remedy(store: Path, kind: str, options: list[str], message: str) -> None:
    assert message in refused(kind, "--store", store, *options)


def test_a_version_without_coefficients(tmp_path: Path) -> None:
    with local_store(tmp_path) as opened:
        version = publish(opened).dataset_version
    assert "face_model: {enabled: true}" in refused("expflow", "--store", tmp_path, "--dataset", version)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "nonesuch"], "no version or tag 'nonesuch'"),
        (["--set", "region_weigh=1"], "region_weigh: Extra inputs are not permitted"),
        (["--set", "region_weight=0.5"], "region_weight: Input should be greater than or equal to 1"),
        (["--set", "variant=C"], "variant: Input should be 'B'"),
        (["--device", "tpu"], "expected auto, cpu or cuda"),
        (["--vgg19", "nonesuch.pth"], "nonesuch.pth: cannot be read"),
    ],
)
@pytest.mark.parametrize("kind", ["codebook", "vqig"])
def test_wrong_trainings_on_images_name_the_remedy(store: Path, kind: str, options: list[str], message: str) -> None:
    with local_store(store) as opened:
        version = opened.list_folders("versions")[0]
    assert message in refused(kind, "--store", store, *([] if "--dataset" in options else ["--dataset", version]), *options)


def test_a_generator_without_a_codebook(store: Path) -> None:
    with local_store(store) as opened:
        version = opened.list_folders("versions")[0]
    assert "0 finished runs 'latest'" in refused("vqig", "--store", store, "--dataset", version)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dataset", "nonesuch"], "no version or tag 'nonesuch'"),
        (["--set", "shifts=1"], "shifts: Extra inputs are not permitted"),
        (["--set", "shift=1"], "shift: Input should be less than or equal to 0.25"),
        (["--device", "tpu"], "expected auto, cpu or cuda"),
        (["--devices", "3"], "must divide batch_windows"),
    ],
)
@pytest.mark.parametrize("kind", ["sync", "emotion"])
def test_wrong_trainings_of_judges_name_the_remedy(store: Path, kind: str, options: list[str], message: str) -> None:
    with local_store(store) as opened:
        version = opened.list_folders("versions")[0]
    assert message in refused(kind, "--store", store, *([] if "--dataset" in options else ["--dataset", version]), *options)
