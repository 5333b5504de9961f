import math

import pytest
import torch

from pipelines.models.image_codebook.quantiser import Quantiser, code_counts, perplexity, straight_through, used_share


def _quantiser(codes: int = 12, width: int = 6) -> Quantiser:
    torch.manual_seed(3)
    return Quantiser(codes, width)


def _latents(batch: int = 2, width: int = 6, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, width, 4, 4, generator=torch.Generator().manual_seed(seed))


def test_the_straight_through_gradient_is_exactly_the_identity() -> None:
    latents, gradient = _latents().requires_grad_(), torch.randn(2, 6, 4, 4)
    quantiser = _quantiser()
    quantiser(latents).codes.backward(gradient)

    assert latents.grad is not None
    assert torch.equal(latents.grad, gradient)
    assert quantiser.codes.grad is None


def test_the_jacobian_of_quantising_is_the_identity_matrix() -> None:
    latents = torch.randn(5, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda z: straight_through(z, torch.arange(5.0, dtype=torch.float64)), latents)

    assert torch.equal(jacobian, torch.eye(5, dtype=torch.float64))


def test_codes_decode_back() -> None:
    """What quantising gives is the codes themselves, bit for bit; they are their own nearest codes, and indices give them back."""
    quantiser = _quantiser()
    made = quantiser(_latents())

    assert torch.equal(made.codes, quantiser.look_up(made.indices))
    assert torch.equal(quantiser.nearest(made.codes), made.indices)
    everything = torch.arange(12).reshape(1, 3, 4)
    assert torch.equal(quantiser.nearest(quantiser.look_up(everything)), everything)


def test_the_nearest_code_is_the_nearest() -> None:
    quantiser, latents = _quantiser(), _latents(seed=5)
    distances = torch.cdist(latents.permute(0, 2, 3, 1).reshape(-1, 6), quantiser.codes.detach())

    assert torch.equal(quantiser.nearest(latents).flatten(), distances.argmin(dim=1))


def test_the_code_term_moves_codes_alone_and_the_commitment_term_the_encoder_alone() -> None:
    quantiser, latents = _quantiser(), _latents().requires_grad_()
    made = quantiser(latents)
    assert torch.allclose(made.code_loss, made.commitment_loss)

    made.code_loss.backward(retain_graph=True)
    assert latents.grad is None
    assert quantiser.codes.grad is not None
    used = torch.unique(made.indices)
    assert set(quantiser.codes.grad.abs().sum(dim=1).nonzero().flatten().tolist()) == set(used.tolist())

    quantiser.codes.grad = None
    made.commitment_loss.backward()
    assert quantiser.codes.grad is None
    assert torch.allclose(latents.grad, 2 * (latents - made.codes).detach() / latents.numel())


def test_initial_codes_are_centres_of_the_latents_they_stand_for() -> None:
    quantiser, latents = _quantiser(), _latents(batch=8)
    errors = []
    for rounds in (0, 1, 30):
        quantiser.initialise(latents, torch.Generator().manual_seed(1), rounds)
        errors.append(quantiser(latents).code_loss.item())
    rows, nearest = latents.permute(0, 2, 3, 1).reshape(-1, 6), quantiser.nearest(latents).flatten()
    centres = torch.stack([rows[nearest == number].mean(dim=0) for number in range(12)])

    assert errors[2] < errors[1] < errors[0]
    assert torch.allclose(quantiser.codes, centres, atol=1e-5)


def test_dead_codes_move_to_latents_and_used_ones_stay() -> None:
    quantiser, latents = _quantiser(), _latents(batch=4)
    with torch.no_grad():
        quantiser.codes[5:] += 100
    before = quantiser.codes.detach().clone()
    for _ in range(200):
        quantiser.note_use(quantiser.nearest(latents))
    moved = quantiser.revive(latents, torch.Generator().manual_seed(0))

    assert moved.tolist() == [False] * 5 + [True] * 7
    assert torch.equal(quantiser.codes[:5], before[:5])
    rows = latents.permute(0, 2, 3, 1).reshape(-1, 6)
    assert (torch.cdist(quantiser.codes[5:].detach(), rows).min(dim=1).values < 1e-6).all()
    assert torch.equal(quantiser.recent_use[5:], torch.ones(7))
    assert len(torch.unique(quantiser.nearest(latents))) > 5


def test_the_draw_of_revived_codes_is_reproducible_and_may_need_more_codes_than_latents() -> None:
    results = []
    for _ in range(2):
        quantiser = _quantiser(codes=40)
        quantiser.recent_use.zero_()
        quantiser.revive(_latents(batch=1), torch.Generator().manual_seed(7))
        results.append(quantiser.codes.detach().clone())

    assert torch.equal(*results)


def test_quantising_changes_no_state() -> None:
    quantiser = _quantiser().train()
    before = {name: value.clone() for name, value in quantiser.state_dict().items()}
    quantiser(_latents())

    assert all(torch.equal(value, before[name]) for name, value in quantiser.state_dict().items())


@pytest.mark.parametrize(("counts", "share", "expected"), [([3, 3, 3, 3], 1.0, 4.0), ([0, 9, 0, 0], 0.25, 1.0), ([5, 5, 0, 0], 0.5, 2.0)])
def test_use_and_perplexity(counts: list[int], share: float, expected: float) -> None:
    indices = torch.repeat_interleave(torch.arange(4), torch.tensor(counts))
    found = code_counts(indices, 4)

    assert found.tolist() == counts
    assert used_share(found) == share
    assert math.isclose(perplexity(found), expected, rel_tol=1e-9)


def test_bf16_latents_keep_their_type_and_find_the_same_codes() -> None:
    quantiser, latents = _quantiser(), _latents().bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        made = quantiser(latents)

    assert made.codes.dtype == torch.bfloat16
    assert torch.equal(made.indices, quantiser.nearest(latents.float()))
    assert made.code_loss.dtype == torch.float32
