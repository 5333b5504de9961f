from __future__ import annotations

import torch

from pipelines.models.image_codebook.perceptual import perceptual_distance
from pipelines.models.image_codebook.pictures import to_bytes
from pipelines.training.averaged_weights import AveragedWeights
from pipelines.training.devices import open_fabric
from pipelines.training.images.codebook_training import CODES, CodebookCare, CodebookLoss
from pipelines.training.images.frame_batches import FrameBatch
from storage_schemas.training_runs import RunKind
from tests.factories.image_models import pictures, small_codebook
from tests.factories.image_trainings import small_spec

SPEC = small_spec(RunKind.CODEBOOK, steps=100)


def _batch(count: int = 4, seed: int = 0) -> FrameBatch:
    return FrameBatch(to_bytes(pictures(count, seed)), torch.full((count, 3, 4), float("nan")))


def _trained(seed: int = 0) -> tuple[CodebookLoss, CodebookCare, torch.optim.Optimizer, AveragedWeights]:
    codebook = small_codebook(seed)
    loss = CodebookLoss(codebook, SPEC, perceptual_distance(None), None)
    optimiser = torch.optim.AdamW(codebook.parameters(), lr=1e-2)
    care = CodebookCare(open_fabric("cpu", 1, "32-true"), loss, optimiser, SPEC, lambda step: _batch(16, step).pictures)
    care.average = AveragedWeights(codebook, 0.9)
    return loss, care, optimiser, care.average


def _step(loss: CodebookLoss, care: CodebookCare, optimiser: torch.optim.Optimizer, step: int) -> dict[str, torch.Tensor]:
    care.before_step(step, SPEC.steps)
    losses = loss(_batch(seed=step))
    losses["loss"].backward()
    optimiser.step()
    optimiser.zero_grad()
    return {**losses, **care.after_step(step + 1)}


def test_codes_come_in_after_the_first_steps() -> None:
    loss, care, optimiser, average = _trained()
    for step in range(3):
        assert "code" not in _step(loss, care, optimiser, step)
    before = loss.codebook.quantiser.codes.clone()
    care.before_step(3, SPEC.steps)
    codes = loss.codebook.quantiser.codes
    assert not torch.equal(codes, before)
    assert torch.equal(average.tensors()[CODES], codes)
    assert all(not value.any() for name, value in optimiser.state[codes].items() if name != "step")
    assert {"code", "commitment", "perplexity"} <= set(_step(loss, care, optimiser, 3))


def test_unused_codes_are_moved_until_the_last_share() -> None:
    loss, care, optimiser, average = _trained()
    for step in range(4):
        _step(loss, care, optimiser, step)
    quantiser = loss.codebook.quantiser
    quantiser.recent_use[:5] = 0
    lost = quantiser.codes[:5].clone()
    _step(loss, care, optimiser, 5)  # after which 6 steps are done, a multiple of revive_every
    moved = ~torch.isclose(quantiser.codes[:5], lost, atol=0.05).all(dim=1)
    assert moved.sum() >= 3  # some may have been used in this very step
    assert torch.equal(average.tensors()[CODES][:5][moved], quantiser.codes[:5][moved])
    quantiser.recent_use[:5] = 0
    lost = quantiser.codes[:5].clone()
    _step(loss, care, optimiser, 89)
    assert torch.isclose(quantiser.codes[:5], lost, atol=0.05).all()


def test_care_is_the_same_every_time() -> None:
    results = []
    for _ in range(2):
        loss, care, optimiser, _ = _trained()
        for step in range(8):
            _step(loss, care, optimiser, step)
        results.append(loss.codebook.quantiser.codes.detach().clone())
    assert torch.equal(*results)
