"""Builds of sixty clips whose surroundings break: Dask workers, S3, the Prefect server, and the flow run itself.

Each ends with the version that an undisturbed build gives, or with a clear failure that the same command repairs. How often each is
repeated is FLOWVQTALKER_CHAOS_RUNS, 1 without it; FLOWVQTALKER_CHAOS_CLIPS is for trying the tests themselves.
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

from infra.managed_store import ManagedStore
from infra.object_store import open_store
from infra.server_process import LOG_FILE, end_child, free_port, start_server, wait_until_healthy
from infra.settings import Settings
from pipelines.corpora.demo.corpus import write_demo_corpus
from pipelines.dataset.versions import version_ids
from tests.factories.build_processes import CommandLine, build_arguments, half_published
from tests.factories.failing_proxy import failing_proxy
from tests.factories.running_services import running_services
from tests.factories.stores import fake_credentials, new_bucket, s3_environment, s3_server, s3_settings
from tests.factories.talking_videos import keep_beginning

_LOGGER = logging.getLogger(__name__)
pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]

RUNS = range(int(os.environ.get("FLOWVQTALKER_CHAOS_RUNS", "1")))
CLIPS = int(os.environ.get("FLOWVQTALKER_CHAOS_CLIPS", "60"))
FRAMES = 27
"""Of each clip: a little more than the shortest that is kept, so that ten runs of each test take minutes."""
SETTINGS = {"crop": {"size_px": 128}, "parts": {"target_recordings": 5}, "face_model": {"policy": "refit"}}
_AWAY_S = 20.0


@pytest.fixture(scope="module", params=RUNS)
def run(request: pytest.FixtureRequest) -> int:
    """Number of a repetition; all tests have their first one before any has its second."""
    number: int = request.param
    return number


@pytest.fixture(scope="module")
def spec_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "small.yaml"
    path.write_text(yaml.safe_dump({"name": "small", "layout": "demo", **SETTINGS}))
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("espeakng_loader", reason="the demo corpus needs the optional extra `speech`")
    folder = tmp_path_factory.mktemp("sixty")
    write_demo_corpus(folder, clips=CLIPS, seed=5, size_px=256)
    for video in folder.rglob("*.mp4"):
        keep_beginning(video, FRAMES)
    return folder


@pytest.fixture(scope="module")
def expected(corpus: Path, spec_file: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The version that nothing disturbs."""
    folder = tmp_path_factory.mktemp("undisturbed")
    found: str = CommandLine(folder / "home").build(spec_file, corpus, folder / "store")["dataset_version"]
    return found


def ended_well(command_line: CommandLine, arguments: Sequence[object], done: subprocess.CompletedProcess[str], store: ManagedStore) -> str:
    """Return the version of a build; one that has failed says why, and the same command repairs it. Nothing in the store is half there."""
    if done.returncode:
        _LOGGER.warning("the build failed and is repeated: %s", done.stderr)
        assert done.returncode == 1, done.stderr
        assert "error: " in done.stderr
        assert "Traceback" not in done.stderr
        assert list(half_published(store)) == []
        done = command_line.run(*arguments, timeout_s=600)
    assert done.returncode == 0, done.stderr
    assert list(half_published(store)) == []
    version: str = json.loads(done.stdout)["dataset_version"]
    return version


@contextmanager
def local_store(folder: Path) -> Iterator[ManagedStore]:
    with open_store(str(folder / "store"), Settings(store_fsync=False)) as store:
        yield store


@contextmanager
def disturbed(disturb: Callable[[], None], every_s: float) -> Iterator[None]:
    """Call `disturb` again and again in a thread."""
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every_s):
            disturb()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextmanager
def dask_cluster(home: Path, workers: int) -> Iterator[tuple[str, psutil.Process]]:
    """Yield the address of a scheduler with workers in processes of their own, which a nanny starts again, and the nannies' parent."""
    environment = {**os.environ, "FLOWVQTALKER_HOME": str(home)}
    address = f"tcp://127.0.0.1:{free_port()}"
    program = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    scheduler = subprocess.Popen([*program, "scheduler", "--host", address, "--no-dashboard"], **quiet)  # type: ignore[call-overload]
    options = ["--nworkers", str(workers), "--nthreads", "1", "--no-dashboard"]
    nanny = subprocess.Popen([*program, "worker", address, *options], **quiet)  # type: ignore[call-overload]
    try:
        yield address, psutil.Process(nanny.pid)
    finally:
        for process in (nanny, scheduler):
            process.terminate()
            process.wait(timeout=30)


