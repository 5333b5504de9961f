import pytest
import torch

from pipelines.models.image_generator.code_transformer import CodeTransformer, query_codes
from pipelines.models.image_generator.settings import CodeQuery, TransformerSettings
from tests.factories.image_models import CODEBOOK, pictures, small_codebook

SETTINGS = TransformerSettings(layers=2, width=16, heads=2, hidden=24)


def test_before_training_the_likeliest_code_is_the_nearest() -> None:
    codebook = small_codebook()
    transformer = CodeTransformer(SETTINGS, CODEBOOK.code_width, CODEBOOK.latent_size)
    transformer.set_sharpness(codebook.quantiser.codes)
    latents = codebook.encoder(pictures(3))
    scores = transformer(latents, codebook.quantiser.codes)

    assert scores.shape == (3, 16, 24)
    assert torch.equal(scores.argmax(dim=-1), codebook.quantiser.nearest(latents).flatten(1))


def test_at_a_code_its_neighbour_is_about_three_lower() -> None:
    codes = torch.eye(24, 16)[:16] * 5
    transformer = CodeTransformer(SETTINGS, 16, 4)
    transformer.set_sharpness(codes)
    scores = transformer(codes.T.reshape(1, 16, 4, 4), codes)[0]
    best, second = scores.topk(2, dim=-1).values.unbind(dim=-1)

    assert torch.allclose(best - second, torch.full((16,), 3.0), atol=1e-4)


def test_a_hard_query_gives_codes_with_the_gradient_of_the_soft_one() -> None:
    quantiser = small_codebook().quantiser.requires_grad_(requires_grad=False)
    scores = torch.randn(2, 16, 24, requires_grad=True)
    hard, soft = (query_codes(scores, quantiser, 4, query) for query in (CodeQuery.HARD, CodeQuery.SOFT))
    weights = torch.randn(hard.shape)
    gradients = [torch.autograd.grad((made * weights).sum(), scores, retain_graph=True)[0] for made in (hard, soft)]

    assert torch.equal(hard, quantiser.look_up(scores.argmax(dim=-1).reshape(2, 4, 4)))
    assert torch.equal(*gradients)


@pytest.mark.parametrize("query", CodeQuery)
def test_certain_scores_give_exactly_their_code(query: CodeQuery) -> None:
    quantiser = small_codebook().quantiser
    indices = torch.arange(16).reshape(1, 4, 4)
    scores = torch.nn.functional.one_hot(indices.flatten(1), 24) * 1e4

    assert torch.allclose(query_codes(scores, quantiser, 4, query), quantiser.look_up(indices), atol=1e-6)


def test_a_query_leaves_no_denormal_numbers_and_is_a_softmax() -> None:
    quantiser = small_codebook().quantiser.requires_grad_(requires_grad=False)
    scores = (torch.randn(2, 16, 24) * 60).requires_grad_()
    soft = query_codes(scores, quantiser, 4, CodeQuery.SOFT)
    plain = (scores.double().softmax(dim=-1) @ quantiser.codes.double()).transpose(1, 2).reshape(soft.shape)
    (gradient,) = torch.autograd.grad((soft * torch.randn(soft.shape)).sum(), scores)

    assert torch.allclose(soft.double(), plain, atol=1e-5)
    assert float(scores.softmax(dim=-1).detach().amin()) < torch.finfo(torch.float32).tiny  # what a plain one would have
    assert not ((gradient != 0) & (gradient.abs() < torch.finfo(torch.float32).tiny)).any()
