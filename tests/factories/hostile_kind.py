"""What a kind of hostile file is, and which rejections belong together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from storage_schemas.rejections import RejectionReason
from tests.factories.hostile_workshop import Workshop

Reason = RejectionReason
Make = Callable[[Workshop, Path, np.random.Generator], object]

_REPEATED = 8
_NOTHING_SPECIAL = frozenset(
    {Reason.TRUNCATED_FILE, Reason.NOT_MEDIA, Reason.NO_VIDEO_STREAM, Reason.NO_AUDIO_STREAM, Reason.UNSUPPORTED_CODEC}
)
BROKEN = _NOTHING_SPECIAL | {Reason.VIDEO_UNDECODABLE, Reason.AUDIO_UNDECODABLE, Reason.AUDIO_TOO_SHORT, Reason.TOO_SHORT}
"""What may be found in a file of which something is missing or changed."""
OUT_OF_RANGE = frozenset({Reason.DIMENSIONS_OUT_OF_RANGE, Reason.DURATION_OUT_OF_RANGE, Reason.FRAME_RATE_OUT_OF_RANGE})
SPOILED_PICTURES = frozenset({Reason.NO_FACE, Reason.FACE_LOST, Reason.SEVERAL_FACES, Reason.FACE_TOO_SMALL})
ANY_DAMAGE = BROKEN | OUT_OF_RANGE | SPOILED_PICTURES
"""What may be found where random bits were flipped: anything but a crash, a hang or a flood."""


@dataclass(frozen=True)
class Kind:
    """A way to be hostile.

    Attributes:
        name: short, unique.
        make: writes the file at a path.
        reasons: rejections any of which is right.
        may_be_accepted: whether what is left may be a usable clip.
        suffix: of the file's name.
        most: how often it may be repeated: 1 where every repetition would be the same.
        possible: whether it can be made on this machine.
    """

    name: str
    make: Make
    reasons: frozenset[RejectionReason]
    may_be_accepted: bool = False
    suffix: str = ".mp4"
    most: int = _REPEATED
    possible: Callable[[], bool] = lambda: True


def reasons(*reasons: RejectionReason) -> frozenset[RejectionReason]:
    return frozenset(reasons)


def seed_from(generator: np.random.Generator) -> int:
    return int(generator.integers(2**31))
