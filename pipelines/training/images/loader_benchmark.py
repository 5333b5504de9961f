"""How fast frames come to a training, against one thread that decodes the same JPEGs from memory and does nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import cv2
import numpy as np

from pipelines.models.image_presets import image_preset
from pipelines.training.images.frame_batches import FrameNeeds, TrainingFrames, decoding_threads
from pipelines.training.images.image_run_settings import preset_image_training
from pipelines.training.images.version_frames import VersionFrames
from storage_schemas.object_store_protocol import ObjectStore
from storage_schemas.training_runs import Preset, RunKind

FRAMES = 512
ROUNDS = 3


def measure_loader(
    store: ObjectStore,
    dataset: str,
    *,
    preset_names: Iterable[str] = tuple(Preset),
    frames: int = FRAMES,
    on_progress: Callable[[int, int, str], None] = lambda done, total, note: None,  # noqa: ARG005
) -> dict[str, Any]:
    """Measure batches of the codebook's training, by preset: the best of some rounds, taken in turn with plain decoding.

    Args:
        store: where the version is.
        dataset: version id, beginning of one, or tag.
        preset_names: whose sizes and windows are measured.
        frames: in a round.
        on_progress: (done, total, note).

    Returns:
        `plain_jpeg_frames_per_second` of one thread, `decoding_threads` of the loader, and by preset
        `loader_frames_per_second` and `loader_share_of_plain`.
    """
    source = VersionFrames(store, dataset)
    names = [str(name) for name in preset_names]
    plain = 0.0
    rates = dict.fromkeys(names, 0.0)
    jpegs = _jpegs(source, frames)
    for number in range(ROUNDS):
        plain = max(plain, _plain_rate(jpegs))
        for name in names:
            rates[name] = max(rates[name], _loader_rate(source, name, frames))
        on_progress(number + 1, ROUNDS, "")
    return {
        "dataset": source.dataset,
        "crop_px": source.crop_px,
        "frames": len(jpegs),
        "decoding_threads": decoding_threads(),
        "plain_jpeg_frames_per_second": round(plain, 1),
        "loader_frames_per_second": {name: round(rate, 1) for name, rate in rates.items()},
        "loader_share_of_plain": {name: round(rate / plain, 3) for name, rate in rates.items()},
    }


def _jpegs(source: VersionFrames, frames: int) -> list[bytes]:
    found: list[bytes] = []
    table = source.tables["train"]
    for row in range(len(table)):
        found += [bytes(jpeg) for jpeg in source.read(table, [row])[0].jpegs]
        if len(found) >= frames:
            break
    return found[:frames]


def _plain_rate(jpegs: list[bytes]) -> float:
    started = time.perf_counter()
    for jpeg in jpegs:
        cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return len(jpegs) / (time.perf_counter() - started)


def _loader_rate(source: VersionFrames, name: str, frames: int) -> float:
    spec = preset_image_training(RunKind.CODEBOOK, Preset(name))
    loader = TrainingFrames(source, source.tables["train"], spec, FrameNeeds(image_preset(name).codebook.size_px))
    try:
        loader.batch(0)  # the parts are read
        batches = max(1, frames // spec.batch_frames)
        ahead = loader.ahead
        started = time.perf_counter()
        for step in range(ahead, ahead + batches):
            loader.batch(step)
        return batches * spec.batch_frames / (time.perf_counter() - started)
    finally:
        loader.close()
