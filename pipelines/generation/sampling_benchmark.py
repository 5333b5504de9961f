"""How fast coefficients are drawn: ExpFlow and PoseFlow of each preset, alone and in a batch, with random weights.

What is timed is what sampling does for every frame: encoding the audio, the context and the inverse flow, latents, clamping. Random
weights take as long as trained ones.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from pipelines.generation.audio_features import MelAudio
from pipelines.generation.coefficient_model import CoefficientModel
from pipelines.generation.generator import CoefficientGenerator
from pipelines.generation.request import GenerationRequest, PoseMode
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, presets
from pipelines.models.normalizing_flow.flow_config import FlowKind, PresetName

PRESETS: tuple[PresetName, ...] = ("tiny", "small", "paper")
BATCH_SIZES = (1, 64)
_LENGTHS = (250, 1000)  # of one item, for the check that cost grows linearly
_LEAST_S = 1.0
_SILENT = np.full((1, 80), -4.0, np.float32)


def measure_sampling(
    device: torch.device | str,
    *,
    threads: int = 0,
    batch_sizes: Sequence[int] = BATCH_SIZES,
    preset_names: Sequence[PresetName] = PRESETS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> dict[str, Any]:
    """Measure frames per second.

    Args:
        device: where the networks run.
        threads: processor threads; 0: as torch has them.
        batch_sizes: numbers of items that are drawn at once.
        preset_names: what is measured.
        on_progress: called with the number of measurements done and in all.

    Returns:
        JSON values: `frames_per_second` of expression alone by preset and batch size, and `with_pose` with PoseFlow as well,
        `milliseconds_per_frame_alone` by preset, `linear_in_length` (time of 1000 frames over four times that of 250, 1: linear),
        `device`, `threads`, `torch`.
    """
    if threads:
        torch.set_num_threads(threads)
    total = len(preset_names) * (2 * len(batch_sizes) + 1)
    done = 0
    speeds: dict[str, dict[str, dict[str, float]]] = {"frames_per_second": {}, "with_pose": {}}
    linear: dict[str, float] = {}
    for name in preset_names:
        for title, with_pose in (("frames_per_second", False), ("with_pose", True)):
            generator = _generator(name, device, with_pose=with_pose)
            for size in batch_sizes:
                speeds[title].setdefault(name, {})[str(size)] = _frames_per_second(generator, size, with_pose=with_pose)
                on_progress(done := done + 1, total)
        linear[name] = _growth(_generator(name, device, with_pose=False))
        on_progress(done := done + 1, total)
    alone = {name: 1000 / by_size["1"] for name, by_size in speeds["frames_per_second"].items() if "1" in by_size}
    return {
        **speeds,
        "milliseconds_per_frame_alone": alone,
        "linear_in_length": linear,
        "device": _device_name(device),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def random_model(name: PresetName, kind: FlowKind) -> CoefficientModel:
    """Return a model of a preset with random weights."""
    torch.manual_seed(0)
    flow = CoefficientFlow(presets(name, kind))
    bound = np.full(flow.config.features, 10.0, np.float32)
    return CoefficientModel(f"{kind}/random-{name}", flow, -bound, bound)


def _generator(name: PresetName, device: torch.device | str, *, with_pose: bool) -> CoefficientGenerator:
    poseflow = random_model(name, "poseflow") if with_pose else None
    return CoefficientGenerator(random_model(name, "expflow"), poseflow, device, items_at_once=4096)


def _frames_per_second(generator: CoefficientGenerator, size: int, *, with_pose: bool) -> float:
    """Return the best of several runs of at least a second in all."""
    frames = 100 if size == 1 else 50
    _seconds(generator, size, 12, with_pose=with_pose)
    turns = [_seconds(generator, size, frames, with_pose=with_pose)]
    while sum(turns) < _LEAST_S:
        turns.append(_seconds(generator, size, frames, with_pose=with_pose))
    return round(size * frames / min(turns), 1)


def _growth(generator: CoefficientGenerator) -> float:
    short, long = (min(_seconds(generator, 1, frames, with_pose=False) for _ in range(2)) for frames in _LENGTHS)
    return round(long / (short * _LENGTHS[1] / _LENGTHS[0]), 3)


def _seconds(generator: CoefficientGenerator, size: int, frames: int, *, with_pose: bool) -> float:
    mel = np.repeat(_SILENT, 1 + frames * 16 // 5, axis=0)
    pose = PoseMode.AUDIO if with_pose else PoseMode.FIXED
    requests = [GenerationRequest(f"item {number}", MelAudio(mel), frames, seed=number, pose=pose) for number in range(size)]
    start = time.perf_counter()
    generator.generate(requests)
    return time.perf_counter() - start


def _device_name(device: torch.device | str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.processor() or platform.machine()})"
