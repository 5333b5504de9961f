"""The same corpus gives the same version id whatever happens on the way: other workers, kills, stores, orders, rivals."""

from __future__ import annotations

import itertools
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from infra.local_prefect import prefect_api
from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.settings import Settings
from pipelines.dataset.collecting import KeepPolicy, collect_garbage
from pipelines.dataset.verifying import verify_version
from tests.factories.build_processes import CommandLine, build_arguments, half_published
from tests.factories.stores import fake_credentials, new_bucket, s3_environment, s3_server, s3_settings

pytestmark = [pytest.mark.slow, pytest.mark.chaos, pytest.mark.timeout(3000)]

_LOGGER = logging.getLogger(__name__)
KILLS = 20
KILLS_ON_A_STORE = 4


@dataclass(frozen=True)
class Reference:
    """A build that nothing disturbed: its id and how long it took."""

    version: str
    seconds: float
    begins_s: float


@pytest.fixture(scope="module")
def shared_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of processes that share a Prefect server."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("PREFECT_API_URL", raising=False)
        with prefect_api(tmp_path_factory.mktemp("shared-home")) as url:
            yield {"PREFECT_API_URL": url}


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, shared_api: dict[str, str], demo_corpus: Path, spec_file: Path) -> Reference:
    folder = tmp_path_factory.mktemp("reference")
    command_line = CommandLine(folder / "home", shared_api)
    started = time.perf_counter()
    process = command_line.start(*build_arguments(spec_file, demo_corpus, folder / "store"))
    while not (folder / "store/builds").exists() and process.poll() is None:
        time.sleep(0.01)
    begins_s = time.perf_counter() - started
    out, error = process.communicate(timeout=240)
    assert process.returncode == 0, error
    version = out.split('"dataset_version": "')[1][:16]
    return Reference(version, time.perf_counter() - started, begins_s)


def test_one_worker_gives_the_same_id(
    tmp_path: Path, command_line: CommandLine, reference: Reference, demo_corpus: Path, spec_file: Path
) -> None:
    summary = command_line.build(spec_file, demo_corpus, tmp_path / "store", "--workers", 1)
    assert summary["dataset_version"] == reference.version


def test_another_place_and_order_of_the_files_gives_the_same_id(
    tmp_path: Path, command_line: CommandLine, reference: Reference, demo_corpus: Path, spec_file: Path
) -> None:
    """The files are made in reverse, so that the file system lists them differently."""
    copy = tmp_path / "another place"
    for path in sorted(demo_corpus.rglob("*"), reverse=True):
        if path.is_file():
            (copy / path.relative_to(demo_corpus)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy / path.relative_to(demo_corpus))
    assert command_line.build(spec_file, copy, tmp_path / "store")["dataset_version"] == reference.version


def test_two_builds_at_once_on_one_store_give_the_same_id(
    tmp_path: Path, command_line: CommandLine, reference: Reference, demo_corpus: Path, spec_file: Path
) -> None:
    rivals = [command_line.start(*build_arguments(spec_file, demo_corpus, tmp_path / "store")) for _ in range(2)]
    for rival in rivals:
        out, error = rival.communicate(timeout=240)
        assert rival.returncode == 0, error
        assert reference.version in out
    with open_store(str(tmp_path / "store"), Settings()) as store:
        assert list(half_published(store)) == []
        assert list(store.list_objects("staging")) == []
    _verify(command_line, tmp_path / "store")


Moment = Callable[[Path], Callable[[], bool]]
"""Given the folder of a store, a question that is answered with yes when the build is to be killed."""


def _moment(number: int, random: np.random.Generator, span_s: float) -> tuple[str, Moment]:
    """Return a moment and its name: most at random, every fifth while a part is packed, every fifth while a version is made."""
    delay_s, at_s = float(random.uniform(0.0, 0.08)), float(random.uniform(0.0, span_s))
    match number % 5:
        case 3:
            return "packing", lambda store: _after(lambda: any(store.glob("scratch/*/*/*/staged-*")), delay_s)
        case 4:
            return "publishing", lambda store: _after(lambda: any(store.glob("scratch/*/*/version")), 4 * delay_s)
        case _:
            return f"{at_s:.1f} s", lambda store: _after((store / "builds").exists, at_s)


