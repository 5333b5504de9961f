from __future__ import annotations

import copy
import math
from typing import Any

import pytest
import torch

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, presets
from pipelines.models.normalizing_flow.flow_config import FlowKind, PresetName
from tests.factories.coefficient_flows import POSE, VARIANTS, random_flow, random_inputs

EACH_VARIANT = pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@EACH_VARIANT
@torch.no_grad()
def test_data_come_back_from_their_latents(changes: dict[str, Any]) -> None:
    flow = random_flow(**changes)
    inputs = random_inputs(flow, 50)
    context = inputs.context(flow)

    z, _ = flow.to_latent(inputs.beta, context)

    assert (flow.from_latent(z, context) - inputs.beta).abs().max() < 1e-5
    assert (flow.to_latent(flow.from_latent(z, context), context)[0] - z).abs().max() < 1e-4


@EACH_VARIANT
def test_the_log_determinant_is_that_of_autograd(changes: dict[str, Any]) -> None:
    flow = random_flow(**changes).double()
    inputs = random_inputs(flow, 3, dtype=torch.float64)
    context = inputs.context(flow)
    _, log_det = flow.to_latent(inputs.beta, context)

    for row in range(3):
        one = context.select(slice(row, row + 1))
        jacobian = torch.autograd.functional.jacobian(lambda beta, one=one: flow.to_latent(beta[None], one)[0][0], inputs.beta[row])
        assert torch.linalg.slogdet(jacobian).logabsdet.item() == pytest.approx(log_det[row].item(), abs=1e-9)


@torch.no_grad()
def test_the_likelihood_is_a_density_of_raw_coefficients() -> None:
    flow = random_flow(features=2, spread=0.05)
    inputs = random_inputs(flow, 1)
    steps = torch.linspace(-9, 9, 361)
    grid = torch.cartesian_prod(steps, steps) * flow.scale + flow.center
    context = flow.encode_context(*(None if part is None else part.expand(len(grid), *part.shape[1:]) for part in inputs[:4]))

    cell = (18 / 360) ** 2 * flow.scale.prod()
    total = flow.log_likelihood(grid, context).exp().sum() * cell

    assert total.item() == pytest.approx(1.0, abs=5e-3)


@EACH_VARIANT
def test_gradients_reach_every_parameter(changes: dict[str, Any]) -> None:
    flow = random_flow(**changes)
    inputs = random_inputs(flow)
    audio = None
    if flow.config.has_audio:
        audio = flow.audio_windows(flow.encode_audio(torch.randn(1, 30, 80), 5))[0]
    context = flow.encode_context(audio, *inputs[1:4])

    flow.log_likelihood(inputs.beta, context).sum().backward()

    without = [name for name, parameter in flow.named_parameters() if parameter.grad is None or not bool(parameter.grad.any())]
    assert without == []


def test_gradients_pass_through_sampling() -> None:
    flow = random_flow()
    inputs = random_inputs(flow)

    flow.from_latent(inputs.beta, inputs.context(flow)).square().sum().backward()

    parameters = [*flow.couplings.parameters(), *flow.actnorm.parameters(), *flow.linears.parameters(), *flow.context_encoder.parameters()]
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in parameters)


@torch.no_grad()
def test_the_flow_is_the_same_in_training_and_evaluation() -> None:
    flow = random_flow(dropout=0.5)
    inputs = random_inputs(flow)
    context = inputs.context(flow)
    z, log_det = flow.to_latent(inputs.beta, context)
    beta = flow.from_latent(z, context)

    flow.train()

    trained_z, trained_log_det = flow.to_latent(inputs.beta, context)
    assert torch.equal(trained_z, z)
    assert torch.equal(trained_log_det, log_det)
    assert torch.equal(flow.from_latent(z, context), beta)


@torch.no_grad()
def test_without_dropout_the_context_too_is_the_same_in_training_and_evaluation() -> None:
    flow = random_flow(dropout=0.0)
    inputs = random_inputs(flow)
    before = flow.log_likelihood(inputs.beta, inputs.context(flow)), flow.encode_audio(torch.ones(1, 30, 80), 5)

    flow.train()

    assert torch.equal(flow.log_likelihood(inputs.beta, inputs.context(flow)), before[0])
    assert torch.equal(flow.encode_audio(torch.ones(1, 30, 80), 5), before[1])


