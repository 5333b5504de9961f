"""Measures a true clip and the videos that should be like it, inside a measuring process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.image_evaluation.cpbd import cpbd, luma
from pipelines.media_time import CLIP_FPS
from pipelines.video_evaluation.clip_material import ClipMaterial, read_stored_clip, read_video
from pipelines.video_evaluation.face_alignment import Alignment, align
from pipelines.video_evaluation.face_motion import FaceMotion, face_motion, shape_similarity, spread_of_takes
from pipelines.video_evaluation.landmark_measures import face_distances, mouth_distances
from pipelines.video_evaluation.network_inputs import InputCutter
from pipelines.video_evaluation.picture_measures import psnr_db, ssim
from storage_schemas.errors import ItemRejectedError
from storage_schemas.evaluation_requests import GroupAnswer, GroupRequest, MeasuredVideo, PairFigures, SideFigures
from storage_schemas.identifiers import unescape_path

Picture = NDArray[np.uint8]

NO_FACE = "no face was found in any frame"


@dataclass(eq=False)
class MeasuredSide:
    """A clip, its aligned pictures and what was measured of it alone."""

    material: ClipMaterial
    alignment: Alignment
    motion: FaceMotion | None
    figures: SideFigures
    aligned: list[Picture] = field(default_factory=list)


def handle(request: dict[str, object], on_progress: Callable[[float], None]) -> dict[str, object]:
    """Handle one request of a measuring process; see `storage_schemas.evaluation_requests`."""
    return measure_group(GroupRequest.model_validate(request), on_progress).model_dump(mode="json")


def measure_group(request: GroupRequest, on_progress: Callable[[float], None] = lambda _: None) -> GroupAnswer:
    """Measure a group; a video that cannot be measured says why and leaves the others alone."""
    counted = _Progress(on_progress)
    try:
        true = measure_side(request, _reference(request, counted), "reference.npz")
    except ItemRejectedError as error:
        return GroupAnswer(reference_problem=error.message)
    if true is None:
        return GroupAnswer(reference_problem=NO_FACE)
    videos: list[MeasuredVideo] = []
    takes: list[FaceMotion] = []
    for number, path in enumerate(request.videos):
        measured, motion = _video(request, true, Path(unescape_path(path)), number, counted)
        videos.append(measured)
        takes += [] if motion is None else [motion]
    return GroupAnswer(reference=true.figures, videos=videos, take_diversity=spread_of_takes(takes))


class _Progress:
    """Tells seconds of media handled, over all videos of a request."""

    def __init__(self, on_progress: Callable[[float], None]) -> None:
        self._on_progress, self._frames = on_progress, 0

    def __call__(self, _: int) -> None:
        self._frames += 1
        if self._frames % CLIP_FPS == 0:
            self._on_progress(self._frames / CLIP_FPS)


def _reference(request: GroupRequest, on_frame: Callable[[int], None]) -> ClipMaterial:
    path = Path(unescape_path(request.reference))
    if request.reference_kind == "stored":
        return read_stored_clip(path, request.settings.most_frames)
    return read_video(path, request.settings.most_frames, on_frame)


def _video(
    request: GroupRequest, true: MeasuredSide, path: Path, number: int, on_frame: Callable[[int], None]
) -> tuple[MeasuredVideo, FaceMotion | None]:
    try:
        made = measure_side(request, read_video(path, request.settings.most_frames, on_frame), f"video-{number}.npz")
    except ItemRejectedError as error:
        return MeasuredVideo(problem=error.message), None
    if made is None:
        return MeasuredVideo(problem=NO_FACE), None
    return MeasuredVideo(figures=compare(made, true, request.settings.size_px)), made.motion


def measure_side(request: GroupRequest, material: ClipMaterial, name: str) -> MeasuredSide | None:
    """Align and measure one clip; None: it has no face."""
    alignment = align(material.landmarks_px)
    if alignment is None:
        return None
    settings = request.settings
    cutter = InputCutter(material, alignment, settings, request.wanted) if request.wanted.anything else None
    aligned, sharp = [], []
    for number, picture in enumerate(material.pictures()):
        aligned.append(alignment.picture(picture, number, settings.size_px))
        if number % settings.cpbd_every == 0:
            sharp.append(cpbd(luma(alignment.picture(picture, number, settings.cpbd_size_px))))
        if cutter is not None:
            cutter.add(number, picture, aligned[-1])
    if cutter is not None:
        cutter.write(Path(request.out_folder) / name)
    motion = face_motion(material.landmarks_px)
    figures = _figures(material, alignment, motion, sharp).model_copy(update={"inputs": name if cutter is not None else ""})
    return MeasuredSide(material, alignment, motion, figures, aligned)


def _figures(material: ClipMaterial, alignment: Alignment, motion: FaceMotion | None, sharp: list[float]) -> SideFigures:
    return SideFigures(
        width_px=material.width_px,
        height_px=material.height_px,
        fps=material.fps,
        frames=material.frames,
        frames_left_out=material.frames_left_out,
        frames_without_face=int((~alignment.found).sum()),
        has_sound=material.waveform is not None,
        cpbd_sum=float(np.sum(sharp)),
        cpbd_frames=len(sharp),
        expression_diversity=None if motion is None else motion.expression_spread,
        pose_diversity=None if motion is None else motion.pose_spread_deg,
        blinks=None if motion is None else motion.blinks,
        jitter=None if motion is None else motion.jitter,
    )


def compare(made: MeasuredSide, true: MeasuredSide, size_px: int) -> PairFigures:
    """Compare frame k with frame k, as far as both go."""
    frames = min(len(made.aligned), len(true.aligned))
    pairs = list(zip(made.aligned[:frames], true.aligned[:frames], strict=True))
    points = [side.alignment.points(side.material.landmarks_px, size_px)[:frames] for side in (made, true)]
    mouth, face = mouth_distances(*points), face_distances(*points)
    both = np.isfinite(face)
    shapes = [side.motion.shape for side in (made, true) if side.motion is not None]
    return PairFigures(
        made=made.figures,
        frames=frames,
        true_frames=true.material.frames,
        ssim_sum=float(sum(ssim(*pair) for pair in pairs)),
        psnr_sum=float(sum(psnr_db(*pair) for pair in pairs)),
        m_lmd_sum=float(mouth[both].sum()),
        f_lmd_sum=float(face[both].sum()),
        lmd_frames=int(both.sum()),
        identity_shape=shape_similarity(*shapes) if len(shapes) == 2 else None,
    )
