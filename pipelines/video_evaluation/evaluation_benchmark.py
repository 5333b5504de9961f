"""How fast an evaluation is against the straightforward loop with the same metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import torch

from pipelines.judging.emotion_judge import EmotionJudge
from pipelines.judging.loading import Judges
from pipelines.judging.sync_judge import SyncJudge
from pipelines.models.emotion_classifier.network import EmotionClassifier
from pipelines.models.emotion_classifier.settings import emotion_classifier_preset
from pipelines.models.sync_expert.network import SyncExpert
from pipelines.models.sync_expert.settings import sync_expert_preset
from pipelines.video_evaluation.evaluation import evaluate_videos, processors
from pipelines.video_evaluation.network_scores import EvaluationNetworks
from pipelines.video_evaluation.plain_evaluation import COMPARED, PlainEvaluation
from pipelines.video_evaluation.true_clips import clips_of_version
from storage_schemas.evaluation import EvaluationReport, EvaluationRequest
from storage_schemas.judge_runs import JUDGED_EMOTIONS
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import Preset

Progress = Callable[[int, int, str], None]
Cost = dict[str, float]

_SAMPLE_EVERY_S = 0.1


def measure_evaluation(
    store: ObjectStore, version: str, corpus: Path, scratch: Path, on_progress: Progress, repetitions: int = 1, split: str = "all"
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
    videos = [corpus / str(clip.row["source_video"]) for clip in clips_of_version(store, version, split).expected]
    judges = new_judges()
    plain_costs, costs = [], []
    for _ in range(repetitions):
        plain = PlainEvaluation(request.settings, judges)
        with _measured() as cost:
            plain_figures = plain.figures(
                [(video, video) for video in videos], lambda done, total: on_progress(done, total, "straightforward loop")
            )
        plain_costs.append((cost, plain.seconds, plain_figures))
        with _measured() as cost:
            networks = EvaluationNetworks(torch.device("cpu"), judges=judges)
            report = evaluate_videos(
                request, store, scratch, lambda done, total, _: on_progress(done, total, "evaluation"), networks=networks
            )
        costs.append(cost)
    return _compared(report, min(plain_costs, key=lambda found: found[0]["seconds"]), costs)


def new_judges() -> Judges:
    """Return untrained judges of the smallest preset; what they say means nothing, and takes as long as what trained ones say."""
    sync = SyncExpert(sync_expert_preset(Preset.TINY)).eval().requires_grad_(requires_grad=False)
    emotion = EmotionClassifier(emotion_classifier_preset(Preset.TINY), len(JUDGED_EMOTIONS)).eval().requires_grad_(requires_grad=False)
    return Judges(SyncJudge(sync, "untrained"), EmotionJudge(emotion, "untrained"))


def _compared(report: EvaluationReport, plain: tuple[Cost, Cost, Cost], costs: list[Cost]) -> dict[str, Any]:
    plain_cost, plain_steps, plain_figures = plain
    frames, seconds = report.frames, min(cost["seconds"] for cost in costs)
    return {
        "clips": report.pairs, "frames": frames, "workers": min(processors(), report.pairs),
        "plain_frames_per_second": frames / plain_cost["seconds"], "frames_per_second": frames / seconds,
        "times_plain": plain_cost["seconds"] / seconds,
        "cpu_ms_per_frame": 1e3 * min(cost["cpu_seconds"] for cost in costs) / frames,
        "plain_cpu_ms_per_frame": 1e3 * plain_cost["cpu_seconds"] / frames,
        "peak_memory_mb": max(cost["peak_memory_mb"] for cost in costs), "plain_peak_memory_mb": plain_cost["peak_memory_mb"],
        "plain_ms_per_frame": {name: round(1e3 * spent / frames, 3) for name, spent in plain_steps.items()},
        "plain_figures": plain_figures, "figures": {name: report.metrics[name] for name in COMPARED},
    }  # fmt: skip


@contextmanager
def _measured() -> Iterator[Cost]:
    """Measure wall-clock and processor seconds and the largest memory of this process and its children."""
    cost: Cost = {}
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
