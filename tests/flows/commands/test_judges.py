from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner, Result

from flows.command_line import app
from infra.managed_store import ManagedStore
from storage_schemas.errors import BadInputError
from storage_schemas.training_runs import RunKind
from tests.factories.dataset_versions import local_store
from tests.factories.judge_runs import store_judge
from tests.factories.talking_versions import TalkingRecording, publish_talking


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ManagedStore]:
    with local_store(tmp_path_factory.mktemp("store")) as opened:
        store_judge(opened, RunKind.SYNC)
        store_judge(opened, RunKind.EMOTION)
        publish_talking(opened, [TalkingRecording(seed, "validation", frames=26) for seed in range(2)])
        yield opened


def evaluated(store: ManagedStore, *options: str) -> Result:
    version = store.list_folders("versions")[0]
    return CliRunner().invoke(app, ["judges", "evaluate", "--store", store.uri, "--dataset", version, *options])


def test_one_json_object(store: ManagedStore) -> None:
    result = evaluated(store, "--sync", "latest", "--emotion", "latest", "--models", store.uri, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["sync"]["clips"] == found["emotion"]["clips"] == 2
    assert set(found["sync"]["left_alone"]) == {"talk/000_000", "talk/001_000"}


def test_tables_for_people(store: ManagedStore) -> None:
    result = evaluated(store, "--sync", "latest", "--emotion", "latest", "--split", "all")
    assert result.exit_code == 0, result.output
    assert "planted offsets" in result.stdout
    assert "talk/001_000" in result.stdout
    assert "with labels dealt anew" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no judge to evaluate"),
        (["--sync", "latest", "--split", "training"], "expected one of train, validation"),
        (["--sync", "latest", "--split", "test"], "no clips in the split 'test'"),
        (["--emotion", "sync/latest"], "expected a run of emotion"),
    ],
)
def test_wrong_requests_name_the_remedy(store: ManagedStore, options: list[str], message: str) -> None:
    result = evaluated(store, *options)
    assert isinstance(result.exception, BadInputError), result.output
    assert message in str(result.exception)
