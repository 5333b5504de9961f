"""How fast recordings are turned into staged clips, against the sum of what the stages cost alone.

The **additive limit** of a video is the time of decoding its frames and sound alone, finding landmarks on them alone, cropping, JPEG and
writing alone, each measured in this process on frames held in memory. What processing takes beyond that is our own overhead: probing,
hashing, tracking decisions, copies. `limit_ratio` is limit / real: 1 would be no overhead.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipelines.audio.loading import load_waveform
from pipelines.dataset.clip_writing import encode_jpeg
from pipelines.dataset.isolation import IsolatedProcess, Limits
from pipelines.dataset.recording_processing import process_recording
from pipelines.dataset.staging import StagedRecordingWriter
from pipelines.face_tracking.boxes import Box
from pipelines.face_tracking.crop_window import CropWindow, crop_frame
from pipelines.face_tracking.face_counting import find_faces
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.face_tracking.tracking_region import choose_region
from pipelines.video.frame_grid import assign_slots
from pipelines.video.probing import probe_media
from pipelines.video.reading import read_frames
from storage_schemas.build_spec import BuildSpec
from storage_schemas.clips import Clip
from storage_schemas.identifiers import escape_path, unescape_path
from storage_schemas.processing_request import ProcessingRequest
from storage_schemas.recordings import Recording

STAGES = ("decode", "landmarks", "crop", "jpeg", "write")
FRAMES_IN_MEMORY = 64
_GENEROUS = Limits(time_s=3600.0, memory_mb=16_000)


@dataclass
class StageSeconds:
    """Seconds that each stage took alone, and frames handled."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    frames: int = 0

    @property
    def total(self) -> float:
        """The additive limit in seconds."""
        return sum(self.seconds.values())

    def add(self, stage: str, started: float) -> None:
        """Add the time since `started` (perf_counter) to a stage."""
        self.seconds[stage] += time.perf_counter() - started


def measure_stages(path: Path, clip: Clip, spec: BuildSpec, scratch: Path) -> StageSeconds:
    """Run the five stages of one video one after the other, each alone, on blocks of frames held in memory.

    Args:
        path: a video with one face.
        clip: what processing made of it; its crop window is cut here too.
        spec: crop and landmark settings.
        scratch: an empty folder; the written frames stay in it.

    Raises:
        ItemRejectedError: the video is unusable.
        ValueError: no face is found in its first frame.
    """
    probe = probe_media(path, spec.limits, audio_required=False)
    grid = assign_slots(probe.frame_pts, probe.time_base)
    shown = np.unique(grid.source_index)
    measured = StageSeconds(frames=len(grid))
    started = time.perf_counter()
    load_waveform(probe)
    measured.add("decode", started)
    with StagedRecordingWriter(scratch) as writer, open_tracker(spec.landmarks) as tracker:
        region = None
        window = CropWindow(round(clip.window_x_px), round(clip.window_y_px), round(clip.window_size_px), clip.window_source)
        index = 0
        for block in _decoded_blocks(iter(read_frames(probe, shown, reader=spec.crop.frame_reader)), measured):
            if region is None:
                boxes = find_faces(block[0])
                if len(boxes) == 0:
                    raise ValueError(f"{path.name}: expected a face in the first frame, found none")
                region = choose_region(Box(*boxes[0].tolist()), probe.width_px, probe.height_px)
            cuts = [region.cut(rgb) for rgb in block]
            started = time.perf_counter()
            for pixels in cuts:
                tracker.track(pixels)
            measured.add("landmarks", started)
            started = time.perf_counter()
            crops = [crop_frame(rgb, (0, 0), window, spec.crop.size_px) for rgb in block]
            measured.add("crop", started)
            started = time.perf_counter()
            pictures = [encode_jpeg(rgb, spec.crop.jpeg_quality) for rgb in crops]
            measured.add("jpeg", started)
            started = time.perf_counter()
            for jpeg in pictures:
                writer.add_frame("0" * 16, index, jpeg, {"frame": index})
                index += 1
            measured.add("write", started)
    return measured


def _decoded_blocks(frames: Iterator[tuple[int, NDArray[np.uint8]]], measured: StageSeconds) -> Iterator[list[NDArray[np.uint8]]]:
    """Yield frames in blocks that fit in memory, counting the time of decoding only."""
    while True:
        block: list[NDArray[np.uint8]] = []
        started = time.perf_counter()
        for _, rgb in frames:
            block.append(rgb)
            if len(block) == FRAMES_IN_MEMORY:
                break
        measured.add("decode", started)
        if not block:
            return
        yield block


def requests_for(videos: Sequence[Path], spec: BuildSpec) -> list[ProcessingRequest]:
    """Return a processing request for every video; `out_folder` is still to be set."""
    return [
        ProcessingRequest(recording=_recording(path.name), source_root=escape_path(path.parent.resolve()), out_folder="", spec=spec)
        for path in videos
    ]


def _recording(name: str) -> Recording:
    return Recording(recording_id=escape_path(name), video=escape_path(name), speaker="benchmark", video_sha256="0" * 64)


