"""How fast an evaluation is against the straightforward loop with the same metrics: pair after pair, everything read and tracked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pipelines.audio.loading import load_audio_file
from pipelines.face_tracking.landmark_models import open_tracker
from pipelines.image_evaluation.cpbd import cpbd, luma
from pipelines.media_files import open_media
from pipelines.video_evaluation.evaluation import evaluate_videos, processors
from pipelines.video_evaluation.face_alignment import Alignment, align
from pipelines.video_evaluation.face_motion import face_motion, shape_similarity
from pipelines.video_evaluation.landmark_measures import face_distances, mouth_distances
from pipelines.video_evaluation.true_clips import TrueClip, clips_of_version
from storage_schemas.build_spec import LandmarkSettings
from storage_schemas.evaluation import EvaluationRequest
from storage_schemas.evaluation_requests import EvaluationSettings
from storage_schemas.object_store_protocol import ObjectStore

Pictures = list[NDArray[np.uint8]]

_COMPARED = ("ssim", "psnr", "m_lmd", "f_lmd", "cpbd", "identity_shape")
_SAMPLE_EVERY_S = 0.1


def measure_evaluation(
    store: ObjectStore,
    version: str,
    corpus: Path,
    scratch: Path,
    on_progress: Callable[[int, int, str], None],
    repetitions: int = 1,
    split: str = "all",
) -> dict[str, Any]:
    """Evaluate the videos of a corpus against the dataset version that was built from them, both ways in turn.

    Args:
        store: with the version.
        version: id or tag.
        corpus: folder of the videos.
        scratch: local folder for temporary files.
        on_progress: (videos done, videos, way).
        repetitions: of each way; the fastest counts, since other programs only make it longer.
        split: of the version.

    Returns:
        Frames a second of both ways, what they cost in processor time and memory, and how far their figures are apart.
    """
    request = EvaluationRequest(generated=str(corpus), reference=version, split=split)
    clips = list(clips_of_version(store, version, split).expected)
    plain_s, here_s, plain_cpu_s, here_cpu_s, peak_mb = [], [], [], [], 0.0
    plain: dict[str, float] = {}
    for _ in range(repetitions):
        with _measured() as cost:
            plain = plain_figures([(_video_of(clip, corpus), _video_of(clip, corpus)) for clip in clips], request.settings, on_progress)
        plain_s.append(cost["seconds"])
        plain_cpu_s.append(cost["cpu_seconds"])
        with _measured() as cost:
            report = evaluate_videos(request, store, scratch, lambda done, total, _: on_progress(done, total, "evaluation"))
        here_s.append(cost["seconds"])
        here_cpu_s.append(cost["cpu_seconds"])
        peak_mb = max(peak_mb, cost["peak_memory_mb"])
    frames = report.frames
    return {
        "clips": report.pairs, "frames": frames, "workers": min(processors(), report.pairs),
        "plain_frames_per_second": frames / min(plain_s), "frames_per_second": frames / min(here_s),
        "times_plain": min(plain_s) / min(here_s), "cpu_ms_per_frame": 1e3 * min(here_cpu_s) / frames,
        "plain_cpu_ms_per_frame": 1e3 * min(plain_cpu_s) / frames, "peak_memory_mb": peak_mb,
        "plain_figures": plain, "figures": {name: report.metrics[name] for name in _COMPARED},
    }  # fmt: skip


def plain_figures(
    pairs: Sequence[tuple[Path, Path]], settings: EvaluationSettings, on_progress: Callable[[int, int, str], None]
) -> dict[str, float]:
    """Return figures of pairs (made, true) of 25 frames a second as anybody would first write it: one after the other, by the libraries."""
    found: dict[str, list[float]] = {name: [] for name in _COMPARED}
    for number, paths in enumerate(pairs):
        pictures, points, sharp, motions = [], [], [], []
        for path in paths:
            frames = _decoded(path)
            landmarks = _tracked(frames)
            alignment = align(landmarks)
            if alignment is None:
                raise ValueError(f"{path}: no face was found in any frame")
            pictures.append([alignment.picture(frame, row, settings.size_px) for row, frame in enumerate(frames)])
            points.append(alignment.points(landmarks, settings.size_px))
            sharp.append(_sharpness(frames, alignment, settings))
            motions.append(face_motion(landmarks))
            load_audio_file(path)
        for made, true in zip(*pictures, strict=False):
            found["ssim"].append(float(structural_similarity(made, true, channel_axis=-1, data_range=255)))  # type: ignore[no-untyped-call]
            same = np.array_equal(made, true)
            found["psnr"].append(100.0 if same else float(peak_signal_noise_ratio(true, made, data_range=255)))  # type: ignore[no-untyped-call]
        count = min(len(side) for side in points)
        found["m_lmd"] += mouth_distances(points[0][:count], points[1][:count]).tolist()
        found["f_lmd"] += face_distances(points[0][:count], points[1][:count]).tolist()
        found["cpbd"] += sharp[0]
        if motions[0] is not None and motions[1] is not None:
            found["identity_shape"].append(shape_similarity(motions[0].shape, motions[1].shape))
        on_progress(number + 1, len(pairs), "straightforward loop")
    return {name: float(np.nanmean(values)) for name, values in found.items()}


def _video_of(clip: TrueClip, corpus: Path) -> Path:
    return corpus / str(clip.row["source_video"])


def _decoded(path: Path) -> Pictures:
    with open_media(path) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def _tracked(frames: Pictures) -> NDArray[np.float32]:
    with open_tracker(LandmarkSettings()) as tracker:
        found = [tracker.track(np.ascontiguousarray(frame)) for frame in frames]
    return np.stack([np.full((478, 3), np.nan, np.float32) if points is None else points for points in found])


def _sharpness(frames: Pictures, alignment: Alignment, settings: EvaluationSettings) -> list[float]:
    rows = range(0, len(frames), settings.cpbd_every)
    return [cpbd(luma(alignment.picture(frames[row], row, settings.cpbd_size_px))) for row in rows]


@contextmanager
def _measured() -> Iterator[dict[str, float]]:
    """Measure wall-clock and processor seconds and the largest memory of this process and its children."""
    cost: dict[str, float] = {}
    over = threading.Event()
    peak = [0.0, 0.0]
    started_s, cpu_s = time.perf_counter(), _own_cpu_s()

    def watch() -> None:
        process = psutil.Process()
        while not over.wait(_SAMPLE_EVERY_S):
            family = [process, *process.children(recursive=True)]
            peak[0] = max(peak[0], sum(_of(member, "memory") for member in family))
            peak[1] = max(peak[1], sum(_of(member, "cpu") for member in family[1:]))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield cost
    finally:
        over.set()
        thread.join()
        cost.update(seconds=time.perf_counter() - started_s, cpu_seconds=_own_cpu_s() - cpu_s + peak[1], peak_memory_mb=peak[0])


def _own_cpu_s() -> float:
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


def _of(process: psutil.Process, what: str) -> float:
    try:
        if what == "memory":
            return float(process.memory_info().rss / 2**20)
        times = process.cpu_times()
        return float(times.user + times.system)
    except psutil.Error:
        return 0.0
