from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.coefficient_evaluation.latent_pictures import LatentCloud, Projection, draw_latent_spaces, own_centre_share, project

RNG = np.random.default_rng(0)
EMOTIONS = ["angry"] * 60 + ["happy"] * 60
APART = np.concatenate([RNG.standard_normal((60, 64)), RNG.standard_normal((60, 64)) + 3])


def test_separate_emotions_are_nearest_to_their_own_mean() -> None:
    assert own_centre_share(APART, EMOTIONS) == 1


def test_shuffled_labels_are_near_chance() -> None:
    latents = RNG.standard_normal((4000, 8))

    assert own_centre_share(latents, ["angry", "happy"] * 2000) == pytest.approx(0.5, abs=0.06)


@pytest.mark.parametrize("projection", ["pca", "tsne"])
def test_a_projection_keeps_separate_emotions_apart_and_repeats_itself(projection: Projection) -> None:
    points = project(APART, projection)

    assert points.shape == (120, 2)
    assert own_centre_share(points, EMOTIONS) > 0.95
    np.testing.assert_array_equal(points, project(APART, projection))


def test_a_picture_has_a_panel_for_each_model(tmp_path: Path) -> None:
    clouds = [LatentCloud(title, APART, EMOTIONS) for title in ("SMM", "GMM", "no dropout")]
    draw_latent_spaces(tmp_path / "a" / "three.png", clouds)
    draw_latent_spaces(tmp_path / "one.png", clouds[:1])
    draw_latent_spaces(tmp_path / "again.png", clouds[:1])

    with Image.open(tmp_path / "a" / "three.png") as three, Image.open(tmp_path / "one.png") as one:
        assert three.width == 3 * one.width
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "again.png").read_bytes()
