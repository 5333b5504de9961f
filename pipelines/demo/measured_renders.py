"""From the results of the demonstration's list to its records, with what was measured of each clip and pictures of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipelines.demo.demo_script import DemoScript
from pipelines.demo.rendered_faces import RenderedFace, watch_clip
from storage_schemas.demo_summary import DemoRender
from storage_schemas.render_results import ClipResult, ClipStatus

_SHEET_PX = 160
_MOST_SHEET_COLUMNS = 8


@dataclass
class MeasuredRenders:
    """The clips of the demonstration.

    Attributes:
        renders: in the order of the list.
        faces: what a tracker sees, by file.
        pictures: a frame of each clip with its mouth about as open as it mostly is, by file.
    """

    renders: list[DemoRender] = field(default_factory=list)
    faces: dict[str, RenderedFace] = field(default_factory=dict)
    pictures: dict[str, NDArray[np.uint8]] = field(default_factory=dict)


def measure_renders(
    folder: Path, results: Sequence[ClipResult], script: DemoScript, on_progress: Callable[[int, int], None]
) -> MeasuredRenders:
    """Look at every clip.

    Args:
        folder: of the demonstration.
        results: of the list, whose clips lie in ``renders``.
        script: the list.
        on_progress: called with (clips done, clips).
    """
    found = MeasuredRenders()
    for number, result in enumerate(results, start=1):
        found.renders.append(_measured(folder, result, script, found))
        on_progress(number, len(results))
    return found


def _measured(folder: Path, result: ClipResult, script: DemoScript, found: MeasuredRenders) -> DemoRender:
    transferred = bool(result.emotion_reference)
    record = DemoRender(
        file=f"renders/{result.output}" if result.status is ClipStatus.DONE else "",
        emotion=script.reference_emotion if transferred else result.emotion,
        reference=f"{script.reference.relative_to(folder)}" if transferred else "",
        intensity=result.intensity,
        seed=result.seed,
        take=result.take,
        frames=result.frames,
        problem="" if result.status is ClipStatus.DONE else f"{result.reason}: {result.message}",
    )
    if not record.file:
        return record
    face, frames = watch_clip(folder / record.file)
    found.faces[record.file] = face
    found.pictures[record.file] = frames[_telling_frame(face)]
    first = next((other for other in found.renders if other.emotion == record.emotion and other.file and not other.reference), None)
    apart = face.distance_percent(found.faces[first.file]) if first is not None and not transferred else None
    return record.model_copy(
        update={
            "face_found_share": _rounded(face.found_share),
            "mouth_sound_r": _rounded(face.mouth_sound_r()),
            "takes_differ": _rounded(apart),
        }
    )


def _telling_frame(face: RenderedFace) -> int:
    """Return a frame whose mouth is about as open as it mostly is: wide open, all emotions look alike."""
    if not face.found.any():
        return face.frames // 2
    return int(np.nanargmin(np.abs(face.openings - np.nanmean(face.openings))))


def _rounded(value: float | None) -> float | None:
    return round(value, 3) if value is not None and math.isfinite(value) else None


def contact_sheet(measured: MeasuredRenders) -> NDArray[np.uint8] | None:
    """Return one picture (height, width, 3) uint8 of all emotions, a column each and a row for each take; None without clips."""
    labelled = [render for render in measured.renders if render.file and not render.reference]
    emotions = list(dict.fromkeys(render.emotion for render in labelled))[:_MOST_SHEET_COLUMNS]
    takes = sorted({render.take for render in labelled})
    if not emotions:
        return None
    sheet = np.zeros((_SHEET_PX * len(takes), _SHEET_PX * len(emotions), 3), np.uint8)
    for render in labelled:
        if render.emotion not in emotions:
            continue
        row, column = takes.index(render.take) * _SHEET_PX, emotions.index(render.emotion) * _SHEET_PX
        small = Image.fromarray(measured.pictures[render.file]).resize((_SHEET_PX, _SHEET_PX), Image.Resampling.LANCZOS)
        sheet[row : row + _SHEET_PX, column : column + _SHEET_PX] = np.asarray(small)
    return sheet
