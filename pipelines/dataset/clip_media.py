"""The images and the sound of clips, read back from their parts one clip at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import zarr

from pipelines.dataset.clip_tars import clip_images
from pipelines.dataset.part_arrays import layout_of
from pipelines.dataset.part_reading import array_rows
from pipelines.dataset.part_store import open_part_array
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.part_layout import Family, RowRange, part_path


@dataclass(frozen=True)
class ClipMedia:
    """What a clip looks and sounds like.

    Attributes:
        frames: number of images.
        images: JPEG bytes of every frame, 25 a second; they can be gone through once, before the next clip is asked for.
        waveform: int16, 16 kHz, (samples,); None if the clip has no audio.
    """

    frames: int
    images: Iterator[bytes]
    waveform: npt.NDArray[np.int16] | None


def clip_media(store: ObjectStore, clips: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ClipMedia]]:
    """Yield clips of one frames part with their media, in the order of the part; memory holds an image at a time.

    Args:
        store: where the parts are.
        clips: rows of CLIP_SCHEMA with the same `frames_part`.

    Raises:
        StoreError: if a part is damaged.
        FileNotFoundError: if a part is missing.
    """
    if not clips:
        return
    by_key = {clip["clip_key"]: clip for clip in clips}
    waveforms = {key: open_part_array(store, key, layout_of("waveform")) for key in sorted({clip["audio_part"] for clip in clips} - {""})}
    with store.open(f"{part_path(Family.FRAMES, clips[0]['frames_part'])}/frames.tar") as tar:
        for key, images in clip_images(tar, {key: clip["frames"] for key, clip in by_key.items()}):
            clip = by_key[key]
            yield clip, ClipMedia(clip["frames"], images, _waveform(clip, waveforms))


def _waveform(clip: dict[str, Any], arrays: dict[str, zarr.Array[Any]]) -> npt.NDArray[np.int16] | None:
    if not clip["audio_part"]:
        return None
    rows = RowRange(start=clip["waveform_start"], count=clip["waveform_samples"])
    return array_rows(arrays[clip["audio_part"]], rows).astype(np.int16, copy=False)
