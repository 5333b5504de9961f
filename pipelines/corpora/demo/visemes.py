"""From phonemes to the shape of the mouth, frame by frame."""
# ruff: noqa: RUF001 - the symbols of the International Phonetic Alphabet are meant

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pipelines.corpora.demo.portrait import Float
from pipelines.corpora.demo.speech import Phoneme
from pipelines.media_time import CLIP_FPS

_STEPS_PER_FRAME = 8
_SMOOTHING_S = 0.042  # how far neighbouring phonemes shape each other
_CLOSURE_SMOOTHING_S = 0.022  # lips that close do so quickly and completely
_CLOSURES = ("seal", "bite")


@dataclass(frozen=True)
class Viseme:
    """A mouth shape; each value 0..1, of the unit of the same name, `seal` as the share of the gap that is closed."""

    jaw: float = 0.0
    round: float = 0.0
    wide: float = 0.0
    press: float = 0.0
    seal: float = 0.0
    bite: float = 0.0
    upper_lip: float = 0.0
    lower_lip: float = 0.0
    tongue: float = 0.0


VISEME_FIELDS = tuple(field.name for field in fields(Viseme))

_CLOSED = Viseme(jaw=0.10, round=0.12, seal=1.0, press=0.55)
_SHAPES: dict[str, Viseme] = {
    "ɑ": Viseme(jaw=0.56, wide=0.3), "a": Viseme(jaw=0.56, wide=0.4), "æ": Viseme(jaw=0.50, wide=0.65), "ɐ": Viseme(jaw=0.38, wide=0.3),
    "ʌ": Viseme(jaw=0.42, wide=0.3), "ɒ": Viseme(jaw=0.42, round=0.4), "ɔ": Viseme(jaw=0.36, round=0.7), "o": Viseme(jaw=0.30, round=0.85),
    "ə": Viseme(jaw=0.24, wide=0.15), "ɚ": Viseme(jaw=0.22, round=0.35), "ɜ": Viseme(jaw=0.27, round=0.35),
    "ɛ": Viseme(jaw=0.38, wide=0.55), "e": Viseme(jaw=0.32, wide=0.8), "ɪ": Viseme(jaw=0.24, wide=0.6), "i": Viseme(jaw=0.18, wide=1.0),
    "ᵻ": Viseme(jaw=0.22, wide=0.35),
    "ʊ": Viseme(jaw=0.16, round=0.85), "u": Viseme(jaw=0.16, round=1.0), "y": Viseme(jaw=0.16, round=0.9),
    "m": _CLOSED, "b": _CLOSED, "p": _CLOSED,
    "f": Viseme(jaw=0.1, bite=1.0, upper_lip=0.3), "v": Viseme(jaw=0.1, bite=1.0, upper_lip=0.25),
    "w": Viseme(jaw=0.12, round=1.0), "ʍ": Viseme(jaw=0.12, round=1.0),
    "ɹ": Viseme(jaw=0.17, round=0.6, lower_lip=0.15), "r": Viseme(jaw=0.18, round=0.4), "ɾ": Viseme(jaw=0.18, tongue=0.7),
    "s": Viseme(jaw=0.09, wide=0.45, lower_lip=0.25), "z": Viseme(jaw=0.09, wide=0.4, lower_lip=0.25),
    "ʃ": Viseme(jaw=0.12, round=0.55, upper_lip=0.3, lower_lip=0.4), "ʒ": Viseme(jaw=0.12, round=0.55, upper_lip=0.3, lower_lip=0.4),
    "t": Viseme(jaw=0.12, wide=0.2, tongue=0.6), "d": Viseme(jaw=0.14, wide=0.15, tongue=0.6),
    "n": Viseme(jaw=0.16, wide=0.2, tongue=0.7), "l": Viseme(jaw=0.22, wide=0.2, tongue=1.0),
    "θ": Viseme(jaw=0.17, tongue=0.9), "ð": Viseme(jaw=0.17, tongue=0.9),
    "k": Viseme(jaw=0.2, wide=0.15), "ɡ": Viseme(jaw=0.2, wide=0.15), "g": Viseme(jaw=0.2, wide=0.15), "ŋ": Viseme(jaw=0.2, wide=0.15),
    "x": Viseme(jaw=0.2, wide=0.15),
    "h": Viseme(jaw=0.26, wide=0.15), "j": Viseme(jaw=0.15, wide=0.55), "ʔ": Viseme(jaw=0.16),
}  # fmt: skip
_REST = Viseme()


def shapes_of(ipa: str) -> list[Viseme]:
    """Return the mouth shapes of a phoneme in order: two for a diphthong or affricate, a closed mouth for silence."""
    shapes = [_SHAPES[symbol] for symbol in ipa if symbol in _SHAPES]
    return shapes or [_REST]


def is_stressed(ipa: str) -> bool:
    """Tell whether a phoneme carries the main stress of its word."""
    return "ˈ" in ipa


def mouth_curves(phonemes: Sequence[Phoneme], frames: int, lead_s: float) -> dict[str, Float]:
    """Return a curve (frames,) for each field of `Viseme`; frame k is at k/25 s, the speech begins at `lead_s`."""
    steps = frames * _STEPS_PER_FRAME
    times_s = (np.arange(steps) + 0.5) / (CLIP_FPS * _STEPS_PER_FRAME)
    held = np.zeros((steps, len(VISEME_FIELDS)))
    for phoneme in phonemes:
        shapes = shapes_of(phoneme.ipa)
        edges_s = np.linspace(phoneme.start_s, phoneme.end_s, len(shapes) + 1) + lead_s
        for shape, start_s, end_s in zip(shapes, edges_s[:-1], edges_s[1:], strict=True):
            held[(times_s >= start_s) & (times_s < end_s)] = [getattr(shape, name) for name in VISEME_FIELDS]
    curves = {}
    for column, name in enumerate(VISEME_FIELDS):
        sigma_s = _CLOSURE_SMOOTHING_S if name in _CLOSURES else _SMOOTHING_S
        smooth = gaussian_filter1d(held[:, column], sigma_s * CLIP_FPS * _STEPS_PER_FRAME, mode="nearest")
        frame_times_s = np.arange(frames) / CLIP_FPS
        curves[name] = np.interp(frame_times_s, times_s, smooth)
    return curves
