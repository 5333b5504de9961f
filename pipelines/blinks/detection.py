"""Where the blinks of a clip are, and how far each of its frames is closed by one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.face_model.fit_quality import blink_frames

Float64Array = NDArray[np.float64]

_LONGEST_CLOSING = 7
_LONGEST_OPENING = 11
_OPEN_AGAIN = 0.08  # of the depth; what is left of it there belongs to the usual movement of the lids
_LEAST_FRAMES = 3


@dataclass(frozen=True)
class Blink:
    """One blink of a clip: frames `first` to `last` are closed in part, `deepest` the most."""

    first: int
    deepest: int
    last: int


def detect_blinks(openness: Float64Array) -> list[Blink]:
    """Return the blinks of a clip in order; they do not overlap.

    A blink is what `fit_quality.blink_frames` takes for one: a short, deep dip of the openness. It reaches from its deepest frame to
    where the eyes are almost as open as they get within 7 frames before and 11 after.

    Args:
        openness: (frames,) at 25 frames a second, in any unit.
    """
    if len(openness) < _LEAST_FRAMES:
        return []
    blinks: list[Blink] = []
    deepest = [int(frame) for frame in blink_frames(openness)]
    for number, frame in enumerate(deepest):
        following = deepest[number + 1] if number + 1 < len(deepest) else len(openness)
        earliest = max(blinks[-1].last + 1 if blinks else 0, frame - _LONGEST_CLOSING)
        latest = min(following - 1, len(openness) - 1, frame + _LONGEST_OPENING)
        first, last = _edge(openness, frame, earliest, -1), _edge(openness, frame, latest, 1)
        blinks.append(Blink(first, frame, last))
    return blinks


def _edge(openness: Float64Array, deepest: int, furthest: int, step: int) -> int:
    """Return the last frame of a blink on one side of its deepest one."""
    reach = openness[deepest : furthest + step : step] if furthest + step >= 0 else openness[deepest::step]
    open_level = reach.max()
    almost_open = open_level - _OPEN_AGAIN * (open_level - reach[0])
    return deepest + step * int(np.argmax(reach >= almost_open))


def closing_drops(openness: Float64Array, blinks: list[Blink]) -> tuple[Float64Array, Float64Array]:
    """Return by how much blinks lower the openness of each frame, and what it would be without them.

    Args:
        openness: (frames,).
        blinks: of `detect_blinks`.

    Returns:
        drop (frames,), at least 0 and 0 outside blinks; open (frames,) = openness + drop.
    """
    drop = np.zeros(len(openness))
    for blink in blinks:
        before, after = openness[blink.first], openness[blink.last]
        # A clip may begin or end with closed eyes; then the other side says how far they are usually open.
        before = after if blink.first == blink.deepest else before
        after = before if blink.last == blink.deepest else after
        inside = slice(blink.first, blink.last + 1)
        straight = np.linspace(before, after, blink.last - blink.first + 1)
        drop[inside] = np.maximum(0.0, straight - openness[inside])
    return drop, openness + drop
