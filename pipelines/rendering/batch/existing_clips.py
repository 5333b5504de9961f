"""Which clips of a list are in the output folder already."""

from __future__ import annotations

from pipelines.rendering.batch.clip_sources import NamedClip
from pipelines.rendering.batch.lineage import asked, read_clip, result_of
from pipelines.rendering.batch.results_table import read_results
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.render_results import ClipResult, ClipStatus


class ExistingClips:
    """What was in an output folder when a run began.

    Args:
        store: the output folder.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._sizes = dict(store.list_objects(""))
        self._known = {
            (result.clip_id, result.output): result for result in read_results(store).values() if result.status is ClipStatus.DONE
        }

    def find(self, named: NamedClip) -> ClipResult | None:
        """Return the record of a clip that is there, whole and of the same inputs; None: it is to be made."""
        size = self._sizes.get(named.output)
        if size is None:
            return None
        known = self._known.get((named.clip_id, named.output))
        if known is not None and known.size_bytes == size:
            return known.model_copy(update={"row": named.clip.number, "take": named.clip.take, **asked(named.clip)})
        # It was published, but whoever did so ended before it was noted; or another clip has this name.
        with self._store.open(named.output) as file:
            found = read_clip(file)
        if found.lineage.get("clip_id") != named.clip_id:
            return None
        return result_of(named, found.lineage, frames=found.frames, size=size, finished="", thumbnail=found.thumbnail)