@EACH_VARIANT
@torch.no_grad()
def test_saved_weights_give_equal_likelihoods(changes: dict[str, Any]) -> None:
    flow, other = random_flow(1, **changes), random_flow(2, **changes)
    inputs = random_inputs(flow)
    expected = flow.log_likelihood(inputs.beta, inputs.context(flow))
    assert not torch.equal(other.log_likelihood(inputs.beta, inputs.context(other)), expected)

    other.load_state_dict(copy.deepcopy(flow.state_dict()))

    assert torch.equal(other.log_likelihood(inputs.beta, inputs.context(other)), expected)


@torch.no_grad()
def test_actnorm_starts_from_the_first_batch() -> None:
    flow = random_flow(emotions=3)
    inputs = random_inputs(flow, 200)
    context = inputs.context(flow)

    flow.initialise_actnorm(inputs.beta, context)

    matrices = flow.linears.matrices()
    h = ((inputs.beta - flow.center) / flow.scale - context.shift) * torch.exp(-context.log_scale)
    means, log_scales = flow.actnorm.mixed(context.emotion)
    for step, coupling in enumerate(flow.couplings):
        h = (h - means[step]) * torch.exp(-log_scales[step])
        assert h.mean(0).abs().max() < 1e-4
        assert (h.var(0, unbiased=False) - 1).abs().max() < 1e-3
        h, _ = coupling(h @ matrices[step].mT, context.summaries[:, step], context.keys, context.values)
    assert torch.equal(flow.actnorm.means[:, 0], flow.actnorm.means[:, 2])


def test_actnorm_starts_the_same_everywhere() -> None:
    first, second = random_flow(3), random_flow(3)
    inputs = random_inputs(first, 64)
    for flow in (first, second):
        torch.rand(7)  # another state of the random numbers, as another process has
        flow.initialise_actnorm(inputs.beta, inputs.context(flow))

    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


@EACH_VARIANT
@torch.no_grad()
def test_prepared_sampling_gives_the_same(changes: dict[str, Any]) -> None:
    flow = random_flow(**changes)
    inputs = random_inputs(flow, 20)
    context = inputs.context(flow)
    z, _ = flow.to_latent(inputs.beta, context)
    beta = flow.from_latent(z, context)

    flow.prepare_for_sampling()

    prepared = inputs.context(flow)
    for name, part in context._asdict().items():
        assert (getattr(prepared, name) - part).abs().max() < 1e-5, name
    assert (flow.from_latent(z, prepared) - beta).abs().max() < 1e-5
    assert (flow.to_latent(inputs.beta, prepared)[0] - z).abs().max() < 1e-4


@torch.no_grad()
def test_a_change_of_weights_ends_the_preparation() -> None:
    flow, other = random_flow(1), random_flow(2)
    inputs = random_inputs(flow)
    expected = other.from_latent(inputs.beta, inputs.context(other))

    flow.prepare_for_sampling()
    flow.load_state_dict(other.state_dict())

    assert torch.equal(flow.from_latent(inputs.beta, inputs.context(flow)), expected)


def test_a_prepared_flow_still_gives_gradients() -> None:
    flow = random_flow()
    flow.prepare_for_sampling()
    inputs = random_inputs(flow)

    assert flow.from_latent(inputs.beta, inputs.context(flow)).requires_grad


@torch.no_grad()
def test_mixed_precision_leaves_the_flow_in_full_precision() -> None:
    flow = random_flow()
    inputs = random_inputs(flow)
    expected = flow.log_likelihood(inputs.beta, inputs.context(flow))

    with torch.autocast("cpu", torch.bfloat16):
        assert flow.encode_audio(torch.ones(1, 30, 80), 5).shape == (1, 5, 16)
        assert torch.equal(flow.log_likelihood(inputs.beta, inputs.context(flow)), expected)


