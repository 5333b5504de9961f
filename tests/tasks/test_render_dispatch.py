"""Chunks on Dask workers and on a work pool give what rendering here gives."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from infra.object_store import open_store
from infra.settings import Settings
from pipelines.rendering.batch.list_rendering import ListEvents
from pipelines.rendering.batch.run_tally import RunTally
from storage_schemas.render_request import RenderRequest
from tasks import render_dispatch
from tasks.render_dispatch import GPU_RESOURCE, render_chunk_here, render_on_dask, render_on_work_pool
from tasks.script_plans import ListPlan, chunk_path, plan_id, read_chunk, read_list, write_chunk
from tests.factories.render_stores import RenderStore, rendered, requested, rows_of


@pytest.fixture(autouse=True)
def workplace_left() -> Iterator[None]:
    yield
    render_dispatch._leave()


def planned(runs: RenderStore, folder: Path, out: str) -> tuple[RenderRequest, ListPlan]:
    path = runs.write_list("dispatched.csv", [*rows_of(5), *rows_of(1, portrait="none.png")])
    request = requested(runs, path, str(folder / out)).model_copy(update={"chunk_clips": 4})
    return request, read_list(request, folder)


def digests(out: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (out / "clips").iterdir()}


def events_of(tally: RunTally) -> ListEvents:
    return ListEvents(tally.add, tally.add_frames)


def test_a_chunk_is_read_as_it_was_written(tmp_path: Path) -> None:
    from pipelines.rendering.batch.clip_plan import plan_clips  # noqa: PLC0415
    from storage_schemas.script_rows import NumberedRow, ScriptRow  # noqa: PLC0415

    clips = plan_clips([NumberedRow(2, ScriptRow(portrait="a", audio="b", takes=2))])
    with open_store(str(tmp_path), Settings(store_fsync=False)) as store:
        write_chunk(store, chunk_path("plan", 0), "/lists", clips)
        assert read_chunk(store, chunk_path("plan", 0)) == ("/lists", clips)


def test_dask_workers_with_a_gpu_render_chunks(render_runs: RenderStore, tmp_path: Path) -> None:
    request, plan = planned(render_runs, tmp_path, "dask")
    rendered(request.model_copy(update={"out": str(tmp_path / "here")}), tmp_path)
    tally = RunTally(plan.clips, plan.failures())
    with ExitStack() as stack:
        cluster = LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, dashboard_address="127.0.0.1:0", resources={GPU_RESOURCE: 1}
        )
        stack.enter_context(cluster)
        output = stack.enter_context(open_store(request.out, Settings()))
        render_on_dask(request, plan, output, cluster.scheduler_address, events_of(tally))

    assert tally.rows() == {"rows": 6, "rows_done": 5, "rows_failed": 1, "rows_skipped": 0}
    assert digests(tmp_path / "dask") == digests(tmp_path / "here")
    assert not (tmp_path / "dask" / "results" / "plans").exists()


def test_flow_runs_of_a_work_pool_render_chunks(render_runs: RenderStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request, plan = planned(render_runs, tmp_path, "pool")
    asked: list[dict[str, Any]] = []

    def run(deployment: str, parameters: dict[str, Any], identity: dict[str, Any]) -> str:
        assert deployment == "render_chunk/gpu"
        asked.append(identity)
        render_chunk_here(RenderRequest.model_validate(parameters["request"]), parameters["plan"], parameters["chunk"])
        return "run"

    monkeypatch.setattr(render_dispatch, "run_on_work_pool", run)
    for expected in ({"rows_done": 5, "rows_skipped": 0}, {"rows_done": 0, "rows_skipped": 5}):
        tally = RunTally(plan.clips, plan.failures())
        with open_store(request.out, Settings()) as output:
            render_on_work_pool(request, plan, output, "render_chunk/gpu", events_of(tally), at_once=2)
        assert {name: tally.rows()[name] for name in expected} == expected
    assert sorted(item["chunk"] for item in asked) == [0, 0, 1, 1]
    assert {item["plan"] for item in asked} == {plan_id(request, plan)}
