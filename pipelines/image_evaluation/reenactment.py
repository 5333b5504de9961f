"""Reenactment of held-out clips: a portrait of the clip is animated by the clip's own coefficients, and compared frame by frame."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.image_evaluation.cpbd import cpbd, luma
from pipelines.image_evaluation.held_out_clips import HeldOutClip
from pipelines.image_evaluation.picture_quality import ErrorSum, frame_psnrs, masked, square_errors, ssim
from pipelines.models.image_codebook.pictures import from_bytes, to_bytes
from pipelines.rendering.frame_generator import FrameGenerator

Pictures = NDArray[np.uint8]

_EYES, _MOUTH = slice(0, 2), slice(2, 3)
_PICTURES_AT_ONCE = 8
_CPBD_EVERY = 4
"""Sharpness is measured of every so manieth frame: it takes long and hardly changes from frame to frame."""


@dataclass(frozen=True, eq=False)
class Reenactment:
    """What a generator made of a clip.

    Attributes:
        clip: that was reenacted.
        made: (n, size, size, 3) uint8, one for each of the clip's chosen rows.
        seconds: that making them took, from coefficients to bytes.
    """

    clip: HeldOutClip
    made: Pictures
    seconds: float


def reenact(generator: FrameGenerator, clip: HeldOutClip) -> Reenactment:
    """Animate a clip's portrait by the clip's coefficients."""
    portrait = generator.encode_arrays(clip.surrounded, clip.identity, clip.portrait_coefficients)
    start = time.perf_counter()
    made = np.concatenate(list(generator.frames(portrait, clip.beta, clip.rho, clip.rows)))
    return Reenactment(clip, made, time.perf_counter() - start)


def warped_portraits(generator: FrameGenerator, clip: HeldOutClip, rows: NDArray[np.int64]) -> Pictures:
    """Return the warped portraits I_w (n, size, size, 3) uint8 of some frames."""
    portrait = generator.encode_arrays(clip.surrounded, clip.identity, clip.portrait_coefficients)
    found = [to_bytes(made.warped).cpu().numpy() for made in generator.details(portrait, clip.beta, clip.rho, rows)]
    return np.concatenate(found)


def reconstructed(generator: FrameGenerator, pictures: Pictures) -> Pictures:
    """Return what the codebook makes of pictures (n, size, size, 3): no frame that is made of codes can be expected to be nearer."""
    codebook = generator.model.generator.codebook
    device = next(codebook.parameters()).device
    found = []
    for start in range(0, len(pictures), _PICTURES_AT_ONCE):
        with torch.inference_mode():
            batch = from_bytes(torch.from_numpy(pictures[start : start + _PICTURES_AT_ONCE]).to(device))
            found.append(to_bytes(codebook(batch).pictures).cpu().numpy())
    return np.concatenate(found)


SUMS = ("psnr_db", "eyes_psnr_db", "mouth_psnr_db", "closed_eyes_psnr_db", "open_mouth_psnr_db")


@dataclass
class PictureFigures:
    """Figures of pictures against true ones. Decibels are of the mean squared error of all pixels together.

    Attributes:
        sums: squared errors by figure.
        frame_psnrs: of each frame.
        ssims: of each frame; empty: not asked for.
    """

    sums: dict[str, ErrorSum] = field(default_factory=lambda: {name: ErrorSum() for name in SUMS})
    frame_psnrs: list[float] = field(default_factory=list)
    ssims: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, made: Pictures, clip: HeldOutClip, *, similarity: bool = True) -> PictureFigures:
        """Return the figures of pictures of a clip's chosen frames; `similarity`: SSIM, which takes longest, is wanted too."""
        errors, frames = square_errors(made, clip.pictures), np.arange(len(made))
        found = cls(frame_psnrs=frame_psnrs(errors))
        if similarity:
            found.ssims = [ssim(one, other) for one, other in zip(made, clip.pictures, strict=True)]
        found.sums["psnr_db"].add(errors)
        for name, part, rows in (
            ("eyes_psnr_db", _EYES, frames),
            ("mouth_psnr_db", _MOUTH, frames),
            ("closed_eyes_psnr_db", _EYES, frames[clip.closed]),
            ("open_mouth_psnr_db", _MOUTH, frames[clip.speaking]),
        ):
            for region in masked(errors, clip.boxes[:, part], rows):
                found.sums[name].add(region)
        return found

    def include(self, other: PictureFigures) -> None:
        """Take in the figures of other pictures."""
        for name, total in self.sums.items():
            total.include(other.sums[name])
        self.frame_psnrs += other.frame_psnrs
        self.ssims += other.ssims

    def figures(self, prefix: str = "") -> dict[str, float | None]:
        """Return the figures by name; None: nothing to measure it on."""
        found = {name: total.psnr_db for name, total in self.sums.items()}
        found["frame_psnr_db"] = float(np.mean(self.frame_psnrs)) if self.frame_psnrs else None
        found["ssim"] = float(np.mean(self.ssims)) if self.ssims else None
        return {f"{prefix}{name}": None if value is None else round(value, 4) for name, value in found.items()}


def sharpness(pictures: Pictures) -> list[float]:
    """Return the CPBD of some of the pictures (n, size, size, 3)."""
    return [cpbd(luma(picture)) for picture in pictures[::_CPBD_EVERY]]
