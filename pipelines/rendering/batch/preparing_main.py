"""The process that opens the files of rows: a decoder that hangs, crashes or eats memory costs one row.

Run as ``python -m pipelines.rendering.batch.preparing_main PARENT`` by `preparation`; speaks the line protocol of
`pipelines.dataset.isolated_main`.
"""

from __future__ import annotations

from pipelines.dataset.isolated_main import RequestHandler, serve


def _load() -> RequestHandler:
    from pipelines.rendering.batch.file_preparing import handle  # noqa: PLC0415 - MediaPipe may write to stdout

    return handle


if __name__ == "__main__":
    serve(_load)
