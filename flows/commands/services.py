"""``flowvqtalker up``, ``status`` and ``deploy``: the page, the workers and the schedules."""

from __future__ import annotations

import os
import signal
import socket
import threading
from pathlib import Path
from typing import Annotated

import typer

from flows.commands.console import say, write_json
from flows.commands.options import JsonOption
from infra.deployment_file import DEPLOYMENT_FILE, read_deployments
from infra.object_store import open_store
from infra.services_report import report_services
from infra.services_state import only_one, services_folder, write_state
from infra.settings import Settings
from infra.store_format import check_store_format
from storage_schemas.errors import BadInputError, BuildFailedError

DeploymentsOption = Annotated[Path, typer.Option(help="File of deployments; without it, the one that comes with the program.")]
StoreOption = Annotated[str, typer.Option(help="Store that the forms start with: a folder or s3://bucket/prefix.")]
SourceOption = Annotated[str, typer.Option(help="Folder of videos that is built every night; empty: the schedule is paused.")]


def up(
    store: StoreOption = "",
    source: SourceOption = "",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the page, on this machine alone; 0: a free one.")] = 4200,
    deployments: DeploymentsOption = DEPLOYMENT_FILE,
    json: JsonOption = False,
) -> None:
    """Start a page in the browser to run everything from, with workers and schedules; Ctrl-C ends all of it.

    Examples:
        flowvqtalker up --store store/

        flowvqtalker up --store s3://bucket/datasets --source videos/
    """
    from infra.local_services import LocalServices  # noqa: PLC0415 - psutil and the server are wanted by this command alone

    settings = Settings()
    folder, address = services_folder(settings.home), _whole(store or settings.store)
    with only_one(folder):
        with open_store(address, settings) as opened:  # before a server is started for nothing
            check_store_format(opened)
            opened.check_writable()
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ended.set())
        environment = _environment(settings, address, _whole(source) if source else "")
        say("starting; the first time takes half a minute")
        with LocalServices(folder, deployments.absolute(), environment, _free_or(port)) as services:
            write_state(folder, services.state(address))
            if json:
                write_json(services.state(address).model_dump(mode="json"))
            else:
                for line in _greeting(services.page, address, services.applied):
                    say(line)
            services.watch(ended, lambda _: write_state(folder, services.state(address)))
            say("stopping; runs that are under way get some seconds to leave what they have")


def status(
    api_url: Annotated[str, typer.Option(help="A Prefect API elsewhere; empty: what `up` has started on this machine.")] = "",
    json: JsonOption = False,
) -> None:
    """Say what is up and what is wrong; exit code 1 if it is not up or something is wrong.

    Example: flowvqtalker status --json
    """
    settings = Settings()
    report = report_services(services_folder(settings.home), settings, api_url)
    if json:
        write_json(report.model_dump(mode="json"))
    else:
        for line in report.lines():
            say(line)
    if not report.up or report.problems:
        raise typer.Exit(1)


def deploy(
    store: StoreOption = "",
    source: SourceOption = "",
    deployments: DeploymentsOption = DEPLOYMENT_FILE,
    json: JsonOption = False,
) -> None:
    """Put work pools, deployments and schedules on the server that PREFECT_API_URL names; what is there is brought up to date.

    Example: PREFECT_API_URL=http://prefect.example:4200/api flowvqtalker deploy --store s3://bucket/datasets
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise BadInputError("PREFECT_API_URL is not set: name the server, e.g. http://prefect.example:4200/api")
    from infra.deployment_apply import apply_deployments  # noqa: PLC0415 - Prefect and the flows take seconds to import

    environment = {**os.environ, **({"FLOWVQTALKER_STORE": store} if store else {}), **({"FLOWVQTALKER_SOURCE": source} if source else {})}
    applied = apply_deployments(read_deployments(deployments, environment), deployments.absolute().parent)
    if json:
        write_json({"deployments": applied})
        return
    for line in applied:
        say(line)


def _whole(address: str) -> str:
    """Return the address with a folder in full: workers need not run where the command does."""
    return address if "://" in address else str(Path(address).expanduser().absolute())


def _environment(settings: Settings, store: str, source: str) -> dict[str, str]:
    return {
        "FLOWVQTALKER_STORE": store,
        "FLOWVQTALKER_SOURCE": source,
        "FLOWVQTALKER_WORKING_DIR": str(Path.cwd()),
        "PREFECT_HOME": str(settings.home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
        "PREFECT_WORKER_QUERY_SECONDS": "2",
        "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,tasks,pipelines,infra",
    }


def _free_or(port: int) -> int:
    """Return the port if nobody listens on it.

    Raises:
        BuildFailedError: somebody does.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise BuildFailedError(
                f"port {port} of this machine is taken ({error.strerror}); name another one with --port, 0: any"
            ) from error
        free: int = probe.getsockname()[1]
    return free


def _greeting(page: str, store: str, deployments: list[str]) -> list[str]:
    return [
        f"up: {page}",
        f"  store {store}",
        *[f"  {line}" for line in deployments],
        f"  to have commands of other terminals recorded there: export PREFECT_API_URL={page}/api",
        "Ctrl-C ends all of it",
    ]