def _after(event: Callable[[], bool], delay_s: float) -> Callable[[], bool]:
    """Return a question that is answered with yes from `delay_s` after the event on."""
    seen: list[float] = []

    def question() -> bool:
        try:
            if not seen and event():
                seen.append(time.perf_counter())
        except FileNotFoundError:  # a folder went away while it was searched
            return False
        return bool(seen) and time.perf_counter() - seen[0] >= delay_s

    return question


def test_twenty_kills_at_random_moments(
    tmp_path: Path, reference: Reference, shared_api: dict[str, str], demo_corpus: Path, spec_file: Path
) -> None:
    """Several kills on each store, then a run to the end, until there were enough; what is visible is whole at every time.

    Every fourth process starts a Prefect server of its own, which must die with it; the others share one to save time.
    """
    kills, versions = 0, []
    random, tries = np.random.default_rng(time.time_ns()), itertools.count()
    span_s = reference.seconds - reference.begins_s
    while kills < KILLS:
        folder = tmp_path / f"store-{len(versions)}"
        for _ in range(KILLS_ON_A_STORE):
            command_line = CommandLine(tmp_path / "home", {} if kills % 4 == 0 else shared_api)
            name, moment = _moment(next(tries), random, span_s)
            killed = command_line.kill(command_line.start(*build_arguments(spec_file, demo_corpus, folder)), moment(folder))
            assert command_line.orphans() == []
            kills += killed
            _LOGGER.warning("kill %d at %s: killed %s", kills, name, killed)
            with open_store(str(folder), Settings()) as store:
                assert list(half_published(store)) == []
            if not killed:
                span_s *= 0.8  # the machine has become faster
                break
        summary = command_line.build(spec_file, demo_corpus, folder)
        versions.append(summary["dataset_version"])
        _LOGGER.warning(
            "then %s, %d parts built, %d recordings decoded", versions[-1], summary["parts_built"], summary["recordings_processed"]
        )
        _verify(command_line, folder)
        with open_store(str(folder), Settings()) as store:
            _check_collected(store, reference.version)
        assert list((folder / "scratch").iterdir()) == []
        shutil.rmtree(folder)
    assert versions == [reference.version] * len(versions)


def test_s3_gives_the_same_id_also_after_kills(
    tmp_path: Path, command_line: CommandLine, reference: Reference, demo_corpus: Path, spec_file: Path
) -> None:
    with fake_credentials(), s3_server() as address:
        uri = f"s3://{new_bucket(address)}/datasets"
        on_s3 = replace(command_line, environment=s3_environment(address, tmp_path))
        with open_store(uri, s3_settings(address, tmp_path)) as store:
            for minimum in (1, 12, 40):
                _kill_once_there_are(on_s3, store, minimum, build_arguments(spec_file, demo_corpus, uri))
            assert on_s3.build(spec_file, demo_corpus, uri)["dataset_version"] == reference.version
            assert list(half_published(store)) == []
            assert on_s3.build(spec_file, demo_corpus, uri)["unchanged"]
            _verify(on_s3, uri)
            _check_collected(store, reference.version)


def _kill_once_there_are(command_line: CommandLine, store: ManagedStore, objects: int, arguments: list[object]) -> None:
    command_line.kill(command_line.start(*arguments), lambda: sum(1 for _ in store.list_objects("")) >= objects)
    assert command_line.orphans() == []
    assert list(half_published(store)) == []


def _verify(command_line: CommandLine, store: object) -> None:
    done = command_line.run("dataset", "verify", "latest", "--store", store, "--json")
    assert done.returncode == 0, done.stdout + done.stderr


def _check_collected(store: ManagedStore, version: str) -> None:
    """Collection a day later leaves the version and nothing else: a kill between packing and dropping leaves staged recordings."""
    collect_garbage(store, KeepPolicy(), dry_run=False, now_s=time.time() + 86_400, remove_stale_scratch=store.remove_stale_scratch)
    for folder in ("staging", "builds"):
        assert list(store.list_objects(folder)) == []
    assert verify_version(store, version) == []
