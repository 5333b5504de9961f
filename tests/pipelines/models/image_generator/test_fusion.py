import torch

from pipelines.models.image_generator.fusion import CrossAttention, FusionNetwork
from tests.factories.image_models import disturbed


def test_both_change_nothing_at_first() -> None:
    warped, codes = torch.randn(2, 16, 4, 4), torch.randn(2, 16, 4, 4)

    assert torch.equal(FusionNetwork(16, 8)(warped, codes), warped)
    assert torch.equal(CrossAttention(16, 2, 4)(warped, codes), warped)


def test_every_place_can_ask_the_whole_portrait() -> None:
    attention = disturbed(CrossAttention(16, 2, 4))
    features, codes = torch.randn(1, 16, 4, 4), torch.randn(1, 16, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(attention(features, codes)[0, :, 3, 0].sum(), codes)

    assert (gradient.abs().sum(dim=1) > 0).all()


def test_fusion_sees_both_maps() -> None:
    fusion = disturbed(FusionNetwork(16, 8))
    warped, codes = (torch.randn(1, 16, 4, 4, requires_grad=True) for _ in range(2))
    fusion(warped, codes).square().sum().backward()

    assert warped.grad is not None
    assert codes.grad is not None
    assert codes.grad.any()
