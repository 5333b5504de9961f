from __future__ import annotations

import torch

from pipelines.generation.manifold import ManifoldProjection


def test_training_latents_project_onto_themselves() -> None:
    latents = torch.randn(200, 8, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(ManifoldProjection(latents, 5).project(latents[:20]), latents[:20], atol=0.02, rtol=0)


def test_a_projection_lies_in_the_plane_of_the_training_latents() -> None:
    generator = torch.Generator().manual_seed(0)
    plane = torch.randn(2, 8, generator=generator)
    latents = torch.randn(300, 2, generator=generator) @ plane
    outside = torch.randn(2, generator=generator) @ plane + 0.5 * torch.randn(10, 8, generator=generator)
    projected = ManifoldProjection(latents).project(outside)

    basis = torch.linalg.qr(plane.T)[0]
    torch.testing.assert_close(projected @ basis @ basis.T, projected, atol=1e-4, rtol=0)
    nearest = torch.cdist(outside, latents).min(dim=1).values
    assert bool(((projected - outside).norm(dim=1) <= nearest + 1e-3).all())


def test_weights_add_up_to_one() -> None:
    latents = torch.randn(50, 4, generator=torch.Generator().manual_seed(0)) + 100.0

    projected = ManifoldProjection(latents).project(torch.full((1, 4), 100.0))

    torch.testing.assert_close(projected, torch.full((1, 4), 100.0), atol=0.5, rtol=0)


def test_fewer_latents_than_neighbours_are_enough() -> None:
    latents = torch.tensor([[1.0, 0.0], [0.0, 1.0]])

    torch.testing.assert_close(
        ManifoldProjection(latents).project(torch.tensor([[1.0, 1.0]])), torch.tensor([[0.5, 0.5]]), atol=1e-3, rtol=0
    )
