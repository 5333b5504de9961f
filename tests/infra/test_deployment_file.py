"""The file of deployments: read whole, its problems named, its variables filled in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra.deployment_file import DEPLOYMENT_FILE, read_deployments
from storage_schemas.errors import BadInputError


def written(folder: Path, **changes: object) -> Path:
    content = yaml.safe_load(DEPLOYMENT_FILE.read_text())
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**content, **changes}))
    return path


def test_prefect_itself_reads_the_file() -> None:
    from prefect.cli.deploy._models import PrefectYamlModel  # noqa: PLC0415 - Prefect takes a second to import

    found = PrefectYamlModel.model_validate(yaml.safe_load(DEPLOYMENT_FILE.read_text()))

    assert [entry.name for entry in found.deployments] == [entry.name for entry in read_deployments().deployments]


def test_variables_are_filled_in_and_what_lacks_one_is_left_out() -> None:
    environment = {"FLOWVQTALKER_WORKING_DIR": "/somewhere", "FLOWVQTALKER_STORE": ""}

    (build,) = [entry for entry in read_deployments(environment=environment).deployments if entry.name == "nightly"]

    assert build.work_pool.job_variables == {"working_dir": "/somewhere"}
    assert "store" not in build.parameters.get("request", {})


def test_names_of_one_flow_are_not_given_twice() -> None:
    found = [(entry.entrypoint, entry.name) for entry in read_deployments().deployments]

    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"deployments": [{"name": "x"}]}, "entrypoint: Field required"),
        ({"definitions": {"work_pools": []}}, r"found \['cpu', 'gpu'\]"),
        ({"surprise": 1}, "surprise: Extra inputs"),
    ],
)
def test_problems_are_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        read_deployments(written(tmp_path, **changes))


def test_a_missing_file_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="cannot read"):
        read_deployments(tmp_path / "none.yaml")


def test_the_file_holds_no_secret() -> None:
    text = DEPLOYMENT_FILE.read_text().lower()

    assert [word for word in ("password", "secret_access_key", "token:", "api_key") if word in text] == []
