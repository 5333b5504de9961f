"""Videos side by side: the true one first, names above, the sound of the first."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pipelines.comparisons.grid_video import GridVideo, Picture, open_grid_video
from pipelines.media_time import CLIP_FPS, SAMPLES_PER_FRAME
from pipelines.reports.label_font import label_font
from pipelines.reports.readable_text import readable
from pipelines.video.encoding import write_video
from storage_schemas.errors import BadInputError

MOST_VIDEOS = 24
_MOST_IN_A_ROW = 4
_LABEL_SHARE, _LEAST_LABEL_PX, _GAP_PX = 0.11, 22, 4
_PAPER, _INK, _FAINT = (18, 20, 23), (240, 240, 238), (150, 155, 160)
_ENDED_SHADE = 0.35
"""Brightness of the last picture of a video that is over before the first one."""


@dataclass(frozen=True)
class NamedVideo:
    """A video and the name that is drawn above it."""

    name: str
    path: Path


@dataclass(frozen=True)
class SideBySide:
    """What was written.

    Attributes:
        frames: of the first video.
        columns, rows: of the layout.
        notes: a sentence for each video that is shorter, longer, or has another rate.
    """

    frames: int
    columns: int
    rows: int
    notes: list[str]


def write_side_by_side(
    videos: Sequence[NamedVideo],
    out: Path,
    *,
    height_px: int = 256,
    columns: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> SideBySide:
    """Write one video that shows several at the same time, as long as the first of them.

    A shorter one keeps its last picture, darkened, and says that it is over; a longer one is cut. Other rates are brought to 25 frames a
    second by time, not by number. The sound is that of the first video, or of the next that has one.

    Args:
        videos: with their names; the first is the reference.
        out: mp4 to write; it appears whole.
        height_px: of each picture.
        columns: videos in a row; 0: up to four, rows as even as can be.
        on_progress: (frames done, frames in all).

    Raises:
        BadInputError: too few or many videos, one that cannot be read, or a name that cannot be written.
    """
    if not 2 <= len(videos) <= MOST_VIDEOS:
        raise BadInputError(f"expected 2 to {MOST_VIDEOS} videos, got {len(videos)}")
    if out.suffix.lower() != ".mp4":
        raise BadInputError(f"{out}: expected a name that ends in .mp4")
    opened = [open_grid_video(video.path) for video in videos]
    layout = _Layout.of(opened, height_px, columns)
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = out.with_name(f".{out.stem}-{secrets.token_hex(4)}.mp4")
    names = [readable(video.name, 40) for video in videos]
    try:
        frames = write_video(
            partial, _counted(_pages(opened, names, layout), opened[0].slots, on_progress), CLIP_FPS, audio=_sound(opened),
            metadata={"title": " | ".join(names), "comment": "Comparison of videos; all but the reference may be synthetic."},
        )  # fmt: skip
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return SideBySide(frames, layout.columns, layout.rows, _notes(names, opened))


@dataclass(frozen=True)
class _Layout:
    columns: int
    rows: int
    width_px: int
    height_px: int
    label_px: int

    @classmethod
    def of(cls, videos: Sequence[GridVideo], height_px: int, columns: int) -> _Layout:
        """Return cells as wide as the first video wants them, all sides even."""
        height = max(32, height_px // 2 * 2)
        first = videos[0].probe
        width = max(32, round(first.width_px / first.height_px * height / 2) * 2)
        across = min(len(videos), columns or -(-len(videos) // -(-len(videos) // _MOST_IN_A_ROW)))
        label = max(_LEAST_LABEL_PX, round(height * _LABEL_SHARE / 2) * 2)
        return cls(across, -(-len(videos) // across), width, height, label)

    @property
    def page_px(self) -> tuple[int, int]:
        """Height and width of the whole picture."""
        return self.rows * (self.label_px + self.height_px + _GAP_PX), self.columns * (self.width_px + _GAP_PX)

    def corner(self, number: int) -> tuple[int, int]:
        """Return top and left of a video's label."""
        row, column = divmod(number, self.columns)
        return row * (self.label_px + self.height_px + _GAP_PX), column * (self.width_px + _GAP_PX) + _GAP_PX // 2


