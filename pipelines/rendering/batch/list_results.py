"""The end of a run: one table of the list's clips, a gallery, and the manifest, which is written last."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Sequence

from pipelines.rendering.batch.gallery import gallery_html
from pipelines.rendering.batch.results_table import segment_paths, table_bytes
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.render_results import GALLERY_FILE, MANIFEST_FILE, RESULTS_FILE, ClipResult, ClipStatus, RenderManifest

_LEAST_INTERVAL_S = 10.0
_COST_FACTOR = 50.0
"""Of the time, at most a fiftieth goes into rewriting."""


def write_overview(output: ObjectStore, results: Sequence[ClipResult], title: str) -> str:
    """Write the table and the gallery; return the table's SHA-256."""
    data = table_bytes(results)
    output.write_bytes(RESULTS_FILE, data)
    output.write_bytes(GALLERY_FILE, gallery_html(results, title).encode())
    return hashlib.sha256(data).hexdigest()


class Overview:
    """Rewrites table and gallery now and then while a list is rendered; used from several threads.

    Args:
        output: the output folder.
        title: of the gallery.
    """

    def __init__(self, output: ObjectStore, title: str) -> None:
        self._output, self._title = output, title
        self._due_s = time.monotonic() + _LEAST_INTERVAL_S
        self._guard = threading.Lock()

    def refresh(self, results: Callable[[], Sequence[ClipResult]]) -> None:
        """Write both if it is time to; the longer that takes, the seldomer.

        Raises:
            StoreError: the output folder cannot be written.
        """
        if time.monotonic() < self._due_s or not self._guard.acquire(blocking=False):
            return
        try:
            started_s = time.monotonic()
            write_overview(self._output, results(), self._title)
            taken_s = time.monotonic() - started_s
            self._due_s = time.monotonic() + max(_LEAST_INTERVAL_S, _COST_FACTOR * taken_s)
        finally:
            self._guard.release()


def finish_list(
    output: ObjectStore, results: Sequence[ClipResult], *, scripts: str, scripts_sha256: str, models: Sequence[str], finished: str
) -> RenderManifest:
    """Write table, gallery and manifest of a run that is over, and remove the segments that the table has taken in.

    Args:
        output: the output folder.
        results: of every clip of the list, in its order.
        scripts: address of the list.
        scripts_sha256: of its bytes.
        models: runs that were used.
        finished: UTC time.
    """
    segments = segment_paths(output)
    sha256 = write_overview(output, results, scripts.rsplit("/", 1)[-1])
    done = sum(result.status is ClipStatus.DONE for result in results)
    manifest = RenderManifest(
        scripts=scripts, scripts_sha256=scripts_sha256, models=list(models), clips=len(results), clips_done=done,
        clips_failed=len(results) - done, results_sha256=sha256, finished=finished,
    )  # fmt: skip
    output.write_bytes(MANIFEST_FILE, manifest.model_dump_json(indent=1).encode() + b"\n")
    for path in segments:
        output.delete(path)
    return manifest
