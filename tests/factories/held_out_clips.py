"""Held-out clips for reenactment without a dataset: random pictures, a face that moves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pipelines.image_evaluation.held_out_clips import HeldOutClip
from tests.factories.image_models import SIZE_PX
from tests.factories.rendering_models import moving_head, picture

# Right eye, left eye, mouth, in shares of the side.
BOXES = np.array([[0.2, 0.3, 0.4, 0.4], [0.6, 0.3, 0.8, 0.4], [0.35, 0.6, 0.65, 0.8]], np.float32)


def held_out_clip(frames: int = 6, seed: int = 0, **changes: Any) -> HeldOutClip:  # noqa: ANN401 - fields of the clip
    """Return a clip all of whose frames are compared; its eyes are closed in frame 1, its mouth is open in frame 2."""
    beta, rho = moving_head(frames, seed)
    boxes = np.repeat(BOXES[None], frames, axis=0)
    boxes[1, :2, 3] -= 0.06
    boxes[2, 2, 3] += 0.1
    clip = HeldOutClip(
        clip_id=f"clip {seed}", speaker="S0", emotion="happy", rows=np.arange(frames),
        pictures=np.stack([picture(seed + number) for number in range(frames)]), boxes=boxes,
        closed=np.arange(frames) == 1, speaking=np.arange(frames) == 2, beta=beta, rho=rho, identity=np.zeros(80, np.float32),
        surrounded=picture(seed), portrait_row=0,
    )  # fmt: skip
    return replace(clip, **changes)


def constant_pictures(frames: int, value: int) -> np.ndarray:
    """Return (frames, SIZE_PX, SIZE_PX, 3) uint8 of one value."""
    return np.full((frames, SIZE_PX, SIZE_PX, 3), value, np.uint8)