def test_dask_workers_are_killed(run: int, corpus: Path, spec_file: Path, expected: str, tmp_path: Path) -> None:
    chance, killed = random.Random(run), []  # noqa: S311
    command_line = CommandLine(tmp_path / "home")

    with dask_cluster(tmp_path / "home", 2) as (address, nanny), local_store(tmp_path) as store:

        def kill_one() -> None:
            workers = [child for child in nanny.children() if "spawn" in " ".join(child.cmdline())]
            if workers:
                killed.append(chance.choice(workers).pid)
                os.kill(killed[-1], signal.SIGKILL)

        arguments = (*build_arguments(spec_file, corpus, tmp_path / "store"), "--scheduler", address)
        with disturbed(kill_one, every_s=6.0):
            done = command_line.run(*arguments, timeout_s=900)
        version = ended_well(command_line, arguments, done, store)

    _LOGGER.info("%d workers were killed", len(killed))
    assert killed
    assert version == expected
    assert command_line.orphans() == []


def test_a_tenth_of_the_requests_to_s3_fail(run: int, corpus: Path, spec_file: Path, expected: str, tmp_path: Path) -> None:
    with fake_credentials(), s3_server() as address, failing_proxy(address, 0.1, run) as (proxy, trouble):
        uri = f"s3://{new_bucket(address)}/faces"
        command_line = CommandLine(tmp_path / "home", s3_environment(proxy, tmp_path))
        arguments = build_arguments(spec_file, corpus, uri)
        with open_store(uri, s3_settings(address, tmp_path)) as store:
            version = ended_well(command_line, arguments, command_line.run(*arguments, timeout_s=900), store)

    _LOGGER.info("requests: %s", trouble.counts)
    assert min(trouble.counts.values()) > 0
    assert version == expected
    assert command_line.orphans() == []


def test_the_prefect_server_is_away_for_a_while(run: int, corpus: Path, spec_file: Path, expected: str, tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "server"
    folder.mkdir()
    settings = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_UI_ENABLED": "false"}
    server = start_server(folder, port, settings)
    wait_until_healthy(server, port, folder / LOG_FILE)
    command_line = CommandLine(tmp_path / "home", {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"})
    arguments = build_arguments(spec_file, corpus, tmp_path / "store")
    build = command_line.start(*arguments)
    _wait_for_parts(tmp_path / "store", build, 1 + run % 5)

    server.kill()
    server.wait()
    time.sleep(_AWAY_S)
    server = start_server(folder, port, settings)
    try:
        output, errors = build.communicate(timeout=900)
        done = subprocess.CompletedProcess([], build.returncode, output, errors)
        wait_until_healthy(server, port, folder / LOG_FILE)
        with local_store(tmp_path) as store:
            version = ended_well(command_line, arguments, done, store)
    finally:
        end_child(server)

    assert version == expected
    assert command_line.orphans() == []


def test_a_flow_run_is_asked_to_stop(run: int, corpus: Path, expected: str, tmp_path: Path) -> None:
    request = {"source": str(corpus), "layout": "demo", "name": "small", "store": str(tmp_path / "store"), "settings": SETTINGS}
    command_line = CommandLine(tmp_path / "home")
    with running_services(command_line, tmp_path / "store") as services:
        first = services.started_run("build_dataset/nightly", {"request": request})
        _wait_for_parts(tmp_path / "store", services.process, 1 + run % 5)
        worker = psutil.Process(services.state["processes"]["worker cpu"])
        for child in worker.children():
            child.terminate()
        stopped = services.ended_run(first, within_s=120)
        with local_store(tmp_path) as store:
            assert version_ids(store) == []
            assert list(half_published(store)) == []
        again = services.ended_run(services.started_run("build_dataset/nightly", {"request": request}), within_s=900)
        with local_store(tmp_path) as store:
            versions = version_ids(store)
            assert list(half_published(store)) == []

    assert stopped["state_type"] in ("CRASHED", "CANCELLED", "FAILED")
    assert again["state_name"] == "Completed"
    assert versions == [expected]


def _wait_for_parts(store: Path, process: subprocess.Popen[str], count: int) -> None:
    """Wait until a build has finished some parts."""
    deadline = time.perf_counter() + 600
    while len(list(store.glob("parts/frames/*/*/part.json"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.perf_counter() < deadline
        time.sleep(0.1)
