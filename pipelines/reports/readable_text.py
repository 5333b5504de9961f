"""Text that is safe and short enough to show: names of files are chosen by others."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides, zero-width), surrogate, private and separator characters can make a name look like another.
_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def readable(text: str, most: int = 240) -> str:
    """Return text with invisible and direction-changing characters written as <U+XXXX>, its middle left out beyond `most` characters."""
    shown = "".join(f"<U+{ord(c):04X}>" if unicodedata.category(c) in _HIDDEN_CATEGORIES else c for c in text)
    if len(shown) <= most:
        return shown
    half = (most - 3) // 2
    return f"{shown[:half]} … {shown[-half:]}"


def readable_size(size_bytes: float) -> str:
    """Return a size with a decimal unit, e.g. ``1.2 GB``."""
    for unit in ("B", "kB", "MB", "GB"):
        if size_bytes < 1000:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.1f} TB"


def readable_hours(hours: float) -> str:
    """Return a length of time in two units: hours and minutes, under an hour minutes and seconds, under a minute seconds alone."""
    seconds = round(hours * 3600)
    if seconds >= 3600:
        return f"{seconds // 3600:,} h {seconds % 3600 // 60} min"
    return f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"


def readable_share(share: float) -> str:
    """Return a share as a percentage that says 100 % only of the whole and 0 % only of nothing."""
    percent = 100 * share
    if 99.95 <= percent < 100:
        return "> 99.9 %"
    if 0 < percent < 0.05:
        return "< 0.1 %"
    return f"{percent:.1f} %".replace(".0 %", " %")
