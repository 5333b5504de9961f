"""The process that reads and measures videos: a decoder that hangs, crashes or eats memory costs one video.

Run as ``python -m pipelines.video_evaluation.measuring_main PARENT`` by `measuring_pool`; speaks the line protocol of
`pipelines.dataset.isolated_main`.
"""

from __future__ import annotations

import sys
from types import ModuleType

from pipelines.dataset.isolated_main import RequestHandler, serve


def _load() -> RequestHandler:
    # MediaPipe imports matplotlib for drawings that nobody asks for here: a quarter of the time that this process takes to start.
    for name in ("matplotlib", "matplotlib.pyplot"):
        sys.modules.setdefault(name, ModuleType(name))
    from pipelines.video_evaluation.group_measuring import handle  # noqa: PLC0415 - MediaPipe may write to stdout

    return handle


if __name__ == "__main__":
    serve(_load)
