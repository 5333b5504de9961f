import pytest
import torch

from pipelines.models.image_codebook.codebook import ImageCodebook
from pipelines.models.image_codebook.settings import CodebookSettings, PyramidSettings
from tests.factories.image_models import CODEBOOK, disturbed, pictures, small_codebook


def test_shapes() -> None:
    made = small_codebook()(pictures(2))

    assert made.pictures.shape == (2, 3, 32, 32)
    assert made.latents.shape == made.quantised.codes.shape == (2, 16, 4, 4)
    assert made.quantised.indices.shape == (2, 4, 4)


def test_indices_decode_to_what_forward_gives() -> None:
    codebook = small_codebook()
    with torch.no_grad():
        made = codebook(pictures(3))
        assert torch.equal(codebook.encode(pictures(3)), made.quantised.indices)
        assert torch.equal(codebook.decode(made.quantised.indices), made.pictures)


def test_training_and_evaluation_give_the_same() -> None:
    codebook = small_codebook()
    with torch.no_grad():
        trained, evaluated = codebook.train()(pictures(2)).pictures, codebook.eval()(pictures(2)).pictures

    assert torch.equal(trained, evaluated)


def test_a_picture_is_treated_alone_as_in_a_batch() -> None:
    codebook = small_codebook().double()
    with torch.no_grad():
        together, alone = codebook(pictures(3).double()).pictures[1:2], codebook(pictures(3)[1:2].double()).pictures

    assert torch.allclose(together, alone, atol=1e-12)


def test_gradients_reach_every_parameter() -> None:
    codebook = disturbed(small_codebook())
    made = codebook(pictures(4))
    (made.pictures.square().mean() + made.quantised.code_loss + 0.25 * made.quantised.commitment_loss).backward()

    assert [name for name, parameter in codebook.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []


def test_without_quantising_it_is_an_autoencoder() -> None:
    codebook = small_codebook()
    made = codebook(pictures(2), quantise=False)
    made.pictures.sum().backward()

    assert made.quantised is None
    assert codebook.quantiser.codes.grad is None


def test_a_stored_codebook_is_the_same_one() -> None:
    first, second = small_codebook(0), ImageCodebook(CODEBOOK)
    first.quantiser.note_use(torch.arange(5))
    second.load_state_dict(first.state_dict())
    with torch.no_grad():
        assert torch.equal(first(pictures(1)).pictures, second(pictures(1)).pictures)
    assert torch.equal(first.quantiser.recent_use, second.quantiser.recent_use)


def test_a_codebook_learns_a_few_pictures() -> None:
    codebook, targets = small_codebook(), pictures(4, seed=9)
    optimiser = torch.optim.Adam(codebook.parameters(), lr=3e-3)
    losses = []
    for _ in range(60):
        made = codebook(targets)
        loss = (made.pictures - targets).abs().mean()
        optimiser.zero_grad()
        (loss + made.quantised.code_loss + 0.25 * made.quantised.commitment_loss).backward()
        optimiser.step()
        losses.append(float(loss.detach()))

    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize(
    ("decoder", "size_px", "message"),
    [
        (PyramidSettings(2, (8, 8), (1, 1)), 32, "reduces by 8, the decoder enlarges by 4"),
        (PyramidSettings(4, (8, 8), (1, 1)), 36, "36 px do not divide"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(decoder: PyramidSettings, size_px: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        CodebookSettings(size_px, 8, 8, PyramidSettings(4, (8, 8), (1, 1)), decoder)
    with pytest.raises(ValueError, match="as many block counts"):
        PyramidSettings(4, (8, 8), (1,))
