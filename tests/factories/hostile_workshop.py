"""The whole files from which hostile ones are made, each written once."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.factories.hostile_media import FRAMES, face_frames, remux, write_media


class Workshop:
    """Writes base files on first use, outside the corpus.

    Args:
        scratch: folder for base files.
        corpus: the folder that is being filled.
    """

    def __init__(self, scratch: Path, corpus: Path) -> None:
        self.scratch = scratch
        self.corpus = corpus

    def base(self, suffix: str = ".mp4", *, index_first: bool = False, fragmented: bool = False) -> Path:
        """Return a good clip in the container of a suffix; an mp4's index may come first, or its data in fragments."""
        path = self.scratch / f"base{'-front' * index_first}{'-fragments' * fragmented}{suffix}"
        if path.exists():
            return path
        if suffix == ".h264":
            return remux(self.base(), path, container="h264", keep="video")
        flags = "+faststart" if index_first else "frag_keyframe+empty_moov+default_base_moof"
        return write_media(path, face_frames(), muxer_options={"movflags": flags} if index_first or fragmented else None)

    def write_good(self, path: Path, number: int) -> Path:
        """Write a good clip that differs from those with other numbers; FFmpeg is not asked to understand the name."""
        frames = FRAMES + number % 5
        plain = write_media(self.scratch / "good.mp4", face_frames(frames, (256, 192 + 2 * number)))
        shutil.copyfile(plain, path)
        return path

    def write(self, path: Path, pictures: object, **options: object) -> Path:
        """Write a video under any name; `options` as `write_media`; the suffix of the name chooses the container."""
        plain = write_media(self.scratch / f"made{path.suffix}", pictures, **options)  # type: ignore[arg-type]
        shutil.copyfile(plain, path)
        return path

    def reference(self, folder: Path) -> str:
        """Return the name of a good clip beside the others that no listing finds; to follow a reference to it would be wrong."""
        name = "referenced-clip.data"
        shutil.copyfile(self.base(), folder / name)
        return name

    def bytes_of(self, suffix: str = ".mp4") -> bytearray:
        """Return the bytes of a base file."""
        return bytearray(self.base(suffix).read_bytes())


def share(generator: np.random.Generator, low: float, high: float) -> float:
    """Return a random share between two bounds."""
    return float(generator.uniform(low, high))
