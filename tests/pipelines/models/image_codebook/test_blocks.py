import torch
from torch.nn import functional

from pipelines.models.image_codebook.blocks import ChannelNorm, Doubling, Halving, SelfAttention, as_map, as_tokens, attend


def test_channel_norm_normalises_each_place() -> None:
    normalised = ChannelNorm(8)(torch.randn(2, 8, 3, 5) * 4 + 7)

    assert torch.allclose(normalised.mean(dim=1), torch.zeros(2, 3, 5), atol=1e-5)
    assert torch.allclose(normalised.var(dim=1, correction=0), torch.ones(2, 3, 5), atol=1e-3)


def test_halving_and_doubling_change_the_side() -> None:
    assert Halving(4, 6)(torch.randn(1, 4, 8, 6)).shape == (1, 6, 4, 3)
    assert Doubling(6, 4)(torch.randn(1, 6, 4, 3)).shape == (1, 4, 8, 6)


def test_doubling_begins_as_plain_enlargement() -> None:
    doubled = Doubling(6, 4)(torch.randn(1, 6, 4, 3))

    assert torch.equal(doubled, functional.interpolate(doubled[..., ::2, ::2], scale_factor=2))


def test_tokens_and_maps_are_each_other_s_inverse() -> None:
    features = torch.randn(2, 5, 4, 4)

    assert torch.equal(as_map(as_tokens(features), 4), features)


def test_attention_agrees_with_its_formula() -> None:
    queries, keys, values = torch.randn(3, 2, 7, 6, dtype=torch.float64).unbind()
    heads = [
        torch.softmax(queries[..., part] @ keys[..., part].mT / 3**0.5, dim=-1) @ values[..., part] for part in (slice(0, 3), slice(3, 6))
    ]

    assert torch.allclose(attend(queries, keys, values, 2), torch.cat(heads, dim=-1))


def test_self_attention_keeps_the_shape_and_sees_everything() -> None:
    layer, features = SelfAttention(8, 2), torch.randn(1, 8, 4, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(layer(features)[0, :, 0, 0].sum(), features)

    assert layer(features).shape == features.shape
    assert (gradient.abs().sum(dim=1) > 0).all()
