from __future__ import annotations

import pytest
import torch

from pipelines.training.images.picture_figures import PictureErrors
from pipelines.training.images.sample_pictures import sample_grid, samples_png


def _boxes(count: int) -> torch.Tensor:
    box = torch.tensor([[0.0, 0.0, 0.25, 0.25], [0.75, 0.0, 1.0, 0.25], [0.25, 0.75, 0.75, 1.0]])
    return box.expand(count, 3, 4)


def test_decibels_of_known_errors() -> None:
    targets = torch.zeros(2, 3, 16, 16)
    made = targets.clone()
    made[..., :4, :4] = 0.2  # the right eye
    errors = PictureErrors()
    errors.add(made, targets, _boxes(2))
    figures = errors.figures()
    assert figures["eyes_psnr_db"] == pytest.approx(10 * torch.log10(torch.tensor(4 / (0.04 / 2))).item(), abs=1e-3)
    assert figures["psnr_db"] == pytest.approx(10 * torch.log10(torch.tensor(4 / (0.04 / 16))).item(), abs=1e-3)
    assert figures["mouth_psnr_db"] == 100.0


def test_what_is_beyond_white_counts_as_white() -> None:
    errors = PictureErrors()
    errors.add(torch.full((1, 3, 8, 8), 3.0), torch.ones(1, 3, 8, 8), _boxes(1))
    assert errors.mean_square == 0.0


def test_frames_without_faces_have_no_regions() -> None:
    errors = PictureErrors()
    errors.add(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8), torch.full((1, 3, 4), float("nan")))
    assert list(errors.figures()) == ["psnr_db"]


def test_grids_of_samples() -> None:
    samples = [torch.rand(3, 3, 16, 16) * 2 - 1 for _ in range(20)]
    assert sample_grid(samples).shape == (7 * 16, 3 * 16, 3)
    assert samples_png(samples[:2], ("a", "b", "c"))[:4] == b"\x89PNG"
