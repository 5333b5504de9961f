"""The figures of an evaluation of frames: what each means, and what the demo corpus and the preset tiny are held to."""

from __future__ import annotations

from typing import NamedTuple


class Figure(NamedTuple):
    """One figure.

    Attributes:
        meaning: in words.
        at_least: what is wanted; None: it is there to compare with.
    """

    meaning: str
    at_least: float | None = None

    @property
    def wanted(self) -> str:
        """What is wanted in words; empty: nothing."""
        return "" if self.at_least is None else f"{self.at_least:g} or more"

    def is_met(self, value: float) -> bool:
        """Say whether a value is as wanted."""
        return self.at_least is None or value >= self.at_least


FIGURES: dict[str, Figure] = {
    "psnr_db": Figure("all pixels of all frames together", 27.0),
    "frame_psnr_db": Figure("mean of the PSNR of each frame, as papers have it"),
    "ssim": Figure("structural similarity, mean over frames"),
    "eyes_psnr_db": Figure("pixels in the boxes of both eyes", 24.0),
    "mouth_psnr_db": Figure("pixels in the box of the mouth", 24.0),
    "closed_eyes_psnr_db": Figure("eyes, of frames whose eyes are closed"),
    "open_mouth_psnr_db": Figure("mouth, of the fifth of frames whose mouth is widest open"),
    "cpbd": Figure("sharpness of the made frames, mean over every fourth"),
    "real_cpbd": Figure("sharpness of the true frames"),
    "codebook_psnr_db": Figure("true frames through the codebook alone: what codes can give at best"),
    "codebook_eyes_psnr_db": Figure("the same, eyes"),
    "codebook_mouth_psnr_db": Figure("the same, mouth"),
    "portrait_psnr_db": Figure("the portrait as it is instead of frames: what standing still would give"),
    "portrait_eyes_psnr_db": Figure("the same, eyes"),
    "portrait_mouth_psnr_db": Figure("the same, mouth"),
    "ms_per_frame": Figure("time of a frame, from coefficients to bytes, of the fastest clip"),
}
