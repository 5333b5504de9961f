"""Jobs fan out on Dask in a bounded window; what is lost is run again, what fails stops the rest."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, KilledWorker, LocalCluster

from storage_schemas.errors import BuildFailedError
from tasks.fan_out import FanOut


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False) as connected,
    ):
        yield connected


def test_a_scheduler_that_goes_is_named() -> None:
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster, set_as_default=False, timeout=2) as connected,
    ):
        fan_out: FanOut[int] = FanOut(connected, 2, _never)
        for number in range(2):
            fan_out.add(number, time.sleep, number * 5)
        results = fan_out.run()
        next(results)
        cluster.close()
        with pytest.raises(BuildFailedError, match=r"Dask scheduler is gone.*start the same again"):
            next(results)


def _never(tag: object) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    raise AssertionError(f"{tag} was not lost")


def test_every_job_comes_back_with_its_tag(client: Client) -> None:
    fan_out: FanOut[int] = FanOut(client, 3, _never)
    for number in range(20):
        fan_out.add(number, pow, number, 2)
    assert dict(fan_out.run()) == {number: number**2 for number in range(20)}


def test_jobs_may_be_added_while_it_runs_and_go_first(client: Client) -> None:
    fan_out: FanOut[str] = FanOut(client, 1, _never)
    fan_out.add("a", str.upper, "a")
    fan_out.add("z", str.upper, "z")
    order = []
    for tag, result in fan_out.run():
        order.append(result)
        if tag == "a":
            fan_out.add("b", str.upper, "b", first=True)
    assert order[0] == "A"
    assert sorted(order) == ["A", "B", "Z"]


def _note_times(path: Path) -> None:
    begun = time.perf_counter()
    time.sleep(0.01)
    with path.open("a") as notes:
        notes.write(f"{begun} {time.perf_counter()}\n")


def test_no_more_than_the_window_is_under_way(client: Client, tmp_path: Path) -> None:
    fan_out: FanOut[int] = FanOut(client, 1, _never)
    for number in range(5):
        fan_out.add(number, _note_times, tmp_path / "notes")
    assert len(list(fan_out.run())) == 5
    times = sorted(tuple(map(float, line.split())) for line in (tmp_path / "notes").read_text().splitlines())
    assert len(times) == 5
    assert all(earlier[1] <= later[0] for earlier, later in itertools.pairwise(times))


def _fail_second(path: Path, number: int) -> None:
    with path.open("a") as notes:
        notes.write(f"{number}\n")
    if number == 1:
        raise OSError("the disk is full")


def test_an_error_of_a_job_is_raised_and_the_rest_is_not_begun(client: Client, tmp_path: Path) -> None:
    fan_out: FanOut[int] = FanOut(client, 1, _never)
    for number in range(50):
        fan_out.add(number, _fail_second, tmp_path / "notes", number)
    with pytest.raises(OSError, match="the disk is full"):
        list(fan_out.run())
    assert (tmp_path / "notes").read_text().split() == ["0", "1"]


class _Lost(KilledWorker):
    """What the client sees when Dask gives a task up, without losing real workers."""

    def __str__(self) -> str:
        return "lost"


def _lose_worker(path: Path) -> None:
    with path.open("a") as notes:
        notes.write("tried\n")
    raise _Lost("task", None, 4)


def test_a_job_lost_twice_is_replaced(client: Client, tmp_path: Path) -> None:
    fan_out: FanOut[str] = FanOut(client, 2, lambda tag: (str.upper, (f"instead of {tag}",)))
    fan_out.add("clip", _lose_worker, tmp_path / "notes")
    fan_out.add("other", str.upper, "fine")
    assert dict(fan_out.run()) == {"clip": "INSTEAD OF CLIP", "other": "FINE"}
    assert (tmp_path / "notes").read_text().split() == ["tried", "tried"]
