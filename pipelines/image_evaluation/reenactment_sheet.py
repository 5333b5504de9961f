"""The sheet of a reenactment: for each clip rows of what was asked for, what was made, the warped portrait, and the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.image_evaluation.held_out_clips import HeldOutClip
from pipelines.image_evaluation.reenactment import reenact, warped_portraits
from pipelines.rendering.frame_generator import FrameGenerator

Pictures = NDArray[np.uint8]

ROWS = ("asked for", "made", "warped", "difference x3")
_LABEL_PX, _TITLE_PX, _GAP_PX = 92, 18, 6
_DIFFERENCE_GAIN = 3
_LARGEST_PX = 192
_INK, _PAPER = (20, 20, 20), 255


@dataclass(frozen=True, eq=False)
class SheetClip:
    """The pictures of one clip on a sheet.

    Attributes:
        title: clip, speaker, emotion.
        portrait: (size, size, 3) uint8.
        columns: what each frame was chosen for.
        rows: by the names of `ROWS`, (columns, size, size, 3) uint8.
    """

    title: str
    portrait: Pictures
    columns: list[str]
    rows: dict[str, Pictures]


def telling_frames(clip: HeldOutClip) -> dict[str, int]:
    """Return places in `clip.rows` of frames that show most, by what they show: closed eyes, open mouth, turned head, and others."""
    heights = np.nan_to_num(clip.boxes[:, :, 3] - clip.boxes[:, :, 1], nan=0.0)
    yaw = np.abs(clip.rho[clip.rows, 1] - clip.rho[clip.portrait_row, 1])
    pitch = np.abs(clip.rho[clip.rows, 0] - clip.rho[clip.portrait_row, 0])
    eyes = heights[:, :2].sum(axis=1)
    wanted = {
        "eyes closed": int(np.argmin(np.where(eyes > 0, eyes, np.inf))),
        "mouth open": int(heights[:, 2].argmax()),
        "mouth closed": int(np.argmin(np.where(heights[:, 2] > 0, heights[:, 2], np.inf))),
        "turned": int(yaw.argmax()),
        "nodded": int(pitch.argmax()),
        "first": 0,
        "middle": len(clip.rows) // 2,
        "last": len(clip.rows) - 1,
    }
    chosen: dict[str, int] = {}
    for name, row in wanted.items():
        if row not in chosen.values():
            chosen[name] = row
    return chosen


def sheet_clip(generator: FrameGenerator, clip: HeldOutClip) -> SheetClip:
    """Return the pictures of a clip's telling frames."""
    frames = telling_frames(clip)
    places = np.array(list(frames.values()), np.int64)
    shown = replace(
        clip, rows=clip.rows[places], pictures=clip.pictures[places], boxes=clip.boxes[places],
        closed=clip.closed[places], speaking=clip.speaking[places],
    )  # fmt: skip
    made = reenact(generator, shown).made
    difference = np.abs(made.astype(np.int16) - shown.pictures).astype(np.float32) * _DIFFERENCE_GAIN
    pictures = (shown.pictures, made, warped_portraits(generator, shown, shown.rows), difference.clip(0, 255).astype(np.uint8))
    title = ", ".join(part for part in (clip.clip_id, clip.speaker, clip.emotion) if part)
    names = [f"{name} ({row})" for name, row in zip(frames, shown.rows.tolist(), strict=True)]
    return SheetClip(title, clip.portrait, names, dict(zip(ROWS, pictures, strict=True)))


def draw_sheet(clips: Sequence[SheetClip]) -> Pictures:
    """Return a sheet (height, width, 3) uint8 of one clip or more; large pictures are shrunk."""
    size = min(_LARGEST_PX, clips[0].portrait.shape[0])
    width = _LABEL_PX + (1 + max(len(clip.columns) for clip in clips)) * (size + _GAP_PX)
    block = 2 * _TITLE_PX + len(ROWS) * (size + _GAP_PX)
    sheet = Image.new("RGB", (width, len(clips) * block + _GAP_PX), (_PAPER,) * 3)
    draw = ImageDraw.Draw(sheet)
    for number, clip in enumerate(clips):
        _draw_clip(sheet, draw, clip, number * block, size)
    return np.asarray(sheet, np.uint8)


def _draw_clip(sheet: Image.Image, draw: ImageDraw.ImageDraw, clip: SheetClip, top: int, size: int) -> None:
    draw.text((4, top + 3), clip.title, fill=_INK)
    left = [_LABEL_PX + place * (size + _GAP_PX) for place in range(len(clip.columns) + 1)]
    for x, name in zip(left, ["portrait", *clip.columns], strict=True):
        draw.text((x, top + _TITLE_PX + 2), name, fill=_INK)
    for number, name in enumerate(ROWS):
        y = top + 2 * _TITLE_PX + number * (size + _GAP_PX)
        draw.text((4, y + size // 2), name, fill=_INK)
        if number == 0:
            sheet.paste(_shrunk(clip.portrait, size), (left[0], y))
        for x, picture in zip(left[1:], clip.rows[name], strict=True):
            sheet.paste(_shrunk(picture, size), (x, y))


def _shrunk(picture: Pictures, size: int) -> Image.Image:
    image = Image.fromarray(picture)
    return image if image.width == size else image.resize((size, size), Image.Resampling.BOX)
