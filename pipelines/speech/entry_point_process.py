"""The child side of `entry_point_engine`: imports a function once and lets it speak text after text.

Run as ``python -m pipelines.speech.entry_point_process PARENT``; not meant for people.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.dataset.isolated_main import serve
from pipelines.speech.wave_files import write_wave
from storage_schemas.errors import BadInputError

SpeechFunction = Callable[[str, str], tuple[ArrayLike, int]]
_RATES_HZ = range(4_000, 384_001)


def speak_request(request: dict[str, Any], on_progress: Callable[[float], None]) -> dict[str, Any]:  # noqa: ARG001 - the protocol's
    """Handle one request: `entry`, `text`, `voice` and the `path` to write.

    Raises:
        BadInputError: the function is not there, or returned something that is no sound.
    """
    samples, rate_hz = speech_function(str(request["entry"]))(str(request["text"]), str(request["voice"]))
    if int(rate_hz) not in _RATES_HZ:
        raise BadInputError(f"{request['entry']} returned a rate of {rate_hz} Hz; expected {_RATES_HZ[0]} to {_RATES_HZ[-1]}")
    write_wave(Path(request["path"]), as_int16(samples, str(request["entry"])).tobytes(), int(rate_hz))
    return {"rate_hz": int(rate_hz)}


@cache
def speech_function(entry: str) -> SpeechFunction:
    """Import ``package.module:function``.

    Raises:
        BadInputError: there is no such thing.
    """
    module, _, name = entry.partition(":")
    try:
        found: SpeechFunction = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BadInputError(f"the speech function {entry} cannot be imported: {error}") from error
    return found


def as_int16(samples: ArrayLike, entry: str) -> NDArray[np.int16]:
    """Return samples (n,), int16 or float in -1..1, as little-endian int16.

    Raises:
        BadInputError: another shape or type, no samples, or some that are not finite.
    """
    values = np.asarray(samples)
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "fi" or not np.isfinite(values).all():
        raise BadInputError(f"{entry} returned {values.dtype} {values.shape}; expected (samples,) of int16, or of float in -1..1")
    if values.dtype.kind == "f":
        values = np.round(values.clip(-1, 1) * 32767)
    return values.clip(-32768, 32767).astype("<i2")


if __name__ == "__main__":
    serve(lambda: speak_request)
