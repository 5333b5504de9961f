from __future__ import annotations

import pytest
import torch

from pipelines.models.normalizing_flow.losses import consistency_loss, negative_log_likelihood
from tests.factories.coefficient_flows import random_flow, random_inputs


def test_likelihood_is_counted_in_normalised_units() -> None:
    flow = random_flow()
    inputs = random_inputs(flow)
    context = inputs.context(flow)
    raw = -flow.log_likelihood(inputs.beta, context).mean() / 8

    assert negative_log_likelihood(flow, inputs.beta, context).item() == pytest.approx((raw - flow.scale.log().mean()).item(), abs=1e-5)


def test_units_of_the_corpus_change_nothing() -> None:
    flow = random_flow(has_source=False)
    inputs = random_inputs(flow)
    before = negative_log_likelihood(flow, inputs.beta, inputs.context(flow)).item()

    flow.set_normalisation(flow.center * 10, flow.scale * 10)

    context = flow.encode_context(inputs.audio, inputs.past * 10, None, inputs.emotion)
    assert negative_log_likelihood(flow, inputs.beta * 10, context).item() == pytest.approx(before, abs=1e-4)


def test_consistency_compares_differences_of_real_and_drawn_frames() -> None:
    flow = random_flow()
    inputs = random_inputs(flow, 8)
    context = inputs.context(flow)
    noise = flow.sample_noise(2, generator=torch.Generator().manual_seed(4)).repeat_interleave(4, dim=0)
    drawn = flow.from_latent(flow.latent_mean(inputs.emotion) + noise, context).view(2, 4, 8)

    windows = inputs.beta.view(2, 4, 8)
    loss = consistency_loss(flow, windows, context, generator=torch.Generator().manual_seed(4))

    expected = [((windows[i, t] - windows[i, t - 1] - drawn[i, t] + drawn[i, t - 1]) / flow.scale).abs() for i in (0, 1) for t in (1, 2, 3)]
    assert loss.item() == pytest.approx(torch.stack(expected).mean().item(), rel=1e-4)
    loss.backward()
    assert all(parameter.grad is not None for parameter in flow.couplings.parameters())


def test_windows_that_fit_no_context_are_named() -> None:
    flow = random_flow()
    inputs = random_inputs(flow, 8)
    context = inputs.context(flow)
    with pytest.raises(ValueError, match="found beta"):
        consistency_loss(flow, inputs.beta.view(8, 1, 8), context)
    with pytest.raises(ValueError, match="contexts 8"):
        consistency_loss(flow, inputs.beta[:6].view(2, 3, 8), context)
