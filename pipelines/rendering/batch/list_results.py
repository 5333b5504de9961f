"""The end of a run: one table of the list's clips, a gallery, and the manifest, which is written last."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from pipelines.rendering.batch.gallery import gallery_html
from pipelines.rendering.batch.results_table import segment_paths, table_bytes
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.render_results import GALLERY_FILE, MANIFEST_FILE, RESULTS_FILE, ClipResult, ClipStatus, RenderManifest


def write_overview(output: ObjectStore, results: Sequence[ClipResult], title: str) -> str:
    """Write the table and the gallery; return the table's SHA-256."""
    data = table_bytes(results)
    output.write_bytes(RESULTS_FILE, data)
    output.write_bytes(GALLERY_FILE, gallery_html(results, title).encode())
    return hashlib.sha256(data).hexdigest()


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
