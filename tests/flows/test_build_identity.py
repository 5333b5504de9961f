"""The same corpus gives the same version id whatever happens on the way: other workers, kills, stores, orders, rivals."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections import Counter
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


@dataclass(frozen=True)
class Moment:
    """When a build on disk is to be killed.

    Attributes:
        name: of what it does then.
        trace: pattern of what it has in the store's folder while it does; empty: at a random time of the build.
        longest_delay_s: after the trace was seen.
        latest: without a trace, the share of the build after which it is not killed any more.
    """

    name: str
    trace: str = ""
    longest_delay_s: float = 0.08
    latest: float = 1.0

    def question(self, store: Path, random: np.random.Generator, span_s: float) -> Callable[[], bool]:
        """Return a question that is answered with yes when the build is to be killed."""
        if not self.trace:
            return _after((store / "builds").exists, float(random.uniform(0.0, self.latest * span_s)))
        return _after(lambda: any(store.glob(self.trace)), float(random.uniform(0.0, self.longest_delay_s)))

    def was_hit(self, store: Path) -> bool:
        """Say whether a build that is dead was killed while it did this."""
        return not self.trace or any(store.glob(self.trace))


ANY_TIME = Moment("any time")
LEARNING = Moment("learning, first pass", "scratch/*/*/*/part-0")
SECOND_PASS = Moment("learning, second pass", "scratch/*/*/*/bases.safetensors")
FITTING = Moment("fitting", "scratch/*/*/*/landmarks")
MOMENTS = (
    (Moment("first half", latest=0.5), LEARNING, FITTING, Moment("publishing", "scratch/*/*/version", 0.3)),
    (Moment("packing", "scratch/*/*/*/staged-*"), SECOND_PASS, Moment("after the model", "face_models/*/card.json"), ANY_TIME),
)
"""By turns for each store, in the order in which a build comes to them."""


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


def test_twenty_kills(tmp_path: Path, reference: Reference, shared_api: dict[str, str], demo_corpus: Path, spec_file: Path) -> None:
    """Several kills on each store, then a run to the end, until there were enough; what is visible is whole at every time.

    Every fourth process starts a Prefect server of its own, which must die with it; the others share one to save time. Stores are built by
    two workers and by one in turns.
    """
    kills, versions, hits = 0, [], Counter[str]()
    random = np.random.default_rng(time.time_ns())
    span_s = reference.seconds - reference.begins_s
    while kills < KILLS:
        folder, workers = tmp_path / f"store-{len(versions)}", 2 - len(versions) % 2
        for moment in MOMENTS[len(versions) % len(MOMENTS)]:
            command_line = CommandLine(tmp_path / "home", {} if kills % 4 == 0 else shared_api)
            process = command_line.start(*build_arguments(spec_file, demo_corpus, folder, workers))
            killed = command_line.kill(process, moment.question(folder, random, span_s))
            assert command_line.orphans() == []
            kills += killed
            hits[moment.name] += killed and moment.was_hit(folder)
            _LOGGER.warning("kill %d, %s: killed %s, hit %s", kills, moment.name, killed, moment.was_hit(folder))
            with open_store(str(folder), Settings()) as store:
                assert list(half_published(store)) == []
            if not killed and moment is ANY_TIME:
                span_s *= 0.8  # the machine has become faster
        done = command_line.run(*build_arguments(spec_file, demo_corpus, folder, workers))
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        versions.append(summary["dataset_version"])
        _LOGGER.warning("then %s, built %s, %d decoded", versions[-1], summary["parts_built_by_family"], summary["recordings_processed"])
        _verify(command_line, folder)
        with open_store(str(folder), Settings()) as store:
            _check_collected(store, reference.version)
        assert list((folder / "scratch").iterdir()) == []
        shutil.rmtree(folder)
    _LOGGER.warning("%d kills, hits %s", kills, dict(hits))
    assert versions == [reference.version] * len(versions)
    assert hits[LEARNING.name] + hits[SECOND_PASS.name] >= 2
    assert hits[FITTING.name] >= 1


def test_s3_gives_the_same_id_also_after_kills(
    tmp_path: Path, command_line: CommandLine, reference: Reference, demo_corpus: Path, spec_file: Path
) -> None:
    with fake_credentials(), s3_server() as address:
        uri = f"s3://{new_bucket(address)}/datasets"
        on_s3 = replace(command_line, environment=s3_environment(address, tmp_path))
        with open_store(uri, s3_settings(address, tmp_path)) as store:
            arguments = build_arguments(spec_file, demo_corpus, uri)
            for folder, minimum in (("", 1), ("", 12), ("", 40)):
                _kill_once_there_are(on_s3, store, folder, minimum, arguments)
            killed = on_s3.kill(on_s3.start(*arguments), _after(lambda: any(tmp_path.glob("**/part-0")), 0.0))
            _LOGGER.warning("learning on S3: killed %s", killed)
            for folder in ("face_models", "parts/coefficients"):
                _kill_once_there_are(on_s3, store, folder, 1, arguments)
            assert on_s3.build(spec_file, demo_corpus, uri)["dataset_version"] == reference.version
            assert list(half_published(store)) == []
            assert on_s3.build(spec_file, demo_corpus, uri)["unchanged"]
            _verify(on_s3, uri)
            _check_collected(store, reference.version)


def _kill_once_there_are(command_line: CommandLine, store: ManagedStore, folder: str, objects: int, arguments: list[object]) -> None:
    killed = command_line.kill(command_line.start(*arguments), lambda: sum(1 for _ in store.list_objects(folder)) >= objects)
    _LOGGER.warning("%d objects in /%s on S3: killed %s", objects, folder, killed)
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
