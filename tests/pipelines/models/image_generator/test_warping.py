import pytest
import torch

from pipelines.models.image_generator.settings import WarpSettings
from pipelines.models.image_generator.warping import WarpingNetwork, fitted, guide_of, sample
from pipelines.models.motion_field import MotionFields
from tests.factories.image_models import disturbed, motion_fields, pictures


def _network() -> WarpingNetwork:
    torch.manual_seed(0)
    return WarpingNetwork(WarpSettings(shuffle=4, widths=(8, 16, 24)), 12)


@pytest.mark.parametrize("size_px", [32, 100, 128, 512])
def test_no_motion_is_the_identity(size_px: int) -> None:
    noise = torch.rand(1, 3, size_px, size_px, generator=torch.Generator().manual_seed(0)) * 2 - 1
    error = (sample(noise, torch.zeros(1, 2, size_px, size_px)) - noise).abs().max()

    # Sides of a power of two have pixel centres that floats hold exactly.
    assert error <= (1e-4 if size_px == 100 else 0.0)


def test_motion_of_whole_pixels_is_a_shift() -> None:
    picture = torch.rand(1, 3, 32, 32)
    motion = torch.tensor([3.0, -2.0]).reshape(1, 2, 1, 1).expand(1, 2, 32, 32)

    assert torch.allclose(sample(picture, motion)[..., 2:, :-3], picture[..., :-2, 3:], atol=1e-5)


def test_bf16_pictures_are_sampled_at_exact_places() -> None:
    picture = pictures(1, size_px=512).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        warped = sample(picture, torch.zeros(1, 2, 512, 512))

    assert torch.equal(warped, picture)


def test_before_training_there_is_no_motion_whatever_the_descriptor() -> None:
    network = _network()
    motion = network(network.encode(pictures(2)), torch.randn(2, 12), 32)

    assert motion.shape == (2, 2, 32, 32)
    assert torch.equal(motion, torch.zeros_like(motion))


def test_gradients_reach_every_parameter_and_the_descriptor() -> None:
    network = disturbed(_network())
    descriptor = torch.randn(2, 12, requires_grad=True)
    sample(pictures(2), network(network.encode(pictures(2)), descriptor, 32)).square().sum().backward()

    assert [name for name, parameter in network.named_parameters() if parameter.grad is None or not parameter.grad.any()] == []
    assert descriptor.grad is not None
    assert descriptor.grad.any()


def test_the_motion_learns_a_shift() -> None:
    network, picture = _network(), pictures(1, seed=4)
    target = sample(picture, torch.full((1, 2, 32, 32), 2.0))
    maps, descriptor = network.encode(picture), torch.ones(1, 12)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = (sample(picture, network([*maps], descriptor, 32)) - target).abs().mean()
        optimiser.zero_grad()
        loss.backward(retain_graph=True)
        optimiser.step()
        losses.append(float(loss.detach()))
        maps = network.encode(picture)

    assert losses[-1] < 0.3 * losses[0]


def test_coarser_fields_are_enlarged_with_their_motion() -> None:
    coarse = MotionFields(torch.full((1, 2, 16, 16), 1.5), *(torch.rand(1, 16, 16) > 0.5 for _ in range(3)))
    fine = fitted(coarse, 32)

    assert torch.equal(fine.motion, torch.full((1, 2, 32, 32), 3.0))
    assert torch.equal(fine.covered[:, ::2, 1::2], coarse.covered)
    assert fitted(coarse, 16) is coarse


def test_the_guide_is_the_masks() -> None:
    fields = motion_fields(2)
    guide = guide_of(fields, torch.float32)

    assert torch.equal(guide[:, 0].bool(), fields.covered)
    assert torch.equal(guide[:, 1].bool(), fields.visible)


def test_surroundings_come_into_view() -> None:
    surrounded = torch.rand(1, 3, 40, 40)

    assert torch.allclose(sample(surrounded, torch.zeros(1, 2, 32, 32)), surrounded[..., 4:36, 4:36], atol=1e-5)
    shifted = sample(surrounded, torch.full((1, 2, 32, 32), -3.0))
    assert torch.allclose(shifted, surrounded[..., 1:33, 1:33], atol=1e-5)
