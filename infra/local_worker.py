"""A process worker of one work pool, until standard input ends. Started by `local_services`; not meant for people.

Each flow run is a process of its own below this one. When the worker is to end, its flow runs are asked to stop first: a training
writes a checkpoint, a build leaves what it has finished.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time

from prefect.workers.process import ProcessWorker

from infra.parent_watch import end_with_parent
from infra.prefect_http import PrefectHttp
from storage_schemas.errors import BadInputError

_LOOK_EVERY_S = 0.2


def main() -> None:
    """Work for the pool given as the first argument, the second being how many flow runs at a time."""
    end_with_parent(stop_children=True)
    pool, limit = sys.argv[1], int(sys.argv[2])
    _await_pool(pool)
    worker = ProcessWorker(work_pool_name=pool, name=f"{pool}-worker", limit=limit, create_pool_if_not_found=False)
    asyncio.run(worker.start(printer=_say))


def _await_pool(pool: str) -> None:
    """Wait until the server is there and has the pool: it is started beside this process, and a worker without its pool gives up."""
    api = PrefectHttp(os.environ["PREFECT_API_URL"])
    while True:
        try:
            if api.post("work_pools/filter", {"work_pools": {"name": {"any_": [pool]}}}):
                return
        except BadInputError:
            pass
        time.sleep(_LOOK_EVERY_S)


def _say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
