from __future__ import annotations

import pytest
import torch

from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow, Context, presets
from pipelines.models.normalizing_flow.sampling_step import SamplingStep
from tests.factories.coefficient_flows import random_flow, random_inputs

FRAMES = 6


def by_hand(flow: CoefficientFlow, latents: torch.Tensor) -> torch.Tensor:
    inputs = random_inputs(flow, latents.shape[1])
    past, betas = flow.center.expand_as(inputs.past), []
    for z in latents:
        betas.append(flow.from_latent(z, flow.encode_context(inputs.audio, past, inputs.source, inputs.emotion)))
        past = torch.cat([past[:, 1:], betas[-1][:, None]], dim=1)
    return torch.stack(betas)


def by_steps(step: SamplingStep, latents: torch.Tensor) -> torch.Tensor:
    inputs = random_inputs(step._flow, latents.shape[1])
    for buffer, value in ((step.audio, inputs.audio), (step.source, inputs.source), (step.emotion, inputs.emotion)):
        if buffer is not None and value is not None:
            buffer.copy_(value)
    betas = []
    for z in latents:
        step.z.copy_(z)
        betas.append(step().clone())
    return torch.stack(betas)


@pytest.mark.parametrize("changes", [{}, {"has_audio": False}, {"has_source": False}])
@torch.no_grad()
def test_steps_equal_sampling_by_hand(changes: dict[str, bool]) -> None:
    flow = random_flow(**changes)
    latents = torch.randn(FRAMES, 3, 8, generator=torch.Generator().manual_seed(1))
    expected = by_hand(flow, latents)
    step = SamplingStep(flow, 3)

    assert (by_steps(step, latents) - expected).abs().max() < 1e-4
    step.restart()
    assert (by_steps(step, latents) - expected).abs().max() < 1e-4


@torch.no_grad()
def test_the_history_is_kept_within_bounds_but_the_result_is_not_changed() -> None:
    flow = random_flow()
    low, high = flow.center - flow.scale, flow.center + flow.scale
    step = SamplingStep(flow, 2, low, high)

    betas = by_steps(step, 3 * torch.randn(FRAMES, 2, 8, generator=torch.Generator().manual_seed(1)))

    assert bool((betas > high).any())
    assert bool((step.past <= high).all())
    assert bool((step.past >= low).all())
    assert torch.equal(step.past[:, -1], betas[-1].clamp(low, high))


@torch.no_grad()
def test_a_step_is_one_graph_without_breaks() -> None:
    flow = random_flow()
    flow.prepare_for_sampling()
    inputs = random_inputs(flow)
    sampler = flow._sampler
    assert sampler is not None

    def step(audio: torch.Tensor, past: torch.Tensor, source: torch.Tensor, emotion: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        context: Context = sampler.encode_context(audio, past, source, emotion)
        return sampler.from_latent(z, context)

    recorded = torch.fx.experimental.proxy_tensor.make_fx(step)(*inputs)  # fails where data decide what is done

    assert torch.equal(recorded(*inputs), step(*inputs))
    targets = {str(node.target) for node in recorded.graph.nodes}
    assert not [target for target in targets if "aten.item" in target or "local_scalar" in target or "_to_copy" in target]


@pytest.mark.gpu
@torch.no_grad()
def test_a_recorded_graph_equals_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    torch.manual_seed(0)
    flow = CoefficientFlow(presets("small", "expflow"))
    for parameter in flow.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.01)
    latents = torch.randn(FRAMES, 64, 64)
    expected = by_steps(SamplingStep(flow, 64), latents)

    assert (by_steps(SamplingStep(flow.cuda(), 64), latents).cpu() - expected).abs().max() < 1e-3
