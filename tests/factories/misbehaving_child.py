"""A child for `IsolatedProcess` that does on request what broken decoders do: hang holding the GIL, eat memory, crash, fail."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from typing import Any


def misbehave(request: dict[str, Any]) -> dict[str, Any]:
    """Do what the request says, or echo it."""
    match request["do"]:
        case "hang":
            re.match(r"(a+)+$", "a" * 64 + "b")  # catastrophic backtracking never gives the GIL away
        case "eat":
            hoard = [bytearray(os.urandom(1)) * (64 * 2**20) for _ in range(64)]
            del hoard
        case "crash":
            os.abort()
        case "work":
            for step in range(request["steps"]):
                time.sleep(request["step_s"])
                sys.stdout.write(json.dumps({"media_s": step + 1}) + "\n")
                sys.stdout.flush()
        case "stop_half_way":
            sys.stdout.write(json.dumps({"media_s": request["media_s"]}) + "\n")
            sys.stdout.flush()
            time.sleep(600)
        case "full":
            return {"error": "store", "message": "no space left"}
        case "crash_once":
            marker = request["marker"]
            try:
                os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            except FileExistsError:
                return {"result": {"echo": request, "pid": os.getpid()}}
            os.abort()
    return {"result": {"echo": request, "pid": os.getpid()}}


if __name__ == "__main__":
    for line in sys.stdin.buffer:
        sys.stdout.write(json.dumps(misbehave(json.loads(line))) + "\n")
        sys.stdout.flush()
