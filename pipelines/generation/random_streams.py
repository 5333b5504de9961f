"""Random numbers of an item: from its own seed and take alone, one stream for each purpose.

Philox is counter-based: a stream is named by its key, so no item's numbers depend on which others are generated beside it.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

_STREAMS = 16


class Stream(IntEnum):
    """What random numbers are drawn for; stored results depend on these values."""

    EXPRESSION = 0
    EXPRESSION_TAILS = 1
    POSE = 2
    POSE_TAILS = 3
    BLINKS = 4


def random_stream(seed: int, take: int, stream: Stream) -> np.random.Generator:
    """Return the generator of an item.

    Args:
        seed: of the item, at least 0.
        take: number of the take, at least 0; takes of one seed are as different as seeds are.
        stream: what it is for.
    """
    return np.random.Generator(np.random.Philox(key=np.array([seed, take * _STREAMS + stream], dtype=np.uint64)))
