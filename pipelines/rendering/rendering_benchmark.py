"""How fast frames are made: generators of each preset with random weights, by batch size, against a published network's work.

What is timed is everything from coefficients to bytes in the processor's memory: windows, motion fields, networks, conversion,
copying. Random weights take as long as trained ones.
"""

from __future__ import annotations

import platform
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from pipelines.face_model.basis import EXPRESSION_MODES, IDENTITY_MODES, FaceModel
from pipelines.face_model.reference import load_reference_face
from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_generator.generator import ImageGenerator
from pipelines.models.image_generator.mapping import windows_of
from pipelines.models.image_presets import PRESETS, image_preset
from pipelines.rendering.frame_generator import FrameGenerator, PortraitCode, Precision, RenderSettings
from pipelines.rendering.rendering_model import RenderingModel

PRESET_NAMES = tuple(PRESETS)
CPU_BATCHES, CUDA_BATCHES = (1, 4), (1, 8, 32)
# CodeFormer at 512 px, the nearest public network: work of one frame, and the least time of one on two processor cores.
CODEFORMER_GFLOP, CODEFORMER_SIZE_PX = 810.0, 512
CODEFORMER_TWO_CORES_S = {Precision.FLOAT32: 7.1, Precision.BFLOAT16: 4.8}
_LEAST_S = 2.0


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is measured.

    Attributes:
        render: device, precision and what speeds up; its batch size is that of `batch_sizes` in turn.
        batch_sizes: frames made at once; empty: 1 and 4 on a processor, 1, 8 and 32 on a GPU.
        preset_names: sizes of the networks.
        threads: processor threads; 0: as torch has them.
    """

    render: RenderSettings = RenderSettings()  # noqa: RUF009 - it is frozen
    batch_sizes: Sequence[int] = ()
    preset_names: Sequence[str] = PRESET_NAMES
    threads: int = 0

    @property
    def sizes(self) -> Sequence[int]:
        """The batch sizes."""
        return self.batch_sizes or (CUDA_BATCHES if torch.device(self.render.device).type == "cuda" else CPU_BATCHES)


def measure_rendering(
    settings: BenchmarkSettings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> dict[str, Any]:
    """Measure frames per second.

    Args:
        settings: what is measured.
        on_progress: called with the number of measurements done and in all.

    Returns:
        JSON values, those of networks by preset; see docs/rendering.md for each.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    device, rate = torch.device(settings.render.device), matrix_rate_tflops(settings.render)
    values: dict[str, dict[str, Any]] = {name: {} for name in _BY_PRESET}
    done, total = 0, len(settings.preset_names) * len(settings.sizes)
    for name in settings.preset_names:
        model = random_model(name)
        values["gflop_per_frame"][name] = gflop = frame_gflop(model)
        by_batch: dict[str, float] = {}
        for size in settings.sizes:
            by_batch[str(size)] = _frames_per_second(model, replace(settings.render, batch_frames=size))
            on_progress(done := done + 1, total)
        best = max(by_batch.values())
        values["frames_per_second"][name], values["frames_per_second_by_batch"][name] = best, by_batch
        values["device"][name] = _device_name(device)
        values["peak_memory_mb"][name] = _peak_memory_mb(device)
        values["motion_field_ms_per_frame"][name] = _field_ms(model, replace(settings.render, batch_frames=max(settings.sizes)))
        values["utilisation"][name] = round(best * gflop / 1000 / rate, 4)
        if model.size_px == CODEFORMER_SIZE_PX:
            values["codeformer_times_gflop"][name] = round(CODEFORMER_GFLOP / gflop, 2)
            if device.type == "cpu":
                values["codeformer_times_speed"][name] = round(best * CODEFORMER_TWO_CORES_S[settings.render.precision], 2)
    return {
        **values,
        "precision": settings.render.precision.value,
        "matrix_rate_tflops": round(rate, 3),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


_BY_PRESET = (
    "gflop_per_frame", "frames_per_second", "frames_per_second_by_batch", "device", "peak_memory_mb", "motion_field_ms_per_frame",
    "utilisation", "codeformer_times_gflop", "codeformer_times_speed",
)  # fmt: skip


def random_model(name: str) -> RenderingModel:
    """Return a generator of a preset with random weights, and an invented face model."""
    torch.manual_seed(0)
    preset = image_preset(name)
    generator = ImageGenerator(preset.generator, ImageCodebook(preset.codebook)).eval()
    return RenderingModel(f"vqig/random-{name}", generator, _invented_face_model())


def frame_gflop(model: RenderingModel) -> float:
    """Return the matrix products and convolutions of one frame in GFLOP, 2 a multiply-add, its portrait being encoded."""
    generator = FrameGenerator(model)
    portrait, beta, rho = _input(generator, 1)
    coefficients = torch.from_numpy(np.concatenate([beta, rho], axis=1))
    windows = windows_of(coefficients, model.generator.settings.mapping.window)
    fields = generator.fields(portrait, coefficients)
    # Of attention the counter knows this form on every device.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model.generator(portrait.encoded, windows, fields)
    return round(float(counter.get_total_flops()) / 1e9, 3)


def matrix_rate_tflops(settings: RenderSettings, side: int = 0) -> float:
    """Return how many TFLOP a second the device does in products of large square matrices."""
    device = torch.device(settings.device)
    side = side or (8192 if device.type == "cuda" else 1536)
    one = torch.randn(side, side, device=device).to(settings.precision.dtype)
    seconds = min(_seconds(lambda: one @ one, device) for _ in range(8))
    return float(2 * side**3 / seconds / 1e12)


def _invented_face_model() -> FaceModel:
    reference, rng = load_reference_face(), np.random.default_rng(0)
    points = len(reference.points)
    return FaceModel(
        source="learned",
        mean=reference.points.astype(np.float32),
        identity_basis=rng.normal(size=(points, 3, IDENTITY_MODES), scale=0.002).astype(np.float32),
        identity_stddevs=np.ones(IDENTITY_MODES, np.float32),
        expression_basis=rng.normal(size=(points, 3, EXPRESSION_MODES), scale=0.002).astype(np.float32),
        expression_stddevs=np.ones(EXPRESSION_MODES, np.float32),
        triangles=reference.triangles,
        triangle_groups=reference.triangle_groups,
        landmarks=np.arange(points, dtype=np.int32),
        landmark_vertices=np.arange(points, dtype=np.int32),
        pose_weights=np.full(points, 1 / points, np.float32),
        meta={},
    )


def _input(generator: FrameGenerator, frames: int) -> tuple[PortraitCode, np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return a portrait and coefficients of a head that turns and speaks."""
    rng = np.random.default_rng(0)
    beta = rng.normal(size=(frames, EXPRESSION_MODES)).astype(np.float32)
    rho = np.zeros((frames, 6), np.float32)
    rho[:, 1], rho[:, 4], rho[:, 5] = np.linspace(-0.3, 0.3, frames), 0.1, 0.38
    size_px = generator.model.size_px + 2 * generator.model.surroundings_px
    rgb = rng.integers(0, 256, (size_px, size_px, 3)).astype(np.uint8)
    still = np.concatenate([np.zeros(EXPRESSION_MODES), [0, 0, 0, 0, 0.1, 0.38]]).astype(np.float32)
    return generator.encode_arrays(rgb, np.zeros(IDENTITY_MODES, np.float32), still), beta, rho


def _frames_per_second(model: RenderingModel, settings: RenderSettings) -> float:
    """Return the best of several runs of two seconds or more in all, after one that warms up."""
    device = torch.device(settings.device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    generator = FrameGenerator(model, settings)
    frames = settings.batch_frames * (16 if device.type == "cuda" else 1)
    portrait, beta, rho = _input(generator, frames)

    def made() -> None:
        for _ in generator.frames(portrait, beta, rho):
            pass

    turns = [_seconds(made, device) for _ in range(2)][1:]
    while sum(turns) < _LEAST_S:
        turns.append(_seconds(made, device))
    return round(frames / min(turns), 3)


def _field_ms(model: RenderingModel, settings: RenderSettings) -> float:
    generator = FrameGenerator(model, settings)
    portrait, beta, rho = _input(generator, settings.batch_frames)
    device = torch.device(settings.device)
    coefficients = torch.from_numpy(np.concatenate([beta, rho], axis=1)).to(device)
    seconds = min(_seconds(lambda: generator.fields(portrait, coefficients), device) for _ in range(4))
    return round(1000 * seconds / settings.batch_frames, 3)


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def _peak_memory_mb(device: torch.device) -> float:
    """Return the most memory in use: of the GPU since the last measurement began, or of the process so far."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 2**20, 1)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"cpu ({platform.processor() or platform.machine()})"
