"""Prefect's server on one port, until standard input ends. Started by `server_process`; not meant for people."""

from __future__ import annotations

import sys

import uvicorn

from infra.parent_watch import end_with_parent


def main() -> None:
    """Serve on 127.0.0.1 at the port given as the only argument; exit at once when the parent closes the pipe or dies."""
    end_with_parent()  # SQLite survives it, and a clean shutdown takes seconds in which nobody listens
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


if __name__ == "__main__":
    main()
