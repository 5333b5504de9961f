"""Writes a sound track as an ``.m4a`` file, the same bytes every time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

_FRAME_SAMPLES = 1024
_BIT_RATE = 96_000


def write_m4a(path: Path, samples: npt.NDArray[np.float32], rate_hz: int) -> None:
    """Write mono samples (n,), -1..1, as AAC; an existing file is replaced.

    Raises:
        OSError: if the file cannot be written.
    """
    with av.open(str(path), "w", format="ipod", options={"fflags": "+bitexact", "movflags": "+faststart"}) as container:
        stream = container.add_stream("aac", rate=rate_hz, layout="mono", options={"flags": "+bitexact"})
        stream.codec_context.bit_rate = _BIT_RATE
        for start in range(0, len(samples), _FRAME_SAMPLES):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + _FRAME_SAMPLES], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, start, Fraction(1, rate_hz)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
