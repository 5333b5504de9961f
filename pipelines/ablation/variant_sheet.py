"""The picture of an image generator's ablation: held-out frames, true and as each variant makes them, as in the paper's figure 7."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from pipelines.image_evaluation.ablation_report import ImageAblationReport
from pipelines.image_evaluation.evaluation import ImageInputs, load_inputs
from pipelines.image_evaluation.held_out_clips import ClipChoice, HeldOutClip
from pipelines.image_evaluation.reenactment import reenact
from pipelines.image_evaluation.reenactment_sheet import telling_frames
from pipelines.rendering.frame_generator import RenderSettings
from pipelines.reports.label_font import label_font
from storage_schemas.object_store_protocol import ObjectStore

Pictures = NDArray[np.uint8]

_CLIPS, _FRAMES_PER_CLIP = 3, 2
_WANTED = ("mouth open", "turned")
_LARGEST_PX, _LEAST_PX, _TITLE_PX, _LABEL_PX, _GAP_PX = 192, 128, 26, 110, 4
_INK, _PAPER = (20, 20, 20), (255, 255, 255)


@dataclass(frozen=True)
class _Column:
    title: str
    pictures: list[Pictures]


def variant_sheet(store: ObjectStore, dataset: str, report: ImageAblationReport, render: RenderSettings) -> bytes:
    """Return a PNG: a row for each frame, a column for the portrait, the true frame and each variant's first repetition.

    Raises:
        BadInputError: no such run or version.
        StoreError: something is damaged.
    """
    choice = ClipChoice(report.split, _CLIPS)
    columns: list[_Column] = []
    labels: list[str] = []
    for run in (run for run in report.runs if run.repetition == 0):
        inputs = load_inputs(store, run.run, dataset, choice, render)
        shown = [_shown(clip) for clip in inputs.clips()]
        if not columns:
            columns = [_Column("portrait", _portraits(shown)), _Column("true frame", _flat([clip.pictures for clip, _ in shown]))]
            labels = [label for _, names in shown for label in names]
        columns.append(_Column(run.variant, _flat([_made(inputs, clip) for clip, _ in shown])))
    return _drawn(columns, labels)


def _shown(clip: HeldOutClip) -> tuple[HeldOutClip, list[str]]:
    """Return a clip cut to its telling frames, and what they show."""
    found = telling_frames(clip)
    names = [name for name in _WANTED if name in found][:_FRAMES_PER_CLIP] or list(found)[:_FRAMES_PER_CLIP]
    places = np.array([found[name] for name in names], np.int64)
    cut = replace(
        clip, rows=clip.rows[places], pictures=clip.pictures[places], boxes=clip.boxes[places],
        closed=clip.closed[places], speaking=clip.speaking[places],
    )  # fmt: skip
    return cut, [f"{clip.emotion or clip.speaker}\n{name}" for name in names]


def _made(inputs: ImageInputs, clip: HeldOutClip) -> Pictures:
    return reenact(inputs.generator, clip).made


def _portraits(shown: Sequence[tuple[HeldOutClip, list[str]]]) -> list[Pictures]:
    return [clip.portrait for clip, names in shown for _ in names]


def _flat(batches: Sequence[Pictures]) -> list[Pictures]:
    return [picture for batch in batches for picture in batch]


def _drawn(columns: Sequence[_Column], labels: Sequence[str]) -> bytes:
    if not columns:
        return b""
    side = int(np.clip(columns[-1].pictures[0].shape[0], _LEAST_PX, _LARGEST_PX))
    sheet = Image.new("RGB", (_LABEL_PX + len(columns) * (side + _GAP_PX), _TITLE_PX + len(labels) * (side + _GAP_PX)), _PAPER)
    draw, font = ImageDraw.Draw(sheet), label_font(13)
    for row, label in enumerate(labels):
        draw.text((4, _TITLE_PX + row * (side + _GAP_PX) + side / 2), label, fill=_INK, font=font, anchor="lm")
    for number, column in enumerate(columns):
        left = _LABEL_PX + number * (side + _GAP_PX)
        draw.text((left + side / 2, _TITLE_PX / 2), column.title, fill=_INK, font=font, anchor="mm")
        for row, picture in enumerate(column.pictures):
            sheet.paste(Image.fromarray(picture).resize((side, side), Image.Resampling.BICUBIC), (left, _TITLE_PX + row * (side + _GAP_PX)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
