from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from pipelines.training.coefficient_loss import Disturbance, _changed_sound, _past, encode, frame_nll, masked_mean
from pipelines.training.window_batches import WindowBatch
from tests.factories.coefficient_flows import random_flow


def batch_of(windows: int = 5, frames: int = 6, features: int = 8, past: int = 3) -> WindowBatch:
    generator = torch.Generator().manual_seed(0)
    known = torch.ones(windows, past + frames, dtype=torch.bool)
    known[0, :4] = False
    return WindowBatch(
        torch.randn(windows, past + frames, features, generator=generator),
        known,
        known[:, past:],
        torch.arange(windows) % 3,
        torch.randn(windows, features, generator=generator),
        None,
        0,
    )


@pytest.fixture
def flow():  # type: ignore[no-untyped-def]  # noqa: ANN201 - a CoefficientFlow
    return random_flow(has_audio=False)


def test_past_frames_come_in_order_and_unknown_ones_are_the_centre(flow) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    batch = batch_of()
    past = _past(flow, batch, Disturbance()).view(5, 6, 3, 8)
    assert torch.equal(past[1, 2], batch.values[1, 2:5])
    assert torch.equal(past[0, 0], flow.center.expand(3, -1))
    assert torch.equal(past[0, 2], torch.stack([flow.center, flow.center, batch.values[0, 4]]))


def test_hidden_past_frames_are_whole_and_as_many_as_asked_for(flow) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    torch.manual_seed(0)
    batch = batch_of(windows=200)
    past = _past(flow, batch, Disturbance(past_dropout=0.3))
    hidden = (past == flow.center).all(dim=2)
    assert 0.27 < hidden.float().mean() < 0.34
    assert torch.equal(hidden, (past == flow.center).any(dim=2))


def test_noise_has_the_asked_for_strength(flow) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    torch.manual_seed(0)
    batch = batch_of(windows=300)
    batch = replace(batch, known=torch.ones_like(batch.known))
    change = (_past(flow, batch, Disturbance(input_noise=0.1)) - _past(flow, batch, Disturbance())) / flow.scale
    assert change.std().item() == pytest.approx(0.1, rel=0.05)


def test_sound_is_hidden_in_runs_and_changed_in_level() -> None:
    torch.manual_seed(0)
    flow = random_flow()
    sound = torch.randn(400, 60, 80)
    assert torch.equal(_changed_sound(flow, sound, Disturbance()), sound)
    masked = _changed_sound(flow, sound, Disturbance(mel_time_mask_columns=4, mel_frequency_mask_bins=10)) == flow.mel_center
    columns = masked.all(dim=2).sum(dim=1)
    bins = masked.all(dim=1).sum(dim=1)
    assert (columns.max(), bins.max()) == (4, 10)
    assert 1.5 < columns.float().mean() < 2.2
    louder = _changed_sound(flow, sound, Disturbance(mel_gain=0.5)) - sound
    assert louder.abs().max() <= 0.5 + 1e-5
    assert torch.allclose(louder.std(dim=(1, 2)), torch.zeros(400), atol=1e-6)


def test_frames_that_do_not_count_do_not(flow) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    batch = batch_of()
    nll = frame_nll(flow, batch, encode(flow, batch))
    changed = batch.values.clone()
    changed[0, 3] = 1e3  # the one target frame that is unknown
    other = replace(batch, values=changed)
    torch.testing.assert_close(masked_mean(nll, batch), masked_mean(frame_nll(flow, other, encode(flow, other)), other))
    torch.testing.assert_close(masked_mean(nll, batch), nll[batch.usable].mean())


def test_likelihood_is_that_of_the_flow_in_normalised_units(flow) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    batch = batch_of()
    context = encode(flow, batch)
    raw = -flow.log_likelihood(batch.values[:, 3:].flatten(0, 1), context).view(5, 6) / 8
    torch.testing.assert_close(frame_nll(flow, batch, context), raw - flow.scale.log().mean())
