"""Processes that pack and publish are killed at random moments; the store must hold whole parts and nothing else."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.part_reading import read_part_index
from storage_schemas.part_layout import PART_INDEX_FILE, RECORDING_FAMILIES, Family, part_path
from tests.factories.staged_recordings import stage_recording
from tests.factories.stores import fake_credentials, new_bucket, s3_server, s3_settings

ROOT = Path(__file__).parents[3]


@pytest.fixture
def staged(tmp_path: Path) -> list[Path]:
    for number in range(3):
        stage_recording(tmp_path / f"staged/{number}", f"rec/{number}", (20, 8))
    return [tmp_path / f"staged/{number}" for number in range(3)]


def _kill_one(uri: str, first_number: int, staged: list[Path], delay_s: float, environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "tests.factories.publishing_child", uri, str(first_number), *map(str, staged)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=os.environ | environment) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        assert child.wait(30) == -signal.SIGKILL


def _check_parts(store: ManagedStore) -> int:
    """Check every visible part against its index and return how many there are."""
    whole = 0
    for family in RECORDING_FAMILIES:
        for prefix in store.list_folders(f"parts/{family.value}"):
            for key in store.list_folders(f"parts/{family.value}/{prefix}"):
                whole += _check_part(store, family, key)
    return whole


def _check_part(store: ManagedStore, family: Family, key: str) -> bool:
    folder = part_path(family, key)
    if not store.exists(f"{folder}/{PART_INDEX_FILE}"):
        return False
    index = read_part_index(store, family, key)
    assert index.key == key
    for item in index.objects:
        data = store.read_bytes(f"{folder}/{item.path}")
        assert (len(data), hashlib.sha256(data).hexdigest()) == (item.size_bytes, item.sha256), f"{folder}/{item.path}"
    names = {path.removeprefix(f"{folder}/") for path, _ in store.list_objects(folder)}
    assert names == {PART_INDEX_FILE} | {item.path for item in index.objects}
    return True


def _run_on_disk(tmp_path: Path, staged: list[Path], kills: int, seed: int) -> None:
    root = tmp_path / "store"
    with open_store(str(root), Settings()) as store:
        for number, delay_s in enumerate(np.random.default_rng(seed).uniform(0.02, 0.6, kills)):
            _kill_one(str(root), 1000 * number, staged, float(delay_s), {})
            _check_parts(store)
            visible = [path for path, _ in store.list_objects("parts")]
            assert all((root / path).parent.exists() for path in visible)
            markers = {path.split("/")[3] for path in visible if path.endswith(PART_INDEX_FILE)}
            assert {path.split("/")[3] for path in visible} == markers  # on a disk not even an incomplete folder is visible
            if store.exists("tags/latest.json"):
                assert json.loads(store.read_bytes("tags/latest.json"))["number"] >= 0
        assert _check_parts(store) > 0
        assert store.remove_stale_scratch() == kills
    assert list((root / "scratch").iterdir()) == []


def test_two_kills_leave_whole_parts(tmp_path: Path, staged: list[Path]) -> None:
    _run_on_disk(tmp_path, staged, kills=2, seed=7)


@pytest.mark.chaos
@pytest.mark.slow
def test_twenty_kills_leave_whole_parts(tmp_path: Path, staged: list[Path]) -> None:
    _run_on_disk(tmp_path, staged, kills=20, seed=int(time.time()))


@pytest.mark.chaos
@pytest.mark.slow
def test_kills_on_s3_leave_only_whole_parts_visible(tmp_path: Path, staged: list[Path]) -> None:
    """On S3 leftovers of a killed upload may lie about, but no folder with a part.json is incomplete, and a new run completes them."""
    with fake_credentials(), s3_server() as address:
        uri = f"s3://{new_bucket(address)}/p"
        environment = {
            "FLOWVQTALKER_S3_ENDPOINT_URL": address,
            "FLOWVQTALKER_S3_REGION": "us-east-1",
            "FLOWVQTALKER_SCRATCH_DIR": str(tmp_path),
        }
        with open_store(uri, s3_settings(address, tmp_path)) as store:
            for delay_s in np.random.default_rng(int(time.time())).uniform(0.1, 2.0, 10):
                _kill_one(uri, 0, staged, float(delay_s), environment)
                _check_parts(store)
            assert _check_parts(store) > 0
