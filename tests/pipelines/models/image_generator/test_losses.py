import pytest
import torch

from pipelines.models.image_codebook.discriminator import PatchDiscriminator
from pipelines.models.image_codebook.perceptual import GradientPyramidDistance
from pipelines.models.image_generator.generator import GeneratedFrames, ImageGenerator
from pipelines.models.image_generator.losses import GeneratorLossWeights, Targets, code_level_loss, image_level_loss
from pipelines.models.image_generator.settings import Variant
from tests.factories.image_models import (
    GENERATOR,
    coefficients,
    disturbed,
    motion_fields,
    pictures,
    small_generator,
    variant_settings,
)

WEIGHTS = GeneratorLossWeights()


def _case(generator: ImageGenerator) -> tuple[GeneratedFrames, Targets]:
    portrait = generator.encode_portrait(pictures(2), coefficients(2, 1)[:, 0])
    windows = coefficients(2, generator.settings.mapping.window, seed=2)
    made = generator(portrait, windows, motion_fields(2) if generator.settings.bootstrap else None)
    frames = pictures(2, seed=7)
    return made, Targets(frames, generator.codebook.encode(frames), torch.rand(2, 1, 32, 32) + 0.5)


def test_the_code_level_is_equation_18_and_the_warp() -> None:
    generator = small_generator()
    made, targets = _case(generator)
    plain = targets._replace(emphasis=None)
    losses = code_level_loss(made, plain, generator.codebook.quantiser, WEIGHTS)
    chances = made.scores.log_softmax(dim=-1).gather(2, plain.indices.flatten(1)[..., None])
    wanted = generator.codebook.quantiser.look_up(plain.indices)

    assert torch.allclose(losses.terms["code"], -chances.mean())
    assert torch.allclose(losses.terms["feature"], (made.features - wanted).square().mean())
    assert torch.allclose(losses.total, 0.5 * losses.terms["code"] + losses.terms["feature"] + losses.terms["warp"])


def test_even_emphasis_changes_nothing_and_uneven_does() -> None:
    generator = small_generator()
    made, targets = _case(generator)
    even, plain = targets._replace(emphasis=torch.full((2, 1, 32, 32), 3.0)), targets._replace(emphasis=None)
    totals = [code_level_loss(made, case, generator.codebook.quantiser, WEIGHTS).total for case in (even, plain, targets)]

    assert torch.allclose(totals[0], totals[1])
    assert not torch.allclose(totals[1], totals[2])


@pytest.mark.parametrize("variant", Variant)
def test_the_first_stage_trains_all_but_the_blend(variant: Variant) -> None:
    generator = small_generator(variant_settings(variant))
    disturbed(generator)
    made, targets = _case(generator)
    losses = code_level_loss(made, targets, generator.codebook.quantiser, WEIGHTS)
    losses.total.backward()
    without = {name for name, parameter in generator.trainable().items() if parameter.grad is None or not parameter.grad.any()}

    assert {name.split(".")[0] for name in without} <= {"blending"}
    assert ("code" in losses.terms) == (variant is Variant.FULL)


def test_the_second_stage_reaches_everything_through_the_frozen_decoder() -> None:
    generator, discriminator = small_generator(GENERATOR), PatchDiscriminator(8)
    disturbed(generator)
    made, targets = _case(generator)
    losses = image_level_loss(made, targets, GradientPyramidDistance(), WEIGHTS, discriminator)
    losses.total.backward()

    assert [name for name, parameter in generator.trainable().items() if parameter.grad is None] == []
    assert set(losses.terms) == {"reconstruction", "painted", "perceptual", "adversarial", "adaptive_weight"}
    assert not any(term.requires_grad for term in losses.terms.values())
