"""The font of labels in pictures: DejaVu Sans, which matplotlib brings along; Pillow's own has no letters beyond ASCII."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from PIL import ImageFont


@lru_cache(maxsize=64)
def label_font(size_px: float) -> ImageFont.FreeTypeFont:
    """Return the font in a size; Latin, Greek, Cyrillic and Arabic letters have glyphs."""
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size_px)
