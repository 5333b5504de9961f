"""Reading the landmarks of a part from a local copy of its folder, checked against the hashes of its index."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import zarr
from numpy.typing import NDArray

from pipelines.dataset.part_arrays import group_name
from storage_schemas.errors import StoreError
from storage_schemas.part_layout import PART_INDEX_FILE, Family, PartClip, PartIndex


class LandmarkFiles:
    """A local copy of a landmarks part.

    Args:
        folder: the part's folder with its `part.json`.

    Raises:
        FileNotFoundError: the part is not there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.index = PartIndex.model_validate_json((folder / PART_INDEX_FILE).read_bytes())

    def read(self, item: PartClip) -> NDArray[np.float32]:
        """Return a clip's landmarks: float32 (frames, 478, 3) in pixels of the crop, NaN where no face was detected.

        Raises:
            StoreError: the data are not those that the index was made of.
        """
        digest = hashlib.sha256()
        arrays = {}
        for name in ("landmarks", "detected"):
            rows = item.ranges[name]
            try:
                group = self._folder / group_name(Family.LANDMARKS)
                values = np.asarray(zarr.open_array(group / name, mode="r", zarr_format=3)[rows.start : rows.start + rows.count])
            except Exception as error:  # whatever a codec makes of damaged bytes
                raise self._damaged(item, f"does not decode ({type(error).__name__}: {error})") from error
            digest.update(np.ascontiguousarray(values).data)
            arrays[name] = values
        if digest.hexdigest() != item.hashes.landmarks:
            raise self._damaged(item, f"should have SHA-256 {item.hashes.landmarks}, it has {digest.hexdigest()}")
        landmarks: NDArray[np.float32] = arrays["landmarks"]
        return landmarks

    def _damaged(self, item: PartClip, what: str) -> StoreError:
        return StoreError(
            f"landmarks part {self.index.key}: clip {item.clip.clip_id} {what}; run `flowvqtalker dataset verify`, remove the part and "
            "build again"
        )
