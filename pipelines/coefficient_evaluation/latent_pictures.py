"""The latent space of ExpFlow by emotion, for one model or several side by side (the paper's figure 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from pipelines.coefficient_evaluation.curve_measures import Floats
from pipelines.coefficient_evaluation.figures import colour_of, emotion_legend, new_figure, write_figure

Projection = Literal["pca", "tsne"]
_MOST_POINTS = 1200
_SEED = 0


@dataclass(frozen=True)
class LatentCloud:
    """The latents of one model.

    Attributes:
        title: name of the model, above its panel.
        latents: (n, 64).
        emotions: label of each of the n.
    """

    title: str
    latents: Floats
    emotions: Sequence[str]


def own_centre_share(latents: Floats, emotions: Sequence[str]) -> float:
    """Return the share of latents (n, features) that are nearer to the mean of their own emotion than to that of any other."""
    labels, rows = np.unique(np.array(emotions), return_inverse=True)
    centres = np.array([latents[rows == row].mean(axis=0, dtype=np.float64) for row in range(len(labels))])
    distances = ((np.asarray(latents, dtype=np.float64)[:, None] - centres[None]) ** 2).sum(axis=-1)
    return float((distances.argmin(axis=1) == rows).mean())


def project(latents: Floats, projection: Projection) -> NDArray[np.float64]:
    """Return latents (n, features) in the plane, (n, 2), always the same way.

    Args:
        latents: four or more.
        projection: "pca" keeps distances along the two widest directions; "tsne" keeps neighbourhoods and little else.
    """
    values = np.asarray(latents, dtype=np.float64)
    if projection == "pca":
        return np.asarray(PCA(2, svd_solver="full").fit_transform(values))
    perplexity = min(30.0, (len(values) - 1) / 3)
    with threadpool_limits(1):  # its threads cost more than they bring, and on a busy machine seconds
        return np.asarray(TSNE(2, init="pca", perplexity=perplexity, random_state=_SEED, n_jobs=1).fit_transform(values), dtype=np.float64)


def draw_latent_spaces(path: Path, clouds: Sequence[LatentCloud], projection: Projection = "pca") -> None:
    """Draw the latents of each model in a panel of its own, coloured by emotion.

    Args:
        path: PNG file to write.
        clouds: one or more; of each at most 1,200 latents are drawn, chosen evenly.
        projection: see `project`.

    Raises:
        StoreError: the file cannot be written.
    """
    figure, ((*panels,),) = new_figure(1, len(clouds), (4.2, 4.2))
    for axes, cloud in zip(panels, clouds, strict=True):
        _draw_cloud(axes, cloud, projection)
    emotion_legend(figure, sorted({emotion for cloud in clouds for emotion in cloud.emotions}))
    write_figure(figure, path)


def _draw_cloud(axes: Axes, cloud: LatentCloud, projection: Projection) -> None:
    chosen = np.unique(np.linspace(0, len(cloud.latents) - 1, min(_MOST_POINTS, len(cloud.latents))).round().astype(int))
    points = project(np.asarray(cloud.latents)[chosen], projection)
    axes.scatter(points[:, 0], points[:, 1], s=6, c=[colour_of(cloud.emotions[row]) for row in chosen], alpha=0.7, linewidths=0)
    share = own_centre_share(np.asarray(cloud.latents), cloud.emotions)
    axes.set_title(f"{cloud.title}\n{share:.0%} nearest to their own emotion's mean", fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", "datalim")
