"""The table of an ablation: records, means over repetitions, and Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

_COLUMNS = {
    "held_out_nll": "held-out NLL",
    "held_out_nll_without_past": "the same, past hidden",
    "train_nll": "training NLL",
    "sample_outliers": "sample outliers",
    "real_outliers": "held-out outliers",
    "own_centre_share": "latents near their own emotion",
}
_SHARES = ("sample_outliers", "real_outliers", "own_centre_share")


class AblationRun(BaseModel):
    """One training of one variant; NLL in nats per dimension of normalised coefficients, lower is better."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    variant: str
    repetition: int
    run: str = Field(description="run in the store")
    seconds: float = Field(description="spent on training")
    steps: int = Field(0, description="of its training; 0: a report of an earlier version, which does not say")
    train_nll: float = Field(description="of training clips")
    held_out_nll: float = Field(description="of held-out clips, given their previous frames")
    held_out_nll_without_past: float = Field(description="of held-out clips, previous frames hidden")
    sample_outliers: float = Field(description="share of free samples beyond the ellipsoid that holds 99.9 % of the training frames")
    real_outliers: float = Field(description="share of held-out frames beyond it")
    own_centre_share: float | None = Field(description="held-out latents nearest to the mean of their own emotion; null: no labels")


class AblationReport(BaseModel):
    """All trainings of an ablation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str = Field(description="id of the dataset version or of the imported files of the first repetition")
    preset: str
    runs: list[AblationRun]

    def markdown(self) -> str:
        """Return a table with a row for each variant: mean and, over repetitions, standard deviation."""
        variants = list(dict.fromkeys(run.variant for run in self.runs))
        lines = [f"| variant | {' | '.join(_COLUMNS.values())} |", f"| --- |{' --- |' * len(_COLUMNS)}"]
        for variant in variants:
            runs = [run for run in self.runs if run.variant == variant]
            cells = [_cell(column, [getattr(run, column) for run in runs]) for column in _COLUMNS]
            lines.append(f"| {variant} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


def _cell(column: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return "n/a (no labels)"
    factor, unit, digits = (100.0, " %", 1) if column in _SHARES else (1.0, "", 3)
    mean = f"{np.mean(known) * factor:.{digits}f}"
    spread = f" ± {np.std(known, ddof=1) * factor:.{digits}f}" if len(known) > 1 else ""
    return f"{mean}{spread}{unit}"
