"""What is up, what runs, and what is wrong: asked of a Prefect server over HTTP, and of this machine."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from infra.object_store import open_store
from infra.prefect_http import PrefectHttp, online_workers
from infra.server_process import answers
from infra.services_state import ServicesState, is_held, read_state
from infra.settings import Settings
from storage_schemas.errors import BadInputError, StoreError

_LOOK_BACK = timedelta(days=1)
_MOST_RUNS = 200
_LITTLE_SPACE_BYTES = 2 * 2**30


class ServicesReport(BaseModel):
    """What `flowvqtalker status` says; nothing is wrong where `problems` is empty and it is up."""

    model_config = ConfigDict(frozen=True)

    up: bool
    page: str = ""
    api_url: str = ""
    store: str = ""
    workers: dict[str, int] = Field(default_factory=dict, description="Workers that have been heard of lately, by work pool")
    deployments: dict[str, str] = Field(default_factory=dict, description="Next scheduled run, or a word, by deployment")
    running: list[str] = Field(default_factory=list, description="Names of flow runs under way")
    recent: dict[str, int] = Field(default_factory=dict, description="Flow runs of the last day by state")
    problems: list[str] = Field(default_factory=list, description="What is wrong, each with what to do")

    def lines(self) -> list[str]:
        """Return it as lines for a terminal."""
        if not self.up:
            return [*[f"wrong: {problem}" for problem in self.problems], "nothing is up; `flowvqtalker up` starts it"]
        lines = [f"up: {self.page}", f"  store {self.store or '(none named)'}"]
        lines += [f"  work pool {name}: {count} worker(s)" for name, count in self.workers.items()]
        lines += [f"  {name}: {text}" for name, text in self.deployments.items()]
        lines.append("  last day: " + (", ".join(f"{count} {state}" for state, count in self.recent.items()) or "no runs"))
        lines += [f"  running: {name}" for name in self.running]
        lines += [f"wrong: {problem}" for problem in self.problems]
        return lines if self.problems else [*lines, "nothing is wrong"]


def report_services(folder: Path, settings: Settings, api_url: str = "") -> ServicesReport:
    """Look at what `up` has started, or at another server.

    Args:
        folder: of the services of this machine.
        settings: for the store.
        api_url: another Prefect API; empty: that of the folder.
    """
    if api_url:
        return _of_server(ServicesState(pid=0, page=api_url.removesuffix("/api"), api_url=api_url, store=settings.store,
                                        deployments=[], work_pools=[], processes={}), settings)  # fmt: skip
    state = read_state(folder)
    if state is None:
        starting = ["it is starting or stopping; ask again in some seconds"] if is_held(folder) else []
        return ServicesReport(up=False, problems=starting)
    if not is_held(folder):
        return ServicesReport(up=False, problems=["what was up did not end in order (killed, or the power failed); start it again"])
    return _of_server(state, settings)


def _of_server(state: ServicesState, settings: Settings) -> ServicesReport:
    if not answers(state.api_url):
        problem = f"the Prefect server at {state.api_url} does not answer; it is started again by itself where `up` runs, see server.log"
        return ServicesReport(up=False, page=state.page, api_url=state.api_url, store=state.store, problems=[problem])
    api = PrefectHttp(state.api_url)
    pools = {pool["name"]: pool for pool in api.post("work_pools/filter", {})}
    workers = {name: online_workers(api, name) for name in pools}
    lately = {"start_time": {"after_": (datetime.now(UTC) - _LOOK_BACK).isoformat()}}
    runs = api.post("flow_runs/filter", {"limit": _MOST_RUNS, "sort": "START_TIME_DESC", "flow_runs": lately})
    late = api.post("flow_runs/filter", {"limit": _MOST_RUNS, "flow_runs": {"state": {"name": {"any_": ["Late"]}}}})
    problems = [
        *[
            f"no worker of the work pool {name!r} has been heard of for a while; its runs wait"
            for name, count in workers.items()
            if not count
        ],
        *[f"the work pool {name!r} is paused" for name, pool in pools.items() if pool["is_paused"]],
        *[f"{run['name']} ended as {run['state_name']}: {_message(run)}" for run in runs if run["state_type"] in ("FAILED", "CRASHED")],
        *[f"{run['name']} is late: no worker had room for it" for run in late],
        *[f"{name} had to be started again {count} time(s); see its log" for name, count in state.restarts.items()],
        *_store_problems(state.store, settings),
    ]
    return ServicesReport(
        up=True,
        page=state.page,
        api_url=state.api_url,
        store=state.store,
        workers=workers,
        deployments=_deployments(api),
        running=[run["name"] for run in runs if run["state_type"] == "RUNNING"],
        recent=dict(Counter(run["state_name"].lower() for run in runs)),
        problems=problems,
    )


def _message(run: dict[str, Any]) -> str:
    return str((run.get("state") or {}).get("message") or "no message").splitlines()[0]


def _deployments(api: PrefectHttp) -> dict[str, str]:
    """Return a word on each deployment: its next run, or why there is none."""
    flows = {flow["id"]: flow["name"] for flow in api.post("flows/filter", {})}
    scheduled = api.post(
        "flow_runs/filter",
        {"limit": _MOST_RUNS, "sort": "EXPECTED_START_TIME_ASC", "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}},
    )
    next_run: dict[str, str] = {}
    for run in scheduled:
        next_run.setdefault(run["deployment_id"], run["expected_start_time"])
    found = {}
    for deployment in sorted(api.post("deployments/filter", {}), key=lambda one: (flows[one["flow_id"]], one["name"])):
        schedules = deployment["schedules"]
        paused = bool(schedules) and (deployment["paused"] or not any(schedule["active"] for schedule in schedules))
        word = "schedule paused" if paused else f"next {next_run[deployment['id']][:16]}Z" if deployment["id"] in next_run else "by hand"
        found[f"{flows[deployment['flow_id']]}/{deployment['name']}"] = word
    return found


def _store_problems(uri: str, settings: Settings) -> list[str]:
    if not uri:
        return []
    try:
        with open_store(uri, settings) as store:
            store.check_writable()
        free = shutil.disk_usage(uri).free if "://" not in uri else _LITTLE_SPACE_BYTES
    except (StoreError, BadInputError) as error:
        return [str(error)]
    except OSError:
        return []
    return [f"the disk of the store {uri} has {free / 2**30:.1f} GiB left; see `dataset gc`"] if free < _LITTLE_SPACE_BYTES else []
