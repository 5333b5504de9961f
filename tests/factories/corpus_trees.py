"""Source folders that only look like corpora: the files hold a few bytes, since listing reads names and sizes alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def write_files(root: Path, paths: Iterable[str | bytes], content: bytes = b"not really media") -> Path:
    """Write small files below `root`, with their folders; bytes paths may be anything that the file system takes."""
    for path in paths:
        file = root / os.fsdecode(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return root


def mead_paths(
    person: str = "M003",
    views: Iterable[str] = ("front",),
    emotions: Iterable[str] = ("angry",),
    levels: Iterable[int] = (1,),
    takes: int = 2,
) -> list[str]:
    """Return the video paths of one person in MEAD's tree."""
    return [
        f"{person}/video/{view}/{emotion}/level_{level}/{take:03d}.mp4"
        for view in views
        for emotion in emotions
        for level in levels
        for take in range(1, takes + 1)
    ]