def _pages(videos: Sequence[GridVideo], names: Sequence[str], layout: _Layout) -> Iterator[Picture]:
    empty = _labelled_page(names, layout)
    streams = [_shown(video, videos[0].slots, layout) for video in videos]
    for pictures in zip(*streams, strict=True):
        page = empty.copy()
        for number, picture in enumerate(pictures):
            top, left = layout.corner(number)
            page[top + layout.label_px : top + layout.label_px + layout.height_px, left : left + layout.width_px] = picture
        yield page


def _shown(video: GridVideo, slots: int, layout: _Layout) -> Iterator[Picture]:
    last = np.zeros((layout.height_px, layout.width_px, 3), np.uint8)
    shown = 0
    for last in itertools.islice(video.pictures(layout.width_px, layout.height_px), slots):
        shown += 1
        yield last
    over = _written(np.asarray(last * _ENDED_SHADE, np.uint8), "over", layout)
    for _ in range(slots - shown):
        yield over


def _labelled_page(names: Sequence[str], layout: _Layout) -> Picture:
    page = Image.new("RGB", layout.page_px[::-1], _PAPER)
    draw = ImageDraw.Draw(page)
    for number, name in enumerate(names):
        top, left = layout.corner(number)
        font = _fitting_font(name, layout.width_px, layout.label_px * 0.66)
        middle = (left + layout.width_px / 2, top + layout.label_px / 2)
        draw.text(middle, name, fill=_INK, font=font, anchor="mm")
    return np.array(page, np.uint8)


def _written(picture: Picture, text: str, layout: _Layout) -> Picture:
    image = Image.fromarray(picture)
    font = label_font(layout.label_px * 0.66)
    ImageDraw.Draw(image).text((layout.width_px / 2, layout.height_px / 2), text, fill=_FAINT, font=font, anchor="mm")
    return np.array(image, np.uint8)


def _fitting_font(text: str, width_px: int, size_px: float) -> ImageFont.FreeTypeFont:
    length = label_font(size_px).getlength(text)
    return label_font(size_px if length <= width_px else max(7.0, size_px * width_px / length))


def _sound(videos: Sequence[GridVideo]) -> NDArray[np.float32] | None:
    """Return the sound of the first video that has one, as long as the first video."""
    waveform = next((found for video in videos if (found := video.waveform()) is not None), None)
    if waveform is None:
        return None
    samples = videos[0].slots * SAMPLES_PER_FRAME
    return np.pad(waveform[:samples], (0, max(0, samples - len(waveform))))


def _counted(pages: Iterator[Picture], total: int, on_progress: Callable[[int, int], None] | None) -> Iterator[Picture]:
    for number, page in enumerate(pages, start=1):
        yield page
        if on_progress is not None:
            on_progress(number, total)


def _notes(names: Sequence[str], videos: Sequence[GridVideo]) -> list[str]:
    first = videos[0].slots
    notes = []
    for name, video in zip(names, videos, strict=True):
        if video.slots != first:
            fate = "is over earlier and stays on its last picture" if video.slots < first else "is cut"
            notes.append(f"{name} has {video.slots} frames, {names[0]} has {first}: it {fate}")
        if abs(video.probe.fps - CLIP_FPS) > 0.01:
            notes.append(f"{name} has {video.probe.fps:.3f} frames a second, shown at {CLIP_FPS}")
    if videos[0].probe.has_audio is False and any(video.probe.has_audio for video in videos):
        heard = next(name for name, video in zip(names, videos, strict=True) if video.probe.has_audio)
        notes.append(f"{names[0]} has no sound, that of {heard} is heard")
    return notes
