"""Held-out clips to reenact: their pictures in the generator's window, and what the face in them does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.dataset.version_tables import VersionTable, read_rows
from pipelines.training.images.face_window import face_window
from pipelines.training.images.frame_decoding import decode_frame
from pipelines.training.images.version_frames import ClipFrames, VersionFrames, closed_eyes, resting_order
from storage_schemas.errors import BadInputError

Float32Array = NDArray[np.float32]
Rows = NDArray[np.int64]

_OPEN_MOUTH_PERCENTILE = 80


@dataclass(frozen=True, eq=False)
class HeldOutClip:
    """One clip in the window of a generator.

    Attributes:
        clip_id, speaker, emotion: of the clip; the last two empty: unknown.
        rows: (n,) the frames that are compared, of all frames of the clip.
        pictures: (n, size, size, 3) uint8 RGB of these.
        boxes: (n, 3, 4) right eye, left eye and mouth of these, in shares of the side; NaN: not found.
        closed: (n,) bool, eyes closed.
        speaking: (n,) bool, mouth wide open for this clip.
        beta, rho: (frames, 64) and (frames, 6) of all frames, rho in units of the window.
        identity: (identity modes,).
        surrounded: (size + 2 surroundings, likewise, 3) uint8, the picture that is animated and what is around it.
        portrait_row: which frame it is: eyes open, mouth at rest.
    """

    clip_id: str
    speaker: str
    emotion: str
    rows: Rows
    pictures: NDArray[np.uint8]
    boxes: Float32Array
    closed: NDArray[np.bool_]
    speaking: NDArray[np.bool_]
    beta: Float32Array
    rho: Float32Array
    identity: Float32Array
    surrounded: NDArray[np.uint8]
    portrait_row: int

    @property
    def portrait(self) -> NDArray[np.uint8]:
        """(size, size, 3) uint8, the picture that is animated."""
        side, size = len(self.surrounded), self.pictures.shape[1]
        margin = (side - size) // 2
        return self.surrounded[margin : side - margin, margin : side - margin]

    @property
    def portrait_coefficients(self) -> Float32Array:
        """(70,) beta and rho of the portrait."""
        return np.concatenate([self.beta[self.portrait_row], self.rho[self.portrait_row]])


@dataclass(frozen=True)
class ClipChoice:
    """Which clips and frames are looked at.

    Attributes:
        split: of the version.
        most_clips, most_frames: of the split, and of each clip; evenly chosen.
    """

    split: str = "validation"
    most_clips: int = 16
    most_frames: int = 100


@dataclass(frozen=True)
class PictureSizes:
    """Side of a generator's pictures, and of what goes with a portrait around it, in pixels."""

    size_px: int
    surroundings_px: int


def held_out_clips(source: VersionFrames, choice: ClipChoice, window_iods: float, sizes: PictureSizes) -> Iterator[HeldOutClip]:
    """Yield clips of a version one by one, so that only one is in memory.

    Args:
        source: the version.
        choice: which of its clips.
        window_iods: of the generator's training.
        sizes: of its pictures.

    Raises:
        BadInputError: the split has no clips with coefficients, or there is no such split.
        StoreError: the version is damaged.
    """
    if choice.split not in source.tables:
        raise BadInputError(f"pictures are read of splits {', '.join(source.tables)}, not of {choice.split!r}")
    table = source.tables[choice.split]
    if not len(table):
        raise BadInputError(f"{source.dataset} has no clips with coefficients in split {choice.split!r}")
    named = {
        row["clip_key"]: row for row in read_rows(source.store, source.dataset, VersionTable.CLIPS, ("clip_key", "clip_id", "emotion"))
    }
    for row in evenly(len(table), choice.most_clips):
        (clip,) = source.read(table, [int(row)])
        known = named[clip.clip_key]
        yield _in_window(clip, known["clip_id"], known["emotion"], (choice.most_frames, window_iods, sizes, source.crop_px))


def evenly(count: int, most: int) -> Rows:
    """Return at most `most` of `count` numbers, evenly chosen, first and last among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _in_window(clip: ClipFrames, clip_id: str, emotion: str, how: tuple[int, float, PictureSizes, int]) -> HeldOutClip:
    most_frames, window_iods, sizes, crop_px = how
    window = face_window(clip.rho, window_iods)
    usable = np.flatnonzero(clip.usable) if clip.usable.any() else np.arange(len(clip.jpegs))
    rows = usable[evenly(len(usable), most_frames)]
    portrait_row = int(resting_order(clip)[0])
    pictures = np.stack([decode_frame(clip.jpegs[row], window, sizes.size_px, crop_px) for row in rows])
    mouth = clip.mouth[rows]
    wide = np.nanpercentile(clip.mouth, _OPEN_MOUTH_PERCENTILE) if np.isfinite(clip.mouth).any() else np.inf
    return HeldOutClip(
        clip_id=clip_id,
        speaker=clip.speaker,
        emotion=emotion,
        rows=rows,
        pictures=pictures,
        boxes=window.points(clip.boxes[rows].reshape(-1, 3, 2, 2)).reshape(-1, 3, 4),
        closed=closed_eyes(clip)[rows],
        speaking=np.nan_to_num(mouth, nan=-1.0) >= wide,
        beta=clip.coefficients[:, :64],
        rho=window.pose(clip.rho),
        identity=clip.identity,
        surrounded=decode_frame(clip.jpegs[portrait_row], window, sizes.size_px, crop_px, sizes.surroundings_px),
        portrait_row=portrait_row,
    )