@pytest.mark.parametrize("kind", ["expflow", "poseflow"])
@pytest.mark.parametrize("name", ["tiny", "small", "paper"])
@torch.no_grad()
def test_a_new_network_of_each_preset_is_an_isometry_up_to_its_scales(name: PresetName, kind: FlowKind) -> None:
    flow = CoefficientFlow(presets(name, kind)).eval()
    inputs = random_inputs(flow, 3)
    z, log_det = flow.to_latent(inputs.beta, inputs.context(flow))

    changed = flow.config.features - flow.config.features // 2
    assert log_det.numpy() == pytest.approx(flow.config.steps * changed * math.log(1 / (1 + math.exp(-2)) + 1e-6), abs=1e-3)
    assert (flow.from_latent(z, inputs.context(flow)) - inputs.beta).abs().max() < 1e-5


def test_wrong_arguments_are_named() -> None:
    flow, silent = random_flow(), random_flow(has_audio=False)
    inputs = random_inputs(flow)
    with pytest.raises(ValueError, match="needs audio and needs source; given: audio False, source True"):
        flow.encode_context(None, *inputs[1:4])
    with pytest.raises(ValueError, match="has no audio and needs source"):
        silent.encode_context(*inputs[:4])
    with pytest.raises(ValueError, match="no audio in its context"):
        silent.encode_audio(torch.ones(1, 30, 80), 5)
    with pytest.raises(ValueError, match=r"found \(1, 0, 80\) and 5"):
        flow.encode_audio(torch.ones(1, 0, 80), 5)
    with pytest.raises(ValueError, match=r"mel_scale must be \(80,\) finite numbers, scales above 0"):
        flow.set_normalisation(flow.center, flow.scale, torch.zeros(80), torch.zeros(80))


@torch.no_grad()
def test_a_preparation_is_untouched_by_later_training() -> None:
    flow = random_flow()
    inputs = random_inputs(flow)
    flow.prepare_for_sampling()
    sampler = flow._sampler
    assert sampler is not None
    expected = sampler.from_latent(inputs.beta, sampler.encode_context(*inputs[:4]))

    for parameter in flow.parameters():
        parameter.add_(torch.randn_like(parameter))

    assert torch.equal(sampler.from_latent(inputs.beta, sampler.encode_context(*inputs[:4])), expected)


@torch.no_grad()
def test_a_linear_prediction_moves_the_frame_that_a_latent_stands_for() -> None:
    flow, blind = random_flow(**POSE), random_flow(**POSE)
    blind.set_linear_past(torch.zeros_like(blind.past_map))
    inputs = random_inputs(flow, 20)
    past = ((inputs.past - flow.center) / flow.scale).flatten(1)

    z, log_det = flow.to_latent(inputs.beta, inputs.context(flow))
    moved, blind_log_det = blind.to_latent(inputs.beta - (past @ flow.past_map) * flow.scale, inputs.context(blind))

    assert torch.allclose(z, moved, atol=1e-4)
    assert torch.allclose(log_det, blind_log_det, atol=1e-4)


def test_a_linear_prediction_is_refused_where_there_is_none_or_it_does_not_fit() -> None:
    with pytest.raises(ValueError, match="set linear_past"):
        random_flow().set_linear_past(torch.zeros(24, 8))
    with pytest.raises(ValueError, match="past_map must be"):
        random_flow(**POSE).set_linear_past(torch.zeros(6, 6))


def test_histories_with_a_linear_prediction_are_hidden_as_a_whole_and_begin_with_their_first_frame() -> None:
    flow, plain = random_flow(**POSE), random_flow()
    past, values = torch.randn(3, 3, 6), torch.randn(3, 6)
    known = torch.tensor([[False, False, True], [False] * 3, [True] * 3])
    seen = flow.seen_past(past, known)
    assert torch.equal(seen[[0, 2]], past[[0, 2]])
    assert torch.equal(seen[1], flow.center.expand(3, -1))

    following = flow.next_past(seen, values)
    assert torch.equal(following[0], torch.cat([past[0, 1:], values[:1]]))
    assert torch.equal(following[1], values[1].expand(3, -1))
    hidden, frame = plain.center.expand(1, 3, -1), torch.randn(1, 8)
    assert torch.equal(plain.next_past(hidden, frame)[0], torch.cat([hidden[0, 1:], frame]))
