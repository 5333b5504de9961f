import torch

from pipelines.models.image_generator.encoding import WarpedEncoder
from tests.factories.image_models import CODEBOOK, disturbed, pictures, small_codebook


def test_it_begins_as_the_codebook_s_encoder() -> None:
    codebook, encoder = small_codebook(), WarpedEncoder(CODEBOOK, 12, guided=True)
    encoder.encoder.load_state_dict(codebook.encoder.state_dict())
    with torch.no_grad():
        latents = encoder(pictures(2), torch.randn(2, 12), torch.rand(2, 2, 32, 32))

    assert torch.equal(latents, codebook.encoder(pictures(2)))


def test_descriptor_and_guide_count_once_it_is_trained() -> None:
    encoder = disturbed(WarpedEncoder(CODEBOOK, 12, guided=True))
    descriptor, guide = torch.randn(2, 12, requires_grad=True), torch.rand(2, 2, 32, 32, requires_grad=True)
    encoder(pictures(2), descriptor, guide).square().sum().backward()

    assert descriptor.grad is not None
    assert descriptor.grad.any()
    assert guide.grad is not None
    assert guide.grad.any()
