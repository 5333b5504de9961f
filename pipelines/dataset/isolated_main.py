"""The child side of `isolation`: reads one JSON request a line, handles one recording, answers with one JSON line.

Run as ``python -m pipelines.dataset.isolated_main PARENT`` with the process id of the parent; not meant for people. Native libraries may
write to stdout, so the answers go to a duplicate of it and stdout itself is joined to stderr.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from storage_schemas.errors import BadInputError, StoreError

RequestHandler = Callable[[dict[str, Any], Callable[[float], None]], dict[str, Any]]

_PR_SET_PDEATHSIG = 1
_STORE_ERRNOS = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO}


def main() -> None:
    """Answer requests of a dataset build until stdin ends."""

    def load_handler() -> RequestHandler:
        from pipelines.dataset.request_handling import handle_request  # noqa: PLC0415 - it may write to stdout

        return handle_request

    serve(load_handler)


def serve(load_handler: Callable[[], RequestHandler]) -> None:
    """Answer requests until stdin ends.

    Args:
        load_handler: gives what handles a request; called when stdout is no longer where answers go, so its imports may write there.
    """
    _die_with_parent()
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    import cv2  # noqa: PLC0415 - it may write to stdout

    handle_request = load_handler()
    cv2.setNumThreads(1)

    for line in sys.stdin.buffer:
        _answer(answers, _handled(handle_request, json.loads(line), lambda media_s: _answer(answers, {"media_s": media_s})))


def _handled(handle: RequestHandler, request: dict[str, Any], on_progress: Callable[[float], None]) -> dict[str, Any]:
    try:
        return {"result": handle(request, on_progress)}
    except StoreError as error:
        return {"error": "store", "message": str(error)}
    except BadInputError as error:
        return {"error": "input", "message": str(error)}
    except OSError as error:
        traceback.print_exc()
        if error.errno in _STORE_ERRNOS:
            message = (
                f"cannot write to {Path(request['out_folder']).parent}: {error.strerror}; free space or make it writable, then run again"
            )
            return {"error": "store", "message": message}
        return {"error": type(error).__name__, "message": str(error)}
    except Exception as error:
        traceback.print_exc()
        kind = "memory" if isinstance(error, MemoryError) else type(error).__name__
        return {"error": kind, "message": f"{type(error).__name__}: {error}"}


def _answer(stream: BinaryIO | Any, answer: dict[str, Any]) -> None:  # noqa: ANN401
    stream.write(json.dumps(answer).encode() + b"\n")


def _die_with_parent() -> None:
    """Ask the kernel for SIGKILL when the parent goes; where that is not Linux, look now and then whether it is there."""
    parent = int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it went before it was asked for
            os._exit(1)
        return

    def watch() -> None:
        while os.getppid() == parent:
            threading.Event().wait(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    main()
