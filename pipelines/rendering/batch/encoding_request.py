"""What an encoding process is told of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EncodingRequest:
    """One clip; every field is a JSON value.

    Attributes:
        path: file to write.
        size_px: side of the frames that come.
        frames: how many come.
        sound: file of raw int16 samples; what it lacks is silence, what it has too much is cut.
        rate_hz: its samples a second.
        metadata: container tags.
        crf: constant rate factor of x264.
        preset: speed preset of x264.
        picture: file of the picture that frames are pasted into, and their place in it, see `paste_back`; None: frames are the clip.
    """

    path: str
    size_px: int
    frames: int
    sound: str
    rate_hz: int
    metadata: dict[str, str]
    crf: int = 18
    preset: str = "medium"
    picture: dict[str, Any] | None = None
