from __future__ import annotations

import pytest
import torch

from pipelines.models.normalizing_flow.audio_encoder import column_range, first_column
from pipelines.models.normalizing_flow.coefficient_flow import CoefficientFlow
from tests.factories.coefficient_flows import random_flow

FRAMES = 40
COLUMNS = 1 + FRAMES * 640 // 200


@pytest.fixture(scope="module")
def flow() -> CoefficientFlow:
    return random_flow()


@pytest.fixture
def log_mel() -> torch.Tensor:
    return torch.randn(2, COLUMNS, 80, generator=torch.Generator().manual_seed(0))


def test_windows_begin_where_those_of_peers_do() -> None:
    assert [first_column(frame) for frame in (0, 1, 2, 3, 7, 40)] == [-6, -3, 0, 3, 16, 121]
    assert column_range(2, 6) == (0, 32)


def test_without_reach_a_frame_sees_its_sixteen_columns_alone(log_mel: torch.Tensor) -> None:
    flow = random_flow(audio_reach_frames=0)
    log_mel.requires_grad_()

    flow.encode_audio(log_mel, FRAMES)[0, 9].sum().backward()

    seen = log_mel.grad
    assert seen is not None
    assert seen[0].any(1).nonzero()[:, 0].tolist() == list(range(22, 38))
    assert not seen[1].any()


def test_with_reach_a_frame_sees_no_further_than_the_margin(flow: CoefficientFlow, log_mel: torch.Tensor) -> None:
    log_mel.requires_grad_()

    flow.encode_audio(log_mel, FRAMES)[0, 20].sum().backward()

    assert log_mel.grad is not None
    columns = log_mel.grad[0].any(1).nonzero()[:, 0]
    begin, end = column_range(20 - flow.config.audio_reach_frames, 2 * flow.config.audio_reach_frames + 1)
    assert (columns.min().item(), columns.max().item() + 1) == (begin, end)


@torch.no_grad()
def test_columns_outside_of_the_clip_are_those_at_its_edge(flow: CoefficientFlow, log_mel: torch.Tensor) -> None:
    longer = torch.cat([log_mel[:, :1].expand(-1, 16, -1), log_mel, log_mel[:, -1:].expand(-1, 16, -1)], dim=1)

    assert torch.allclose(flow.encode_audio(longer, FRAMES, 0, -16), flow.encode_audio(log_mel, FRAMES), atol=1e-5)


@pytest.mark.parametrize("chunk", [7, 16])
@torch.no_grad()
def test_chunks_with_margins_equal_the_whole(flow: CoefficientFlow, log_mel: torch.Tensor, chunk: int) -> None:
    whole = flow.audio_windows(flow.encode_audio(log_mel, FRAMES))
    margin, parts = flow.audio_margin_frames, []
    for begin in range(0, FRAMES, chunk):
        end = min(begin + chunk, FRAMES)
        first, last = max(begin - margin, 0), min(end + margin, FRAMES)
        first_column_given, column_end = column_range(first, last - first)
        first_column_given = max(first_column_given, 0)
        features = flow.encode_audio(log_mel[:, first_column_given:column_end], last - first, first, first_column_given)
        parts.append(flow.audio_windows(features)[:, begin - first : end - first])

    assert (torch.cat(parts, dim=1) - whole).abs().max() < 1e-5


@torch.no_grad()
def test_windows_hold_the_frames_around_each(flow: CoefficientFlow) -> None:
    features = torch.arange(4.0)[None, :, None]

    assert flow.audio_windows(features)[0, :, :, 0].tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


@torch.no_grad()
def test_a_clip_of_one_frame_and_one_column_can_be_encoded(flow: CoefficientFlow) -> None:
    features = flow.encode_audio(torch.zeros(1, 1, 80), 1)

    assert features.shape == (1, 1, flow.config.width)
    assert bool(features.isfinite().all())
