"""The newest versions of a name stay, with what has a tag or a training run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.managed_store import ManagedStore
from pipelines.dataset.retention import give_up_old_versions
from pipelines.dataset.versions import set_tag, version_ids
from storage_schemas.errors import StoreError
from tests.factories.dataset_parts import SyntheticRecording
from tests.factories.dataset_versions import SPEC, local_store, publish


def published(store: ManagedStore, count: int) -> list[str]:
    """Publish versions of one name, each a clip longer than the one before; return their ids, oldest first."""
    recordings = [SyntheticRecording(name) for name in "abcdef"]
    return [publish(store, recordings[: number + 1], created=f"2026-01-0{number + 1}").dataset_version for number in range(count)]


def test_the_newest_stay(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        versions = published(store, 4)

        assert give_up_old_versions(store, SPEC.name, 2) == sorted(versions[:2])
        assert set(version_ids(store)) == set(versions[2:])
        assert give_up_old_versions(store, SPEC.name, 2) == []


def test_what_has_a_tag_or_a_training_run_stays(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        versions = published(store, 4)
        set_tag(store, "paper", versions[0], moved="now")
        store.write_bytes("runs/expflow/0/config.json", json.dumps({"dataset": versions[1]}).encode())

        assert give_up_old_versions(store, SPEC.name, 1) == [versions[2]]


def test_a_run_that_cannot_be_read_stops_it(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        versions = published(store, 3)
        store.write_bytes("runs/expflow/0/config.json", b"{}")

        with pytest.raises(StoreError, match=r"runs/expflow/0/config\.json.*restore or remove the run"):
            give_up_old_versions(store, SPEC.name, 1)
        assert set(version_ids(store)) == set(versions)


def test_other_names_and_no_policy_are_left_alone(tmp_path: Path) -> None:
    with local_store(tmp_path) as store:
        versions = published(store, 3)

        assert give_up_old_versions(store, "another", 1) == []
        assert give_up_old_versions(store, SPEC.name, 0) == []
        assert set(version_ids(store)) == set(versions)