def measure_processing(requests: Sequence[ProcessingRequest], scratch: Path) -> tuple[float, list[Clip]]:
    """Process recordings one after the other in this process; return (seconds, clips)."""
    started = time.perf_counter()
    clips: list[Clip] = []
    for request in requests:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        outcome = process_recording(request.model_copy(update={"out_folder": str(folder / "staged")}))
        clips += outcome.clips
        shutil.rmtree(folder)
    return time.perf_counter() - started, clips


def measure_isolated(requests: Sequence[ProcessingRequest], processes: Sequence[IsolatedProcess], scratch: Path) -> float:
    """Let every process handle all the requests at the same time; return the seconds until the last is done."""
    for process in processes:
        process.start()
    started = time.perf_counter()
    with ThreadPoolExecutor(len(processes)) as pool:
        list(pool.map(lambda process: _run_all(requests, process, scratch), processes))
    return time.perf_counter() - started


def _run_all(requests: Sequence[ProcessingRequest], process: IsolatedProcess, scratch: Path) -> None:
    for request in requests:
        folder = Path(tempfile.mkdtemp(dir=scratch))
        process.run(request.model_copy(update={"out_folder": str(folder / "staged")}).model_dump(mode="json"), _GENEROUS)
        shutil.rmtree(folder)


@dataclass(frozen=True)
class BuildRates:
    """What `measure_build_rates` found; times in seconds, the best of the repetitions.

    Attributes:
        limit_ratio: additive limit over processing time, one process.
        two_process_speedup: recordings per second of two processes over one.
        peak_rss_mb: highest resident memory of a process that handles recordings.
        stage_s: the limit's parts.
        processing_s: processing all videos in one process.
        one_process_s: the same through an isolated process.
        two_processes_s: two isolated processes, each handling all videos.
        frames: 25 fps frames of all videos.
        videos: those that were measured.
        left_out: videos that gave no clip, which tell nothing about speed.
    """

    limit_ratio: float
    two_process_speedup: float
    peak_rss_mb: float
    stage_s: dict[str, float]
    processing_s: float
    one_process_s: float
    two_processes_s: float
    frames: int
    videos: list[str]
    left_out: list[str]


def measure_build_rates(
    videos: Sequence[Path], scratch: Path, repetitions: int = 3, on_progress: Callable[[int, int], None] = lambda *_: None
) -> BuildRates:
    """Measure limit, processing and scaling, video by video in turns, and add up the fastest repetition of each.

    The machine's speed drifts; short turns and the minimum keep the ratios honest.

    Raises:
        ValueError: none of the videos gives a clip.
    """
    cv2.setNumThreads(1)  # as in the children: one process is one processor
    spec = BuildSpec()
    processed = [(request, measure_processing([request], scratch)[1]) for request in requests_for(videos, spec)]
    usable = [request for request, clips in processed if clips]
    first_clips = [clips[0] for _, clips in processed if clips]
    if not usable:
        raise ValueError("none of the videos gives a clip, so there is nothing to measure")
    paths = [Path(unescape_path(request.source_root)) / unescape_path(request.recording.video) for request in usable]
    turns = [_Turns() for _ in usable]
    processors: list[int | None] = [*sorted(os.sched_getaffinity(0))[:2]] if hasattr(os, "sched_getaffinity") else []
    pinned = processors if len(processors) == 2 else [None, None]
    with (
        IsolatedProcess(scratch / "one.log", processor=pinned[0]) as first,
        IsolatedProcess(scratch / "two.log", processor=pinned[1]) as second,
    ):
        measure_isolated(usable[:1], [first, second], scratch)
        for repetition in range(repetitions):
            for path, clip, request, turn in zip(paths, first_clips, usable, turns, strict=True):
                turn.stages.append(_stages(path, clip, spec, scratch))
                turn.processing_s.append(measure_processing([request], scratch)[0])
                turn.one_s.append(measure_isolated([request], [first], scratch))
                turn.two_s.append(measure_isolated([request], [first, second], scratch))
            on_progress(repetition + 1, repetitions)
        peak_rss_mb = max(first.peak_rss_mb, second.peak_rss_mb)
    stage_s = {stage: sum(min(measured.seconds[stage] for measured in turn.stages) for turn in turns) for stage in STAGES}
    processing_s, one_s, two_s = (sum(min(getattr(turn, name)) for turn in turns) for name in ("processing_s", "one_s", "two_s"))
    return BuildRates(
        limit_ratio=sum(stage_s.values()) / processing_s,
        two_process_speedup=2 * one_s / two_s,
        peak_rss_mb=peak_rss_mb,
        stage_s=stage_s,
        processing_s=processing_s,
        one_process_s=one_s,
        two_processes_s=two_s,
        frames=sum(turn.stages[0].frames for turn in turns),
        videos=[path.name for path in paths],
        left_out=sorted({path.name for path in videos} - {path.name for path in paths}),
    )


@dataclass
class _Turns:
    """What was measured of one video, a value a repetition."""

    stages: list[StageSeconds] = field(default_factory=list)
    processing_s: list[float] = field(default_factory=list)
    one_s: list[float] = field(default_factory=list)
    two_s: list[float] = field(default_factory=list)


def _stages(path: Path, clip: Clip, spec: BuildSpec, scratch: Path) -> StageSeconds:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    measured = measure_stages(path, clip, spec, folder / "alone")
    shutil.rmtree(folder)
    return measured
