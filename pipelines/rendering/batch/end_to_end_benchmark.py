"""How much of the speed of making frames is left when clips come out: encoding, muxing and writing overlap with it, or do not.

Networks have random weights, which take as long as trained ones; sound and portraits are invented. Preparing them is not timed: each is
prepared once, however many frames follow.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.generation.request import GenerationRequest
from pipelines.generation.sampling_benchmark import random_model as random_flow
from pipelines.media_time import CLIP_FPS, SAMPLE_RATE_HZ
from pipelines.models.normalizing_flow.flow_config import PresetName
from pipelines.rendering.batch.clip_maker import ClipMaker, DrawnClip
from pipelines.rendering.batch.clip_plan import PlannedClip
from pipelines.rendering.batch.clip_sources import NamedClip, PreparedClip
from pipelines.rendering.batch.encoders import EncoderPool, EncodingClip
from pipelines.rendering.batch.encoding_request import EncodingRequest
from pipelines.rendering.batch.prepared import PreparedSound, Sound, SoundFeatures
from pipelines.rendering.batch.render_models import RenderModels
from pipelines.rendering.batch.sound_files import TRACK_RATE_HZ
from pipelines.rendering.portrait_frame import SquareWindow
from pipelines.rendering.portrait_preparation import Portrait
from pipelines.rendering.rendering_benchmark import random_model as random_generator
from storage_schemas.render_request import RenderOptions
from storage_schemas.script_rows import ScriptRow

_ROUNDS = 3


@dataclass(frozen=True)
class EndToEndSettings:
    """What is measured.

    Attributes:
        options: how clips are made.
        preset_names: sizes of the networks.
        clips: how many are rendered together.
        frames: of each.
        threads: processor threads of the networks; 0: as torch has them.
    """

    options: RenderOptions
    preset_names: Sequence[PresetName] = ("tiny",)
    clips: int = 8
    frames: int = 50
    threads: int = 0


def measure_end_to_end(
    settings: EndToEndSettings,
    on_progress: Callable[[int, int], None] = lambda done, total: None,  # noqa: ARG005
) -> dict[str, Any]:
    """Measure frames a second, generation alone and end to end, in turn.

    Args:
        settings: what is measured.
        on_progress: called with the number of rounds done and in all.

    Returns:
        JSON values by preset, see docs/batch_rendering.md.
    """
    if settings.threads:
        torch.set_num_threads(settings.threads)
    values: dict[str, dict[str, float]] = {"generation_frames_per_second": {}, "end_to_end_frames_per_second": {}, "end_to_end_share": {}}
    done, total = 0, len(settings.preset_names) * _ROUNDS
    for name in settings.preset_names:
        with tempfile.TemporaryDirectory(prefix="flowvqtalker-bench-") as folder:
            bench = _Bench(name, settings, Path(folder))
            bench.generate()  # warms up
            alone, whole = [], []
            for _ in range(_ROUNDS):
                alone.append(bench.generate())
                whole.append(bench.render())
                on_progress(done := done + 1, total)
        frames = settings.clips * settings.frames
        values["generation_frames_per_second"][name] = round(frames / min(alone), 3)
        values["end_to_end_frames_per_second"][name] = round(frames / min(whole), 3)
        values["end_to_end_share"][name] = round(min(alone) / min(whole), 4)
    options = settings.options
    return {
        **values,
        "clips": settings.clips, "frames": settings.frames, "encoders": options.encoders, "batch_frames": options.batch_frames,
        "device": options.device, "precision": options.precision, "threads": torch.get_num_threads(), "torch": torch.__version__,
    }  # fmt: skip


class _Bench:
    """Clips of two portraits, ready to be drawn."""

    def __init__(self, preset: PresetName, settings: EndToEndSettings, folder: Path) -> None:
        self._settings, self._folder = settings, folder
        models = RenderModels(random_flow(preset, "expflow"), random_flow(preset, "poseflow"), random_generator(preset))
        self._size_px = models.frames.size_px
        self._maker = ClipMaker(models, settings.options)
        sound = self._sound()
        portraits = [_portrait(models, seed) for seed in range(2)]
        self._clips = [self._clip(number, portraits[2 * number // settings.clips], sound) for number in range(settings.clips)]

    def generate(self) -> float:
        """Return the seconds that coefficients and frames take."""
        start = time.perf_counter()
        for _ in self._maker.frames(self._drawn(), range(len(self._clips))):
            pass
        return time.perf_counter() - start

    def render(self) -> float:
        """Return the seconds until every clip is a finished file; the encoders were started before."""
        drawn: list[DrawnClip] = []
        with EncoderPool(self._settings.options.encoders, self._settings.options.batch_frames, self._folder) as pool:
            self._encode(
                pool, [(self._clips[0], np.zeros((1, self._size_px, self._size_px, 3), np.uint8))] * self._settings.options.encoders
            )
            start = time.perf_counter()
            drawn = self._drawn()
            encoding: dict[int, EncodingClip] = {}
            for runs, frames in self._maker.frames(drawn, range(len(drawn))):
                first = 0
                for run in runs:
                    if run.clip not in encoding:
                        encoding[run.clip] = pool.begin(
                            self._request(drawn[run.clip].prepared, f"{run.clip}", drawn[run.clip].spool.frames)
                        )
                    encoding[run.clip].write(frames[first : first + run.length])
                    first += run.length
            for clip in encoding.values():
                clip.done.result()
            return time.perf_counter() - start

    def _encode(self, pool: EncoderPool, clips: list[tuple[PreparedClip, Any]]) -> None:
        started = [(pool.begin(self._request(clip, f"warm-{number}", len(frames))), frames) for number, (clip, frames) in enumerate(clips)]
        for encoding, frames in started:
            encoding.write(frames)
        for encoding, _ in started:
            encoding.done.result()

    def _drawn(self) -> list[DrawnClip]:
        drawn, undrawn = self._maker.draw(self._clips, self._folder)
        if undrawn:
            raise RuntimeError(undrawn[0].message)
        return drawn

    def _request(self, clip: PreparedClip, name: str, frames: int) -> EncodingRequest:
        track, options = clip.sound.track, self._settings.options
        return EncodingRequest(
            path=str(self._folder / f"{name}.mp4"), size_px=self._size_px, frames=frames, sound=str(track.path), rate_hz=track.rate_hz,
            metadata={"comment": "benchmark"}, crf=options.crf, preset=options.x264_preset.value,
        )  # fmt: skip

    def _sound(self) -> PreparedSound:
        seconds, sounds = self._settings.frames / CLIP_FPS, []
        for rate_hz in (SAMPLE_RATE_HZ, TRACK_RATE_HZ):
            samples = (np.random.default_rng(0).normal(size=int(seconds * rate_hz), scale=3000)).clip(-32768, 32767).astype(np.int16)
            path = self._folder / f"{rate_hz}.s16"
            samples.tofile(path)
            sounds.append(Sound(path, rate_hz, len(samples)))
        return PreparedSound(*sounds)

    def _clip(self, number: int, portrait: Portrait, sound: PreparedSound) -> PreparedClip:
        row = ScriptRow(portrait=portrait.name, audio="sound", seed=number)
        named = NamedClip(PlannedClip(number + 2, row, 0), f"{number:016x}", {}, {"portrait": portrait.name})
        request = GenerationRequest(f"clip {number}", SoundFeatures(sound.speech), self._settings.frames, seed=number)
        return PreparedClip(named, portrait, None, sound, request)


def _portrait(models: RenderModels, seed: int) -> Portrait:
    """Return a picture of noise that is taken for a face in the middle."""
    size_px, margin_px, rng = models.frames.size_px, models.frames.surroundings_px, np.random.default_rng(seed)
    window, side_px = SquareWindow(0, 0, size_px), size_px + 2 * margin_px
    modes = models.face_model.identity_basis.shape[-1]
    return Portrait(
        name=f"invented-{seed}",
        surrounded=rng.integers(0, 256, (side_px, side_px, 3)).astype(np.uint8), identity=np.zeros(modes, np.float32),
        beta=np.zeros(64, np.float32), rho=np.array([0, 0, 0, 0, 0.1, 0.38], np.float32), landmarks=np.zeros((478, 3), np.float32),
        face_model=models.face_model.model_id, window=window, dataset_window=window, edge_share=0.0, surroundings_px=margin_px,
    )  # fmt: skip
