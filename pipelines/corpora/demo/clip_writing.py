"""Makes one demo clip: speaks, draws its curves, renders, and writes video, audio and ground truth.

A clip's three files are written under temporary names and renamed, the ground truth last: where it lies and names the same plan and sizes,
the clip is complete. Clips do not depend on each other, so a caller may spread them over processes; each process needs espeak-ng.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.corpora.demo.action_units import UNITS
from pipelines.corpora.demo.audio_writing import write_m4a
from pipelines.corpora.demo.clip_plan import DemoClip, strength_of
from pipelines.corpora.demo.emotions import STYLES, EmotionStyle
from pipelines.corpora.demo.motion_curves import MotionCurves, draw_curves
from pipelines.corpora.demo.portrait import Float, Image
from pipelines.corpora.demo.rendering import FaceRenderer, FrameMotion
from pipelines.corpora.demo.speakers import SPEAKERS, Speaker, speaker_portrait
from pipelines.corpora.demo.speech import SPEECH_RATE_HZ, Speech, Voice, speak
from pipelines.corpora.demo.truth import DemoTruth, encode_truth, phoneme_times, read_truth, summary_curves
from pipelines.media_time import CLIP_FPS
from pipelines.video.encoding import write_video

TRUTH_FORMAT = 1
LEAD_S = 0.4
_TAIL_S = 0.5
_SAMPLES_PER_FRAME = SPEECH_RATE_HZ // CLIP_FPS
_CRF = 17
_PRESET = "veryfast"


@dataclass(frozen=True)
class WrittenClip:
    """What one clip holds; `made` is False where it was there already."""

    clip: DemoClip
    frames: int
    video_bytes: int
    audio_bytes: int
    made: bool


@dataclass(frozen=True)
class ClipScore:
    """What a clip shows and says, before it is rendered.

    Attributes:
        speech: the spoken sentence.
        samples: float32 (frames * 882,) of the whole clip at 22,050 Hz.
        motion: the driving curves per frame.
    """

    speech: Speech
    samples: npt.NDArray[np.float32]
    motion: MotionCurves


def write_demo_clip(folder: Path, clip: DemoClip) -> WrittenClip:
    """Write one clip into a corpus, unless it is there already.

    Raises:
        BadInputError: if espeak-ng is not installed.
        OSError: if a file cannot be written.
    """
    present = find_demo_clip(folder, clip)
    return present or _make_clip(folder, clip)


def find_demo_clip(folder: Path, clip: DemoClip) -> WrittenClip | None:
    """Return a clip that lies complete in the corpus and was made from the same plan, else None."""
    video, audio, truth_path = folder / clip.video, folder / clip.audio, folder / clip.truth
    try:
        truth = read_truth(truth_path)
        sizes = video.stat().st_size, audio.stat().st_size
    except (OSError, ValueError, KeyError):
        return None
    if truth.about != _about(clip, *sizes):
        return None
    return WrittenClip(clip, len(truth.curves), *sizes, made=False)


def score_clip(clip: DemoClip) -> ClipScore:
    """Speak the sentence and draw the curves of a clip."""
    speaker, style, strength = _speaker(clip.speaker), STYLES[clip.emotion], strength_of(clip)
    rng = clip.generator()
    speech = speak(clip.text, _voice_of(speaker, style, strength))
    frames = int(np.ceil((LEAD_S + speech.duration_s + _TAIL_S) * CLIP_FPS))
    samples = np.zeros(frames * _SAMPLES_PER_FRAME, dtype=np.float32)
    start = round(LEAD_S * SPEECH_RATE_HZ)
    samples[start : start + len(speech.samples)] = speech.samples.astype(np.float32) / 32768
    motion = draw_curves(speech.phonemes, frames, LEAD_S, style, strength, clip.size_px, rng)
    return ClipScore(speech, samples, motion)


def render_clip(clip: DemoClip, motion: MotionCurves) -> Iterator[tuple[Image, Float]]:
    """Yield each frame, RGB uint8 (size, size, 3), with its landmarks (478, 3) in pixels."""
    renderer = _renderer(clip.speaker, clip.size_px)
    for units, gaze, tongue, pose in zip(motion.units, motion.gaze, motion.tongue, motion.pose, strict=True):
        yield renderer.render(FrameMotion(units, gaze, float(tongue), pose))


def resting_face(speaker: Speaker, size_px: int) -> Image:
    """Return a speaker's neutral face at rest, looking straight ahead, RGB uint8 (size, size, 3)."""
    return _renderer(speaker.name, size_px).render(_at_rest())[0]


