"""Reading the coefficients of the clips that a report shows, and the frames that tell most about them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.dataset.part_reading import read_part_index, read_rows
from pipelines.face_model.basis import FaceModel
from pipelines.face_model.geometry import mesh_in_crop
from pipelines.face_model.landmark_points import mouth_opening
from pipelines.reports.fit_clips import FitClip, FitClips
from pipelines.reports.frame_search import read_frame_jpeg
from storage_schemas.errors import StoreError
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, PartRecording, RowRange

MOST_FRAMES = 250
"""Frames of a clip that are looked at, from its beginning: ten seconds."""

_CLIPS_READ_AT_ONCE = 4
_BY_FRAME = ("beta", "beta_raw", "rho", "rho_raw", "residual", "flags")


@dataclass(frozen=True)
class FittedFrame:
    """A frame with the mesh fitted to it.

    Attributes:
        index: number of the frame in its clip.
        caption: why it is shown.
        jpeg: the crop as stored.
        mesh: (vertices, 3) in shares of the crop's side, x right, y down.
    """

    index: int
    caption: str
    jpeg: bytes
    mesh: NDArray[np.float64]


@dataclass(frozen=True)
class FitSample:
    """The first T frames of a clip.

    Attributes:
        clip: whose they are.
        curves: by name: beta, beta_raw (T, 64), rho, rho_raw (T, 6), residual (T,) and flags (T,), as stored.
        pictures: up to three of its frames, in order.
    """

    clip: FitClip
    curves: dict[str, NDArray[Any]]
    pictures: list[FittedFrame]


def read_fit_samples(store: ObjectStore, model: FaceModel, clips: FitClips) -> tuple[list[FitSample], list[FitSample]]:
    """Return the samples of the clips taken by chance and of the worst; one chunk of each array and three frames a clip are read.

    Raises:
        StoreError: a part cannot be read or is damaged.
    """
    with ThreadPoolExecutor(_CLIPS_READ_AT_ONCE) as pool:
        samples = list(pool.map(lambda clip: _sample(store, model, clip), clips))
    return samples[: len(clips.chance)], samples[len(clips.chance) :]


def _sample(store: ObjectStore, model: FaceModel, clip: FitClip) -> FitSample:
    rows = RowRange(start=clip.coefficients_start, count=min(clip.frames, MOST_FRAMES))
    curves = {name: read_rows(store, clip.coefficients_part, name, rows) for name in _BY_FRAME}
    identity = read_rows(store, clip.coefficients_part, "identity", RowRange(start=clip.identity_row, count=1))[0]
    meshes = mesh_in_crop(model, identity, curves["beta"], curves["rho"], 1.0)
    recording = _recording_of(store, clip)
    pictures = [
        FittedFrame(index, caption, read_frame_jpeg(store, clip.frames_part, recording, clip.clip_key, index), meshes[index])
        for index, caption in sorted(_telling_frames(model, meshes, curves))
    ]
    return FitSample(clip, curves, pictures)


def _telling_frames(model: FaceModel, meshes: NDArray[np.float64], curves: dict[str, NDArray[Any]]) -> Iterator[tuple[int, str]]:
    """Yield up to three different frames: the poorest fit, the widest mouth, the head turned furthest."""
    landmarks = np.zeros((len(meshes), model.landmarks.max() + 1, 2))
    landmarks[:, model.landmarks] = meshes[:, model.landmark_vertices, :2]
    measures = {
        "poorest fit": np.nan_to_num(curves["residual"], nan=-1.0),
        "mouth open widest": mouth_opening(landmarks) / curves["rho"][:, 5],
        "head turned furthest": np.abs(curves["rho"][:, :2]).max(axis=1),
    }
    left = np.ones(len(meshes), dtype=bool)
    for caption, values in measures.items():
        if left.any():
            index = int(np.where(left, values, -np.inf).argmax())
            left[index] = False
            yield index, caption


def _recording_of(store: ObjectStore, clip: FitClip) -> PartRecording:
    for recording in read_part_index(store, Family.FRAMES, clip.frames_part).recordings:
        if any(item.clip.clip_key == clip.clip_key for item in recording.clips):
            return recording
    msg = f"{store.uri}: frames part {clip.frames_part} should hold clip {clip.clip_id} ({clip.clip_key}) and does not; build again"
    raise StoreError(msg)
