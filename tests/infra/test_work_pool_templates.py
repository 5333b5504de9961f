"""Job templates in infra/work_pools: what a worker of that type makes jobs of, checked against Prefect's own description of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.deployment_file import DEPLOYMENT_FILE

FOLDER = DEPLOYMENT_FILE.parent / "work_pools"
TYPES = {"process": "prefect", "docker": "prefect-docker", "kubernetes": "prefect-kubernetes"}


def template(kind: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text())
    return found


def prefects_own(kind: str) -> dict[str, Any]:
    import prefect  # noqa: PLC0415 - takes a second to import

    path = Path(prefect.__file__).parent / "server/api/collections_data/views/aggregate-worker-metadata.json"
    found: dict[str, Any] = json.loads(path.read_text())[TYPES[kind]][kind]["default_base_job_configuration"]
    return found


@pytest.mark.parametrize("kind", TYPES)
def test_a_template_has_all_that_its_worker_reads(kind: str) -> None:
    own, known = template(kind), prefects_own(kind)

    assert set(own["job_configuration"]) == set(known["job_configuration"])
    assert set(own["variables"]["properties"]) >= set(known["variables"]["properties"])


@pytest.mark.parametrize("kind", TYPES)
def test_every_placeholder_is_a_variable(kind: str) -> None:
    own = template(kind)
    placeholders = set(re.findall(r"{{\s*(\w+)\s*}}", json.dumps(own["job_configuration"])))

    assert placeholders - set(own["variables"]["properties"]) == set()


@pytest.mark.parametrize("kind", TYPES)
def test_defaults_obey_their_schema(kind: str) -> None:
    from prefect.utilities.schema_tools.validation import validate  # noqa: PLC0415

    schema = template(kind)["variables"]
    defaults = {name: value["default"] for name, value in schema["properties"].items() if value.get("default") is not None}

    assert defaults
    assert validate(defaults, schema, raise_on_error=True) == []


def test_pods_ask_for_gpus_and_take_credentials_by_name() -> None:
    (container,) = template("kubernetes")["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"]

    assert container["resources"]["limits"]["nvidia.com/gpu"] == "{{ gpus }}"
    assert container["envFrom"] == [{"secretRef": {"name": "{{ secret }}", "optional": True}}]


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOYMENT_FILE.parent / "containers" / "compose.yaml").read_text())
    return found


def test_the_composition_is_pinned_and_whole() -> None:
    services = compose()["services"]

    assert [name for name, service in services.items() if not re.search(r":v?\d+(\.\d+)+", service["image"])] == []
    needed = {other for service in services.values() for other in service.get("depends_on", {})}
    assert needed <= set(services)
    volumes = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", [])}
    assert {volume for volume in volumes if not volume.startswith("$")} <= set(compose()["volumes"])


def test_the_composition_holds_no_secret() -> None:
    for service in compose()["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|ACCESS_KEY", name):
                assert str(value).startswith("${"), name


@pytest.mark.parametrize("name", ["preprocessing", "training"])
def test_containers_are_pinned_and_run_as_nobody_special(name: str) -> None:
    text = (DEPLOYMENT_FILE.parent / "containers" / f"{name}.Containerfile").read_text()

    assert re.search(r"^FROM \S+:\S*\d+\.\d+\.\d+\S*$", text, re.MULTILINE)
    assert re.search(r"^USER (?!root)\w+$", text, re.MULTILINE)
    assert "--constraint requirements.lock" in text
    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.MULTILINE))
    assert copied == {"flows", "tasks", "pipelines", "infra", "storage_schemas"}
