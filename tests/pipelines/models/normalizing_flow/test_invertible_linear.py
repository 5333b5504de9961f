from __future__ import annotations

import torch

from pipelines.models.normalizing_flow.invertible_linear import InvertibleLinears


def linears(seed: int = 0) -> InvertibleLinears:
    return InvertibleLinears(3, 8, torch.Generator().manual_seed(seed))


def test_they_begin_as_rotations_of_the_seed() -> None:
    matrices = linears().matrices()

    assert torch.allclose(matrices @ matrices.mT, torch.eye(8).expand(3, 8, 8), atol=1e-5)
    assert torch.equal(matrices, linears().matrices())
    assert not torch.equal(matrices, linears(1).matrices())
    assert abs(linears().log_det().item()) < 1e-5


def test_inverse_and_determinant_hold_for_other_weights() -> None:
    module = linears()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    matrices = module.matrices()

    assert torch.allclose(module.inverses() @ matrices, torch.eye(8).expand(3, 8, 8), atol=1e-5)
    assert torch.allclose(module.log_det(), torch.linalg.slogdet(matrices).logabsdet.sum(), atol=1e-5)


def test_what_is_outside_of_the_triangles_counts_for_nothing() -> None:
    module = linears()
    before = module.matrices().detach()
    with torch.no_grad():
        module.lower.add_(torch.ones(8, 8).triu())
        module.upper.add_(torch.ones(8, 8).tril())

    assert torch.equal(module.matrices(), before)
