"""The process behind `local_prefect`: Prefect's server on one port, until standard input ends. Not meant for people."""

from __future__ import annotations

import os
import sys
import threading

import uvicorn


def main() -> None:
    """Serve on 127.0.0.1 at the port given as the only argument; exit at once when the parent closes the pipe or dies."""
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    uvicorn.run("prefect.server.api.server:create_app", factory=True, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")


def _exit_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # SQLite survives it, and a clean shutdown takes seconds in which nobody listens


if __name__ == "__main__":
    main()
