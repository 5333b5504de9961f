"""What is prepared of the files of a row: sound as raw samples on disk, a portrait as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.log_mel import log_mel
from pipelines.generation.audio_features import frames_of_samples
from pipelines.rendering.portrait_frame import SquareWindow
from pipelines.rendering.portrait_preparation import Portrait
from storage_schemas.build_spec import AudioSettings
from storage_schemas.errors import BadInputError
from storage_schemas.render_results import RenderFailure

Float32Array = NDArray[np.float32]
_MARGIN_COLUMNS = 4  # see audio_features


class UnusableInputError(Exception):
    """Something about a row cannot be used; the row fails with this reason and message, the others go on."""

    def __init__(self, reason: RenderFailure, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Sound:
    """Raw samples in a file: mono int16.

    Attributes:
        path: of the file.
        rate_hz: samples a second.
        samples: how many there are.
    """

    path: Path
    rate_hz: int
    samples: int

    def read(self, start: int, end: int) -> Float32Array:
        """Return samples `start` to `end` as float32 -1..1, fewer at the end of the file."""
        # Not mapped into memory: pages of a file count as this process's own.
        count = max(0, min(end, self.samples) - start)
        raw = np.fromfile(self.path, np.int16, count, offset=2 * start) if count else np.zeros(0, np.int16)
        return raw.astype(np.float32) / np.float32(32768)


@dataclass(frozen=True)
class PreparedSound:
    """What is said in a clip.

    Attributes:
        speech: at 16 kHz, what the networks hear.
        track: what the clip plays.
    """

    speech: Sound
    track: Sound

    @property
    def frames(self) -> int:
        """Video frames (1/25 s) that it lasts."""
        return frames_of_samples(self.speech.samples)


class SoundFeatures:
    """Log-mel of a sound on disk, in constant memory; see `AudioFeatures`.

    Args:
        sound: at 16 kHz.
    """

    def __init__(self, sound: Sound) -> None:
        if not sound.samples:
            raise BadInputError("the audio is empty: it has a track without samples")
        self._sound = sound
        self._hop = AudioSettings().hop_samples
        self.columns = 1 + sound.samples // self._hop
        self.frames = frames_of_samples(sound.samples)

    def read(self, first: int, end: int) -> Float32Array:
        """Return columns `first` to `end`, (end - first, 80) float32."""
        end = min(end, self.columns)
        start = max(0, first - _MARGIN_COLUMNS)
        samples = self._sound.read(start * self._hop, (end + _MARGIN_COLUMNS) * self._hop)
        return log_mel(samples, AudioSettings())[first - start : end - start]


_ARRAYS = ("surrounded", "identity", "beta", "rho", "landmarks")
_PLAIN = ("name", "face_model", "edge_share", "surroundings_px", "quarter_turns")


def save_portrait(portrait: Portrait, path: Path) -> dict[str, Any]:
    """Write the arrays of a portrait to a .npz file and return the rest as JSON values."""
    np.savez(path, **{name: getattr(portrait, name) for name in _ARRAYS})
    windows = {
        name: [window.x_px, window.y_px, window.size_px]
        for name, window in (("window", portrait.window), ("dataset_window", portrait.dataset_window))
    }
    plain = {name: getattr(portrait, name) for name in _PLAIN}
    return {**plain, **windows}


def load_portrait(path: Path, values: dict[str, Any]) -> Portrait:
    """Return what `save_portrait` wrote."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in _ARRAYS}
    windows: dict[str, Any] = {name: SquareWindow(*values[name]) for name in ("window", "dataset_window")}
    return Portrait(**{name: values[name] for name in _PLAIN}, **arrays, **windows)


@dataclass(frozen=True, eq=False)
class PreparedPortrait:
    """A portrait, and the picture that frames are pasted into.

    Attributes:
        portrait: ready for the generator.
        picture: values of `paste_back.Picture.save`; None: frames are not pasted.
    """

    portrait: Portrait
    picture: dict[str, Any] | None = None