def _at_rest() -> FrameMotion:
    return FrameMotion(np.zeros(len(UNITS)), np.zeros(2), 0.0, np.zeros(6))


def _make_clip(folder: Path, clip: DemoClip) -> WrittenClip:
    score = score_clip(clip)
    landmarks: list[npt.NDArray[np.float32]] = []

    def frames() -> Iterator[Image]:
        for image, points in render_clip(clip, score.motion):
            landmarks.append(points.astype(np.float32))
            yield image

    video, audio, truth_path = folder / clip.video, folder / clip.audio, folder / clip.truth
    partial = [_partial(path) for path in (video, audio, truth_path)]
    count = write_video(partial[0], frames(), CLIP_FPS, audio=score.samples, sample_rate_hz=SPEECH_RATE_HZ, crf=_CRF, preset=_PRESET)
    write_m4a(partial[1], score.samples, SPEECH_RATE_HZ)
    sizes = partial[0].stat().st_size, partial[1].stat().st_size
    partial[2].write_bytes(encode_truth(_truth(clip, score, np.stack(landmarks), sizes)))
    for temporary, path in zip(partial, (video, audio, truth_path), strict=True):
        temporary.replace(path)
    return WrittenClip(clip, count, *sizes, made=True)


def _partial(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name}.partial")


def _about(clip: DemoClip, video_bytes: int, audio_bytes: int) -> dict[str, Any]:
    sizes = {"video_bytes": video_bytes, "audio_bytes": audio_bytes}
    return {"format": TRUTH_FORMAT, "fps": CLIP_FPS, **clip.model_dump(mode="json"), **sizes}


def _truth(clip: DemoClip, score: ClipScore, landmarks: npt.NDArray[np.float32], sizes: tuple[int, int]) -> DemoTruth:
    return DemoTruth(
        about=_about(clip, *sizes),
        curves=summary_curves(score.motion),
        units=score.motion.units.astype(np.float32),
        unit_names=tuple(unit.value for unit in UNITS),
        landmarks=landmarks,
        rest_landmarks=_renderer(clip.speaker, clip.size_px).render(_at_rest())[1].astype(np.float32),
        phonemes=tuple(phoneme.ipa for phoneme in score.speech.phonemes),
        phoneme_times_s=phoneme_times(score.speech.phonemes, LEAD_S),
    )


def _speaker(name: str) -> Speaker:
    return next(speaker for speaker in SPEAKERS if speaker.name == name)


def _voice_of(speaker: Speaker, style: EmotionStyle, strength: float) -> Voice:
    def scaled(value: int, factor: float, low: int, high: int) -> int:
        return int(np.clip(round(value * (1 + (factor - 1) * strength)), low, high))

    calm = speaker.voice
    return Voice(
        calm.name,
        scaled(calm.words_per_minute, style.rate, 100, 260),
        scaled(calm.pitch, style.pitch, 0, 99),
        scaled(calm.pitch_range, style.pitch_range, 0, 99),
    )


@lru_cache(maxsize=len(SPEAKERS))
def _renderer(speaker_name: str, size_px: int) -> FaceRenderer:
    """Return a speaker's renderer; a frame does not depend on those rendered before it, so clips may share one."""
    speaker = _speaker(speaker_name)
    return FaceRenderer(speaker_portrait(speaker, size_px), speaker.shape)
