import pytest
import torch

from pipelines.models.image_generator.adaptive_norm import AdaptiveNorm, channel_statistics


def test_at_first_a_map_goes_through_unchanged() -> None:
    features = torch.randn(2, 6, 4, 4)

    assert torch.equal(AdaptiveNorm(6, 5)(features, torch.randn(2, 5)), features)


def test_the_result_has_the_statistics_asked_for() -> None:
    norm, features, descriptor = (
        AdaptiveNorm(6, 5).double(),
        torch.randn(2, 6, 8, 8, dtype=torch.float64) * 3 + 1,
        torch.randn(2, 5).double(),
    )
    torch.nn.init.normal_(norm.change.weight)
    scale, shift = norm.change(descriptor).chunk(2, dim=1)
    deviation = features.std(dim=(2, 3), correction=0)
    adapted = norm(features, descriptor)

    assert torch.allclose(adapted.mean(dim=(2, 3)), features.mean(dim=(2, 3)) + deviation * shift, atol=1e-5)
    assert torch.allclose(adapted.std(dim=(2, 3), correction=0), deviation * (1 + scale).abs(), atol=1e-5)


def test_training_and_evaluation_give_the_same() -> None:
    norm, features, descriptor = AdaptiveNorm(6, 5), torch.randn(2, 6, 4, 4), torch.randn(2, 5)
    torch.nn.init.normal_(norm.change.weight)

    assert torch.equal(norm.train()(features, descriptor), norm.eval()(features, descriptor))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_statistics_are_those_of_torch(layout: torch.memory_format) -> None:
    features = (torch.randn(2, 5, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 + 7).to(memory_format=layout)

    variance, mean = channel_statistics(features)

    expected_variance, expected_mean = torch.var_mean(features, dim=(2, 3), keepdim=True, correction=0)
    torch.testing.assert_close(variance, expected_variance)
    torch.testing.assert_close(mean, expected_mean)
    assert channel_statistics(features.bfloat16())[0].dtype == torch.bfloat16
