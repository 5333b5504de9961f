"""WAV files of 16-bit mono sound, written whole or not at all."""

from __future__ import annotations

import wave
from pathlib import Path

from storage_schemas.store_trouble import store_trouble


def write_wave(path: Path, samples: bytes, rate_hz: int) -> None:
    """Write little-endian int16 samples under a temporary name and move the file to its place.

    Raises:
        StoreError: it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.part")
    with store_trouble("write", path):
        with wave.open(str(temporary), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(samples)
        temporary.replace(path)
