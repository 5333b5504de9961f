import pytest
import torch

from pipelines.models.image_generator.mapping import MappingNetwork, windows_of
from pipelines.models.image_generator.settings import MappingSettings
from pipelines.models.image_presets import PRESETS
from tests.factories.image_models import coefficients

SETTINGS = MappingSettings(first_kernel=3, layers=2, dilation=2, pooled=3, width=12)


@pytest.mark.parametrize("settings", [SETTINGS, *(preset.generator.mapping for preset in PRESETS.values())])
def test_a_window_becomes_one_descriptor(settings: MappingSettings) -> None:
    network = MappingNetwork(settings, relative=False)
    seen = []
    network.layers[-1].register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape[-1]))

    assert network(coefficients(2, settings.window), None).shape == (2, settings.width)
    assert seen == [settings.pooled]
    assert settings.window % 2 == 1


def test_the_paper_s_window_is_that_of_pirenderer() -> None:
    assert PRESETS["paper"].generator.mapping.window == 27


def test_a_descriptor_sees_its_window_and_no_more() -> None:
    network, windows = MappingNetwork(SETTINGS, relative=False), coefficients(1, SETTINGS.window).requires_grad_()
    network(windows, None).sum().backward()

    assert windows.grad is not None
    assert (windows.grad.abs().sum(dim=-1) > 0).all()


def test_windows_repeat_the_ends_of_a_clip() -> None:
    clip = torch.arange(4.0)[:, None].expand(4, 70)

    assert windows_of(clip, 5)[..., 0].tolist() == [[0, 0, 0, 1, 2], [0, 0, 1, 2, 3], [0, 1, 2, 3, 3], [1, 2, 3, 3, 3]]


def test_coefficients_are_normalised_by_statistics_that_are_stored() -> None:
    network, other = MappingNetwork(SETTINGS, relative=True), MappingNetwork(SETTINGS, relative=True)
    mean, stddev = torch.randn(70), torch.rand(70) + 0.5
    stddev[3] = 0
    network.set_statistics(mean, stddev)
    other.load_state_dict(network.state_dict())
    windows, portrait = coefficients(1, SETTINGS.window), coefficients(1, 1, seed=1)[:, 0]
    plain = MappingNetwork(SETTINGS, relative=True)
    plain.load_state_dict({**network.state_dict(), "mean": torch.zeros(70), "stddev": torch.ones(70)})
    scale = torch.where(stddev > 0, stddev, 1.0)

    assert torch.equal(network(windows, portrait), other(windows, portrait))
    assert torch.allclose(network(windows, portrait), plain((windows - mean) / scale, (portrait - mean) / scale), atol=1e-5)


def test_relative_motion_needs_the_portrait() -> None:
    with pytest.raises(ValueError, match="coefficients of the portrait"):
        MappingNetwork(SETTINGS, relative=True)(coefficients(1, SETTINGS.window), None)
