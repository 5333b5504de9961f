"""Several samples of one audio as curves over time, beside the recorded ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from pipelines.coefficient_evaluation.curve_measures import Floats
from pipelines.coefficient_evaluation.figures import new_figure, write_figure
from pipelines.media_time import CLIP_FPS


def draw_samples(path: Path, title: str, log_mel: Floats, curves: Mapping[str, tuple[Floats, Floats]]) -> None:
    """Draw the log-mel and, below it, each curve of all samples with the recorded one in black.

    Args:
        path: PNG file to write.
        title: what was said, and how.
        log_mel: (columns, 80).
        curves: by name, samples (seeds, frames) and the recorded curve (frames,).

    Raises:
        StoreError: the file cannot be written.
    """
    figure, rows = new_figure(1 + len(curves), 1, (9.0, 1.5))
    (sound,), *others = rows
    sound.imshow(log_mel.T, origin="lower", aspect="auto", extent=(0, len(log_mel) / 80, 0, 80), cmap="magma")
    sound.set_ylabel("mel", fontsize=8)
    sound.set_title(title, fontsize=9)
    for (axes,), (name, (samples, recorded)) in zip(others, curves.items(), strict=True):
        _draw_curve(axes, name, samples, recorded)
    others[-1][0].set_xlabel("s", fontsize=8)
    write_figure(figure, path)


def _draw_curve(axes: Axes, name: str, samples: Floats, recorded: Floats) -> None:
    for sample in samples:
        axes.plot(np.arange(len(sample)) / CLIP_FPS, sample, linewidth=0.8, alpha=0.75)
    axes.plot(np.arange(len(recorded)) / CLIP_FPS, recorded, color="black", linewidth=1.4)
    axes.set_ylabel(name, fontsize=8)
    axes.set_xlim(0, max(samples.shape[1], len(recorded)) / CLIP_FPS)
    axes.tick_params(labelsize=7)
