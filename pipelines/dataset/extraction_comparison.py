"""The poses of a version's clip beside those that other programs extracted from the same video."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.dataset.part_reading import read_rows
from pipelines.dataset.version_tables import VersionTable, read_batches
from pipelines.dataset.versions import load_manifest
from pipelines.face_model.fit_measures import correlation
from pipelines.face_model.importing import read_coefficients
from pipelines.media_time import CLIP_FPS
from pipelines.video.frame_grid import assign_slots, grid_phase_s
from pipelines.video.probing import MediaProbe, probe_media
from storage_schemas.errors import BadInputError
from storage_schemas.identifiers import escape_path
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import RowRange

_ANGLES = ("pitch", "yaw", "roll")
_COLUMNS = ("source_video", "source_start_s", "frames", "coefficients_part", "coefficients_start")


def compare_extractions(store: ObjectStore, version: str, source: Path, video: str, files: Sequence[Path]) -> list[dict[str, Any]]:
    """Correlate the pose curves of a clip with those of extracted coefficients, and these with each other.

    Args:
        store: where the version is.
        version: id, beginning of one, or tag.
        source: the folder of its corpus.
        video: name of a source video, relative to the folder.
        files: coefficients of its last frames, a row for each, as `importing` reads them.

    Returns:
        A row for each pair: first, second (file names, or "ours"), frames, and Pearson's r of pitch, yaw and roll.

    Raises:
        BadInputError: the version has no fitted clip of the video, or a file cannot be read.
    """
    manifest = load_manifest(store, version)
    row = _row_of(store, manifest.dataset_version, video)
    probe = probe_media(source / video, manifest.spec.limits, audio_required=False)
    shown = _source_frames(probe, row)
    rows = RowRange(start=row["coefficients_start"], count=row["frames"])
    curves = {"ours": read_rows(store, row["coefficients_part"], "rho", rows)[:, :3].astype(np.float64)}
    known = np.ones(len(shown), dtype=bool)
    for path in files:
        angles = read_coefficients(path).angles_rad.astype(np.float64)
        numbers = shown - (len(probe.frame_pts) - len(angles))  # the first frames are what extractions lack
        known &= numbers >= 0
        curves[path.name] = angles[np.maximum(numbers, 0)]
    return [
        {"first": first, "second": second, "frames": int(known.sum())}
        | {name: round(correlation(curves[first][known, axis], curves[second][known, axis]), 4) for axis, name in enumerate(_ANGLES)}
        for first, second in itertools.combinations(curves, 2)
    ]


def _row_of(store: ObjectStore, version: str, video: str) -> dict[str, Any]:
    for batch in read_batches(store, version, VersionTable.CLIPS, _COLUMNS):
        for row in batch.to_pylist():
            if row["source_video"] == escape_path(video) and row["coefficients_part"]:
                return dict(row)
    raise BadInputError(f"version {version} has no fitted clip of the video {video!r}; name it as it is called in the source folder")


def _source_frames(probe: MediaProbe, row: dict[str, Any]) -> NDArray[np.int64]:
    """Return the number of the source frame that each frame of a clip shows."""
    phase_s = float(grid_phase_s(probe.frame_pts, probe.time_base))
    first = round((row["source_start_s"] - phase_s) * CLIP_FPS)
    shown = assign_slots(probe.frame_pts, probe.time_base).source_index[first : first + row["frames"]]
    return np.asarray(shown, dtype=np.int64)
