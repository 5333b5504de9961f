"""Titles of the fields of forms, from their names."""

from __future__ import annotations

from pydantic.fields import ComputedFieldInfo, FieldInfo

_UNITS = {"px": "px", "s": "s", "hz": "Hz", "db": "dB", "mb": "MB", "deg": "degrees", "iod": "IOD"}


def form_title(name: str, _field: FieldInfo | ComputedFieldInfo) -> str:
    """Return the title of a field: ``min_face_px`` is "Min face (px)"."""
    words = name.split("_")
    unit = _UNITS.get(words[-1]) if len(words) > 1 else None
    text = " ".join(words[:-1] if unit else words)
    return text[:1].upper() + text[1:] + (f" ({unit})" if unit else "")
