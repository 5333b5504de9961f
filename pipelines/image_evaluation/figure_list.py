"""The figures of an evaluation of frames: what each means, and what the demo corpus and the preset tiny are held to."""

from __future__ import annotations

from pipelines.figure_meaning import FigureMeaning

FIGURES: dict[str, FigureMeaning] = {
    "psnr_db": FigureMeaning("all pixels of all frames together", 27.0),
    "frame_psnr_db": FigureMeaning("mean of the PSNR of each frame, as papers have it"),
    "ssim": FigureMeaning("structural similarity, mean over frames"),
    "eyes_psnr_db": FigureMeaning("pixels in the boxes of both eyes", 24.0),
    "mouth_psnr_db": FigureMeaning("pixels in the box of the mouth", 24.0),
    "closed_eyes_psnr_db": FigureMeaning("eyes, of frames whose eyes are closed"),
    "open_mouth_psnr_db": FigureMeaning("mouth, of the fifth of frames whose mouth is widest open"),
    "cpbd": FigureMeaning("sharpness of the made frames, mean over every fourth"),
    "real_cpbd": FigureMeaning("sharpness of the true frames"),
    "codebook_psnr_db": FigureMeaning("true frames through the codebook alone: what codes can give at best"),
    "codebook_eyes_psnr_db": FigureMeaning("the same, eyes"),
    "codebook_mouth_psnr_db": FigureMeaning("the same, mouth"),
    "portrait_psnr_db": FigureMeaning("the portrait as it is instead of frames: what standing still would give"),
    "portrait_eyes_psnr_db": FigureMeaning("the same, eyes"),
    "portrait_mouth_psnr_db": FigureMeaning("the same, mouth"),
    "ms_per_frame": FigureMeaning("time of a frame, from coefficients to bytes, of the fastest clip"),
}
