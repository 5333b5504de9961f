"""Which frames are made together: the clips of a group one after the other, cut into batches of one size."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple


class Run(NamedTuple):
    """Frames of one clip in a batch.

    Attributes:
        clip: place of the clip in the group.
        first: first frame.
        length: how many.
    """

    clip: int
    first: int
    length: int


def frame_batches(frames: Sequence[int], wanted: Collection[int], size: int) -> Iterator[list[Run]]:
    """Yield batches of `size` frames, the last one shorter; those without a frame that is wanted are left out.

    What is together in a batch depends on the group alone, so a clip's frames have the same bytes whatever is done already.

    Args:
        frames: length of each clip of the group.
        wanted: clips whose frames are wanted.
        size: frames of a batch.
    """
    batch: list[Run] = []
    room = size
    for clip, count in enumerate(frames):
        first = 0
        while first < count:
            taken = min(room, count - first)
            batch.append(Run(clip, first, taken))
            first, room = first + taken, room - taken
            if not room:
                if any(run.clip in wanted for run in batch):
                    yield batch
                batch, room = [], size
    if any(run.clip in wanted for run in batch):
        yield batch
