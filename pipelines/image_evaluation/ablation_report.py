"""The table of the image generator's ablation: records, means over repetitions, and Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

_COLUMNS = {
    "psnr_db": ("PSNR, dB", 2),
    "ssim": ("SSIM", 4),
    "mouth_psnr_db": ("mouth, dB", 2),
    "eyes_psnr_db": ("eyes, dB", 2),
    "cpbd": ("CPBD", 4),
    "ms_per_frame": ("ms a frame", 1),
}


class ImageAblationRun(BaseModel):
    """One training of one variant, and what it makes of held-out clips."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    repetition: int
    run: str = Field(description="run in the store")
    steps: int = Field(description="of its training")
    seconds: float = Field(description="spent on training")
    psnr_db: float | None
    ssim: float | None
    mouth_psnr_db: float | None
    eyes_psnr_db: float | None
    cpbd: float | None
    ms_per_frame: float | None


class ImageAblationReport(BaseModel):
    """All trainings of an ablation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="id of the dataset version")
    split: str = Field(description="held-out clips are of it")
    codebook: str = Field(description="run of the codebook that all variants have")
    preset: str
    real_cpbd: float | None = Field(description="sharpness of the true frames")
    runs: list[ImageAblationRun]

    def markdown(self) -> str:
        """Return a table with a row for each variant: mean and, over repetitions, standard deviation."""
        variants = list(dict.fromkeys(run.variant for run in self.runs))
        lines = [f"| variant | {' | '.join(title for title, _ in _COLUMNS.values())} |", f"| --- |{' --- |' * len(_COLUMNS)}"]
        for variant in variants:
            runs = [run for run in self.runs if run.variant == variant]
            cells = [_cell([getattr(run, name) for run in runs], digits) for name, (_, digits) in _COLUMNS.items()]
            lines.append(f"| {variant} | {' | '.join(cells)} |")
        true_row = ["", "", "", "", _cell([self.real_cpbd], _COLUMNS["cpbd"][1]), ""]
        lines.append(f"| true frames | {' | '.join(true_row)} |")
        return "\n".join(lines) + "\n"


def _cell(values: Sequence[float | None], digits: int) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "n/a"
    spread = f" ± {np.std(known, ddof=1):.{digits}f}" if len(known) > 1 else ""
    return f"{np.mean(known):.{digits}f}{spread}"
